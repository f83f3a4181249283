/**
 * The faults of a schedule, at the two seams: the client of every component, and the network
 * between the machines. Each draws from a stream of its own and can be turned up, down and off.
 */
import { ApiError } from "stopover/internal/api/errors";
import type { NetworkFault } from "stopover/internal/journey/network";
import type { CallFate, ClientFault, EventFate } from "stopover/internal/machinery/interceptor";
import { hash, type Random } from "stopover/internal/machinery/random";

const reasons = new Map([
  [409, "Conflict"],
  [410, "Expired"],
  [500, "InternalError"],
  [503, "ServiceUnavailable"],
  [504, "Timeout"],
]);

const failure = (code: number): ApiError =>
  new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code,
    reason: reasons.get(code)!,
    message: `the simulator says ${code}`,
  });

/** Faults between the components and the API server. */
export class ClientFaults implements ClientFault {
  /** How many of a hundred calls fail, and with what. */
  callsFailing = 0;
  codes: readonly number[] = [500];
  /** How many of a hundred calls are made though their answer is lost. */
  answersLost = 0;
  /** How many of a hundred events come twice, come late, or break the watch. */
  twice = 0;
  late = 0;
  broken = 0;
  /** Only components whose name begins so meet them; "": all. */
  who = "";

  constructor(private readonly random: Random) {}

  off(): void {
    [this.callsFailing, this.answersLost, this.twice, this.late, this.broken] = [0, 0, 0, 0, 0];
  }

  onCall({ who, verb }: { who: string; verb: string }): CallFate {
    if (!who.startsWith(this.who)) return "pass";
    const drawn = this.random.next() * 100;
    if (drawn < this.callsFailing) return { error: failure(this.#code(verb)) };
    const writes = verb !== "get" && verb !== "list" && verb !== "watch";
    if (writes && drawn < this.callsFailing + this.answersLost)
      return { error: failure(504), done: true };
    return "pass";
  }

  /** A conflict is an answer to a write, an expired revision one to a list or a watch. */
  #code(verb: string): number {
    const code = this.codes[this.random.between(0, this.codes.length - 1)]!;
    const reads = verb === "get" || verb === "list" || verb === "watch";
    if (code === 409 && reads) return 500;
    return code === 410 && verb !== "list" && verb !== "watch" ? 500 : code;
  }

  onEvent({ who }: { who: string }): EventFate {
    if (!who.startsWith(this.who)) return "pass";
    const drawn = this.random.next() * 100;
    if (drawn < this.broken) return "break";
    if (drawn < this.broken + this.twice) return "twice";
    if (drawn < this.broken + this.twice + this.late)
      return { delay: this.random.between(1, 4_000) };
    return "pass";
  }
}

/** Faults on the wires between machines; what one does to a packet hangs on the packet alone. */
export class NetworkFaults implements NetworkFault {
  /** "node-a node-b": nothing comes through, in this direction. */
  readonly cuts = new Set<string>();
  /** Of a hundred packets so many are lost. */
  loss = 0;
  /** Milliseconds. */
  delay = 0;

  off(): void {
    this.cuts.clear();
    [this.loss, this.delay] = [0, 0];
  }

  onPacket(from: string, to: string, packet: object): ReturnType<NetworkFault["onPacket"]> {
    if (this.cuts.has(`${from} ${to}`)) return "drop";
    if (this.loss > 0 && hash(`${from} ${to} ${JSON.stringify(packet)}`) % 100 < this.loss)
      return "drop";
    return this.delay > 0 ? { delay: this.delay } : "pass";
  }
}
