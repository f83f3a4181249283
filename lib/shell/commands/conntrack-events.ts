/**
 * `conntrack -E`: what becomes of connections, as the kernel tells it. It is seen by looking at the
 * table whenever a packet of a command or a program has gone its way, and each second; the states
 * that a packet and its answer passed between two looks are told, too.
 */
import { either, Signal, sleep, type Act } from "../../machinery/act.js";
import {
  conntrackText,
  timeouts,
  type Connection as Tracked,
  type TCPState,
} from "../../net/conntrack.js";
import { tapsOf } from "../network/capture.js";
import type { Context } from "../place.js";
import { signals } from "../process.js";
import { machineOf } from "./interfaces.js";

/** What is passed on the way from a handshake to the end; a FIN comes with its ACK. */
const course: readonly TCPState[] = [
  "SYN_SENT",
  "SYN_RECV",
  "ESTABLISHED",
  "FIN_WAIT",
  "LAST_ACK",
  "TIME_WAIT",
];

/** How long a look is waited for where nobody sends anything: timeouts are seen then. */
const LOOK_MS = 1_000;

/** A connection as it was when it was looked at. */
interface Seen {
  state: TCPState | undefined;
  replied: boolean;
  assured: boolean;
  text: string;
}

type Kind = "NEW" | "UPDATE" | "DESTROY";

/** Until a signal ends it; answers how many it has told of. */
export function* watchConnections(
  context: Context,
  isWanted: (connection: Tracked) => boolean,
  masks: readonly string[],
  hasTime: boolean,
): Act<number> {
  const { network, acts } = context.place;
  const table = machineOf(context)?.kernel.conntrack;
  const changed = new Signal();
  const known = new Map<Tracked, Seen>();
  const waiting: [Kind, string][] = [];
  const stamp = (): string => `[${(acts.clock.now() / 1_000).toFixed(6)}]\t`;
  const tell = (kind: Kind, text: string): void => {
    if (masks.length > 0 && !masks.includes(kind) && !masks.includes(`${kind}S`)) return;
    waiting.push([kind, `${hasTime ? stamp() : ""}${`[${kind}]`.padStart(9)} ${text}\n`]);
  };
  let isFirst = true;
  const look = (): void => {
    const now = acts.clock.now();
    const there = new Set<Tracked>();
    for (const connection of table?.connections() ?? []) {
      if (!isWanted(connection)) continue;
      there.add(connection);
      const before = known.get(connection);
      const seen = seenOf(connection, now);
      known.set(connection, seen);
      if (!isFirst) for (const [kind, text] of eventsOf(before, seen)) tell(kind, text);
    }
    for (const [connection, { text, state }] of known) {
      if (there.has(connection)) continue;
      known.delete(connection);
      const isReset = connection.tcp === "CLOSE" && state !== "CLOSE";
      const how = isReset ? text.replace(/ [A-Z_\d]+ src/, " CLOSE src") : text;
      tell("DESTROY", isReset ? how : how.replace(/^(\S+ +\d+) \d+/, "$1"));
    }
    isFirst = false;
    if (waiting.length > 0) changed.fire();
  };
  look();
  let [told, isOver] = [0, false];
  const before = context.process.onSignal;
  context.process.onSignal = (signal) => {
    if (signal !== signals.INT && signal !== signals.TERM) return before?.(signal) ?? false;
    isOver = true;
    changed.fire();
    return true;
  };
  const stop = tapsOf(network.network).afterEach(look);
  try {
    while (!isOver || waiting.length > 0) {
      for (let event = waiting.shift(); event; event = waiting.shift()) {
        told++;
        yield* context.out(event[1]);
      }
      if (isOver) break;
      yield* eitherOrLook(context, changed);
      look();
    }
  } finally {
    stop();
    context.process.onSignal = before;
  }
  return told;
}

function* eitherOrLook(context: Context, changed: Signal): Act<void> {
  const pause = sleep(context.place.acts.clock, LOOK_MS).next();
  yield pause.done ? changed.wait : either(changed.wait, pause.value);
}

const seenOf = (connection: Tracked, now: number): Seen => ({
  state: connection.tcp,
  replied: connection.replied,
  assured: connection.assured,
  text: conntrackText(connection, now).replace(/ mark=0 use=1$/, ""),
});

function* eventsOf(before: Seen | undefined, now: Seen): Generator<[Kind, string]> {
  if (now.state === undefined) {
    if (!before) yield ["NEW", now.replied ? unreplied(now.text) : now.text];
    if (now.replied && !before?.replied) yield ["UPDATE", now.text];
    else if (before && now.assured && !before.assured) yield ["UPDATE", now.text];
    return;
  }
  if (before?.state === now.state) return;
  const [from, to] = [before?.state ? course.indexOf(before.state) : -1, course.indexOf(now.state)];
  const passed = from < to ? course.slice(from + 1, to) : [];
  let isNew = !before;
  for (const state of [...passed, now.state]) {
    const text = state === now.state ? now.text : inState(now.text, state);
    yield [isNew ? "NEW" : "UPDATE", text];
    isNew = false;
  }
}

/** As it was before an answer came. */
const unreplied = (text: string): string =>
  text.replace(" [ASSURED]", "").replace(/ src=(?!.* src=)/, " [UNREPLIED] src=");

/** As it was in an earlier state. */
function inState(text: string, state: TCPState): string {
  const then = text.replace(/ \d+ [A-Z_\d]+ src/, ` ${timeouts.TCP[state]} ${state} src`);
  if (state === "SYN_SENT") return unreplied(then);
  return state === "SYN_RECV" ? then.replace(" [ASSURED]", "") : then;
}
