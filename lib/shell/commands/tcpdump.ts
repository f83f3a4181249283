/** tcpdump: what commands and programs send, as it passes here, in the cluster's own time. */
import { Signal, type Act } from "../../machinery/act.js";
import { tapsOf } from "../network/capture.js";
import type { Frame } from "../network/frame.js";
import { nameAt } from "../network/dns.js";
import { FrameWriter } from "../network/frame-text.js";
import { filterOf, FilterError, type Filter } from "../network/packet-filter.js";
import type { Command, Context } from "../place.js";
import { signals } from "../process.js";
import { optionsOf, refuse } from "./common.js";
import { interfacesOf } from "./interfaces.js";

/** What a packet that nobody has printed yet may wait for. */
const MOST_WAITING = 10_000;

function* tcpdump(context: Context): Act<number> {
  const { args, place } = context;
  const count = (letter: string): number =>
    args
      .filter((word) => /^-[a-zA-Z#]+$/.test(word))
      .reduce((sum, word) => sum + word.split(letter).length - 1, 0);
  const { flags, words } = yield* optionsOf(context, {
    letters: "nNi:c:ltqUpKSs:Q:vexXAw:r:D",
    long: { interface: "i:", "immediate-mode": "l", number: "number", list: "D" },
  });
  for (const letter of ["v", "e", "x", "X", "A", "w", "r", "number"])
    if (flags.has(letter))
      return yield* refuse(
        context,
        1,
        `-${letter} is not modelled here; -n, -i, -c, -t, -q, -Q and filters are`,
      );
  const names = interfacesOf(context).map(({ name }) => name);
  if (flags.has("D")) {
    for (const [i, name] of [...names.filter((each) => each !== "lo"), "any", "lo"].entries())
      yield* context.out(`${i + 1}.${name} [Up, Running]\n`);
    return 0;
  }
  const device = flags.get("i") ?? names.find((name) => name !== "lo")!;
  if (device !== "any" && !names.includes(device))
    return yield* refuse(context, 1, `${device}: No such device exists\n(No such device exists)`);
  const most = flags.has("c") ? Number(flags.get("c")) : Infinity;
  if (!(most > 0)) return yield* refuse(context, 1, `invalid packet count ${flags.get("c")}`);
  const filter = yield* filterFor(context, words);
  const isAny = device === "any";
  yield* context.err(
    `${isAny ? "tcpdump: data link type LINUX_SLL2\n" : ""}tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n` +
      `listening on ${device}, link-type ${isAny ? "LINUX_SLL2 (Linux cooked v2)" : "EN10MB (Ethernet)"}, snapshot length 262144 bytes\n`,
  );
  const isNumeric = flags.has("n");
  const writer = new FrameWriter({
    nameOf: isNumeric ? undefined : (address) => nameAt(place, address) ?? address,
    namesPorts: !isNumeric,
    showsDevice: isAny,
    time: count("t"),
    isQuiet: flags.has("q"),
  });
  const side = flags.get("Q");
  const isWanted = (frame: Frame): boolean =>
    (isAny || frame.device === device) &&
    (side === undefined || side === "inout" || frame.direction.toLowerCase() === side) &&
    filter(frame);
  return yield* show(context, writer, isWanted, most);
}

function* filterFor(context: Context, words: readonly string[]): Act<Filter> {
  try {
    return filterOf(words, (host) => [...context.place.network.lookUp(host).addresses]);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return yield* refuse(context, 1, error.message);
  }
}

/** Until so many have passed, or a signal ends it. */
function* show(context: Context, writer: FrameWriter, isWanted: Filter, most: number): Act<number> {
  const { network } = context.place;
  const changed = new Signal();
  const waiting: Frame[] = [];
  let [captured, lost, isOver] = [0, 0, false];
  const before = context.process.onSignal;
  context.process.onSignal = (signal) => {
    if (signal !== signals.INT && signal !== signals.TERM && signal !== signals.HUP)
      return before?.(signal) ?? false;
    isOver = true;
    changed.fire();
    return true;
  };
  const stop = tapsOf(network.network).look(network.spot, (frame) => {
    if (!isWanted(frame) || captured + waiting.length >= most) return;
    if (waiting.length >= MOST_WAITING) return void lost++;
    waiting.push(frame);
    changed.fire();
  });
  try {
    while (captured < most && !(isOver && waiting.length === 0)) {
      const frame = waiting.shift();
      if (!frame) yield changed.wait;
      else {
        captured++;
        yield* context.out(writer.line(frame));
      }
    }
  } finally {
    stop();
    context.process.onSignal = before;
  }
  // a line may be unfinished, as far as it knows (tcpdump.c)
  if (isOver) yield* context.out("\n");
  yield* context.err(
    `${captured} packet${captured === 1 ? "" : "s"} captured\n${captured + lost} packet${captured + lost === 1 ? "" : "s"} received by filter\n${lost} packet${lost === 1 ? "" : "s"} dropped by kernel\n`,
  );
  return 0;
}

export const captures: Readonly<Record<string, Command>> = { tcpdump };
