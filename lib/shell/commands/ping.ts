/** ping. (iputils, ping.c) */
import { type Act, Signal, within } from "../../machinery/act.js";
import { familyOf, readAddress } from "../../net/ip.js";
import { isSwallowed } from "../network/refusals.js";
import type { Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
import { resolved } from "./names.js";

export function* ping(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(
    context,
    { letters: "c:i:W:w:qns:t:46I:D", stopsAtWord: false },
    2,
  );
  const { place } = context;
  const { clock } = place.acts;
  const [target] = words;
  if (target === undefined)
    return yield* refuse(context, 1, "usage error: Destination address required");
  const family =
    context.name === "ping6" || flags.has("6") ? "IPv6" : flags.has("4") ? "IPv4" : undefined;
  const found = yield* resolved(context, target, family);
  if (!Array.isArray(found) || found.length === 0)
    return yield* refuse(context, 2, `${target}: Name or service not known`);
  const address = found[0]!;
  for (const letter of ["c", "s", "i", "W", "w"])
    if (flags.has(letter) && !/^\d+(\.\d+)?$/.test(flags.get(letter)!))
      return yield* refuse(context, 1, `invalid argument: '${flags.get(letter)}'`);
  const count = Number(flags.get("c") ?? Infinity);
  const interval = 1000 * Number(flags.get("i") ?? 1);
  const patience = 1000 * Number(flags.get("W") ?? 10);
  const deadline = flags.has("w") ? clock.now() + 1000 * Number(flags.get("w")) : Infinity;
  const size = Number(flags.get("s") ?? 56);
  const isName = readAddress(target) === undefined;
  const shown = isName ? `${target} (${address})` : address;
  const bytes =
    familyOf(address) === "IPv6" ? `${size} data bytes` : `${size}(${size + 28}) bytes of data.`;
  yield* context.out(`PING ${target} (${address}) ${bytes}\n`);
  const began = clock.now();
  const times: number[] = [];
  const errors: string[] = [];
  let sent = 0;
  let isStopped = false;
  const before = context.process.onSignal;
  const stopping = new Signal();
  context.process.onSignal = (signal) => {
    if (signal !== 2) return before?.(signal) ?? false;
    isStopped = true;
    stopping.fire();
    return true;
  };
  while (sent < count && clock.now() < deadline && !isStopped) {
    sent++;
    const packet = place.network.packetTo("ICMP", { address, port: 0 });
    const echo = {
      kind: "echo",
      reply: false,
      id: context.process.pid,
      seq: sent,
      size: size + 8,
    } as const;
    const journey =
      packet && place.network.travel(packet, { url: `icmp://${address}` }, true, echo);
    if (!journey) return yield* refuse(context, 2, "connect: Network is unreachable");
    if (journey.disposition === "delivered") {
      const routers = journey.reply.filter(({ kind }) => kind === "node").length;
      const ownHops = [place.network.origin.kind, journey.served?.party.kind].filter(
        (kind) => kind === "node",
      ).length;
      const isSelf = journey.reply.length === 0;
      const ttl = 64 - (isSelf ? 0 : Math.max(0, routers - ownHops));
      const time = roundTrip(journey.hops.length, place.random);
      times.push(time);
      if (!flags.has("q"))
        yield* context.out(
          `${size + 8} bytes from ${shown}: icmp_seq=${sent} ttl=${ttl} time=${time.toFixed(time < 1 ? 3 : time < 10 ? 2 : 1)} ms\n`,
        );
    } else if (journey.disposition === "unknown") {
      return yield* refuse(context, 2, `not modelled: ${journey.reason}`);
    } else if (journey.disposition === "rejected" || /route/.test(journey.disposition)) {
      if (!isSwallowed(journey, place.network.origin)) {
        const why =
          journey.disposition === "rejected"
            ? "Destination Port Unreachable"
            : "Destination Host Unreachable";
        errors.push(why);
        yield* context.out(`From ${place.network.sourceFor(address)} icmp_seq=${sent} ${why}\n`);
      }
    }
    const isLast = sent >= count;
    const wait = isLast ? (journey.disposition === "delivered" ? 0 : patience) : interval;
    if (wait > 0 && !isStopped)
      yield* within(
        clock,
        Math.min(wait, deadline - clock.now()),
        (function* (): Act<void> {
          while (!isStopped) yield stopping.wait;
        })(),
      );
  }
  const lost = sent === 0 ? 0 : (100 * (sent - times.length)) / sent;
  const ms = clock.now() - began;
  const some = errors.length > 0 ? `, +${errors.length} errors` : "";
  yield* context.out(
    `\n--- ${target} ping statistics ---\n${sent} packets transmitted, ${times.length} received${some}, ${Number(lost.toFixed(4))}% packet loss, time ${ms}ms\n`,
  );
  if (times.length > 0) {
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const spread = Math.sqrt(
      Math.max(0, times.reduce((sum, time) => sum + time * time, 0) / times.length - mean * mean),
    );
    const all = [Math.min(...times), mean, Math.max(...times), spread].map((time) =>
      time.toFixed(3),
    );
    yield* context.out(`rtt min/avg/max/mdev = ${all.join("/")} ms\n`);
  } else yield* context.out("\n");
  return times.length > 0 ? 0 : 1;
}

/** What a ping takes: the more places it passes, the longer. Milliseconds, drawn. */
const roundTrip = (hops: number, random: () => number): number =>
  Number((0.02 + 0.03 * hops * (0.7 + 0.6 * random())).toFixed(3));
