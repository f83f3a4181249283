/**
 * A journey is one connection or several, one behind the other: the client opens the first, and
 * whoever ends it without answering by itself (a proxying load balancer, a proxy in a Pod) opens
 * the next. Where one is answered, the answer goes back over all of them, the last one first.
 *
 *     let stage = trip.begin("http://mynginx-app.com:8080/", "internet");
 *     while (stage.doing !== "ended") stage = trip.next(stage);
 *
 * A Stage says all that there is to say of a journey at some moment, and is a value: who wants to
 * know every way goes on from one stage in several ways.
 */
import { endpoint } from "../net/ip.js";
import type { Walk } from "../net/passage.js";
import { destinationOf, replyTo, sourceOf, type Packet } from "../net/packet.js";
import type { HttpRequest, Proxy } from "../net/proxy.js";
import type { Sandbox } from "../node/machine.js";
import { accept, assumeListening, type Refusal, type Server } from "./acceptance.js";
import { forwarding, onwardPacket, refusal, type PickTarget } from "./balance.js";
import { emptyBasis } from "./basis.js";
import {
  Carrier,
  departure,
  type Arrival,
  type Home,
  type Lost,
  type Moving,
  type Pass,
} from "./carrier.js";
import { lookUp, meet, type Lookup } from "./lookup.js";
import type { Network } from "./network.js";
import { isItsOwn, nameOf, originOf, processName } from "./origin.js";
import { isSame, type Origin, type Party } from "./party.js";
import { headerOf, Recorder } from "./record.js";
import {
  depthOf,
  passerOf,
  takenBy,
  whyLost,
  type Connection,
  type Result,
  type Served,
  type Stage,
  type Taken,
} from "./stages.js";
import { copying, passing, recordLookup, recordOpener } from "./told.js";
import type { Disposition, Header, JourneyRequest, Step } from "./types.js";
import { readURL } from "./url.js";

/** Linux's net.ipv4.ip_local_port_range: where clients' own ports come from. */
export const ephemeral = [32768, 60999] as const;
/** So many proxies may stand behind each other before somebody calls it a circle. */
const mostConnections = 16;

/** Follows one question, from stage to stage. */
export class Trip {
  readonly #carrier: Carrier;
  /** What was asked; the source becomes known on the way. */
  #request!: JourneyRequest;
  #behind: Home["behind"];
  readonly there: Recorder | undefined;
  readonly back: Recorder | undefined;
  /** Who took what was asked, as it arrived there; undefined until somebody answers. */
  served: { party: Party; sandbox: Sandbox | undefined; packet: Packet } | undefined;
  /** What was taken for granted on the way, and what was not modelled; kept with a record only. */
  readonly basis = emptyBasis();

  constructor(
    readonly network: Network,
    private readonly walk: Walk,
    record: boolean,
    pickTarget?: PickTarget,
  ) {
    this.#carrier = new Carrier(network, walk, this.basis, record, pickTarget);
    this.there = record ? new Recorder() : undefined;
    this.back = record ? new Recorder() : undefined;
    this.#carrier.recorder = this.there;
  }

  /** What kernels did with packets so far, in order; kept where somebody picks the targets. */
  get passes(): readonly Pass[] {
    return this.#carrier.passes ?? [];
  }

  /** Somebody asks for a URL. Throws where there is nobody of that name. */
  begin(url: string, from: string): Stage {
    this.#request = { url, from, source: "" };
    const origin = originOf(this.network, from);
    return { doing: "opening", origin, url, host: undefined, behalf: undefined, step: undefined };
  }

  /**
   * A packet that is on its way already. `behind`: see Home; `request`: what goes over its
   * connection, where it is more than a bare packet.
   */
  beginWith(
    asked: JourneyRequest,
    opener: Party,
    first: Packet,
    position: Moving,
    behind: Home["behind"],
    request?: HttpRequest,
  ): Stage {
    this.#request = asked;
    this.#behind = behind;
    const connection = { opener, first, taken: undefined, request, behalf: undefined };
    return { doing: "asking", connection, position };
  }

  next(stage: Exclude<Stage, { doing: "ended" }>): Stage {
    switch (stage.doing) {
      case "opening":
        return this.#open(stage);
      case "asking":
        return this.#asked(stage.connection, this.#carrier.carry(stage.position));
      case "answering":
        return this.#answered(
          stage.connection,
          this.#carrier.carry(stage.position, this.#homeOf(stage.connection)),
          stage.served,
        );
    }
  }

  // ---- a connection is opened ----

  /** The opener looks the name up, chooses one of its addresses, and sends the first packet. */
  #open({ origin, url, host, behalf, step }: Stage & { doing: "opening" }): Stage {
    const goal = readURL(url);
    const port = this.walk.choose.port(...ephemeral);
    const asked: Header = {
      source: endpoint(origin.addresses[0]!, port),
      destination: "failure" in goal ? url : goal.text,
      protocol: "TCP",
    };
    const passer = behalf && origin;
    if (!behalf) this.#request.source = asked.source;
    recordOpener(this.there, origin, asked, behalf, step);
    if ("failure" in goal) return this.#failed(passer, "name not found", goal.failure);
    const lookup = lookUp(this.network, origin, goal.host);
    const meeting = meet(origin, lookup.addresses, this.walk.choose);
    recordLookup(this.there, lookup, meeting, asked, goal.port);
    if (!meeting) return this.#unresolved(passer, lookup);
    const first: Packet = {
      protocol: "TCP",
      source: meeting.own,
      sourcePort: port,
      destination: meeting.other,
      destinationPort: goal.port,
    };
    if (!behalf) this.#request.source = sourceOf(first);
    this.there?.leaveAs(headerOf(first), !behalf);
    if (isItsOwn(origin, meeting.other)) return this.toItself(origin, first, passer);
    const request = host === undefined ? goal.request : { ...goal.request, host };
    const connection = { opener: origin, first, taken: undefined, request, behalf };
    return { doing: "asking", connection, position: departure(origin, first) };
  }

  /** To an address of its own: nobody else is meant, and no packet leaves. */
  toItself(origin: Origin, first: Packet, passer?: Party): Stage {
    const { protocol, destinationPort: port } = first;
    const how = origin.kind === "pod" ? "connection refused" : "unknown";
    const refused = (why: string) => this.#failed(passer, how, why, first);
    if (origin.kind !== "pod")
      return refused(`${first.destination} is the client itself, which is not modelled`);
    const { machine, sandbox } = origin;
    // a kernel answers an echo request by itself, whoever listens
    if (protocol !== "ICMP" && !sandbox.listens(protocol, port))
      return refused(
        `${first.destination} is Pod ${sandbox.key} itself, where nothing listens on ${protocol} ${port}`,
      );
    if (protocol !== "ICMP") assumeListening(this, sandbox, protocol, port);
    this.served = { party: origin, sandbox, packet: first };
    return {
      doing: "ended",
      result: {
        request: this.#request,
        disposition: "delivered",
        reason: `Pod ${sandbox.key} itself answers, over its own loopback interface`,
        pod: sandbox.key,
        node: machine.name,
        destination: destinationOf(first),
        clientSeenByPod: sourceOf(first),
      },
    };
  }

  #unresolved(passer: Party | undefined, { addresses, failure, unknown }: Lookup): Stage {
    if (unknown !== undefined) return this.#failed(passer, "unknown", unknown);
    if (failure !== undefined) return this.#failed(passer, "name not found", failure);
    const why = `the client has no address of the same family as ${addresses.join(", ")}`;
    return this.#failed(passer, "no route", why);
  }

  // ---- somebody takes it, or nobody does ----

  #asked(connection: Connection, end: Arrival | Lost): Stage {
    if (end.at === "nowhere" && end.leftOut) this.basis.leftOut.push(end.leftOut);
    if (end.at === "nowhere")
      return this.#failed(passerOf(connection), end.failed, end.why, end.packet);
    if (end.party.kind === "load-balancer") return this.#balanced(takenBy(connection, end));
    const server = accept(this, end);
    const refused = "failed" in server ? server : this.#doubted(connection, end);
    if (refused) {
      if (refused.leftOut) this.basis.leftOut.push(refused.leftOut);
      return this.#failed(passerOf(connection), refused.failed, refused.why, end.packet);
    }
    const taken = takenBy(connection, end);
    const { sandbox } = server as Server;
    if (sandbox?.proxy && connection.request)
      return this.#passOn(taken, server as Server, sandbox.proxy);
    return this.#serve(taken, server as Server);
  }

  /** What decides whether it is let in, where that is not modelled. */
  #doubted({ opener }: Connection, { party, packet }: Arrival): Refusal | undefined {
    for (const doubt of this.network.doubts) {
      const leftOut = doubt(opener, party, packet);
      if (leftOut) return { failed: "unknown", why: leftOut.sentence, leftOut };
    }
    return undefined;
  }

  // ---- proxies: one connection ends, and another begins ----

  #balanced(connection: Taken): Stage {
    const { by, packet } = connection.taken;
    const { balanced } = by as Party & { kind: "load-balancer" };
    const picked = this.#carrier.balance(balanced, packet);
    if ("refused" in picked) {
      this.#carrier.balancerHop(balanced, packet, packet, () => refusal(picked));
      return this.#failed(undefined, picked.refused, picked.why, packet);
    }
    const first = onwardPacket(balanced, picked, packet, this.walk.choose.port(...ephemeral));
    this.#carrier.balancerHop(balanced, packet, first, () =>
      forwarding(balanced, picked, packet, first),
    );
    const { request } = connection;
    const own = { opener: by, first, taken: undefined, request, behalf: connection };
    const position = this.#carrier.toTarget(first, picked.machine);
    if (position.at !== "nowhere") return { doing: "asking", connection: own, position };
    return this.#failed(passerOf(own), position.failed, position.why, position.packet);
  }

  #passOn(connection: Taken, server: Server, proxy: Proxy): Stage {
    const { by, packet } = connection.taken;
    const onward = proxy.passOn(connection.request!, packet, this.walk.choose);
    if ("answers" in onward) return this.#serve(connection, server, onward.answers);
    if (depthOf(connection) >= mostConnections)
      return this.#failed(
        passerOf(connection),
        "timed out",
        `${mostConnections} connections, each on behalf of the one before, and nobody answers: probably a circle`,
        packet,
      );
    return {
      doing: "opening",
      origin: processOf(by as Origin, server.sandbox),
      url: onward.url,
      host: onward.host ?? connection.request!.host,
      behalf: connection,
      step: passing(connection, onward),
    };
  }

  // ---- the answer ----

  /** The last one to be asked answers. */
  #serve(connection: Taken, server: Server, saying?: string): Stage {
    const { by, packet } = connection.taken;
    const { what } = server;
    const says = saying === undefined ? "answers" : `answers "${saying}" by itself`;
    const result = deliveredTo(server, this.#request, packet, says);
    const { sandbox, destinationPort } = server;
    const came = destinationPort === undefined ? packet : { ...packet, destinationPort };
    this.served = { party: by, sandbox, packet: came };
    this.#carrier.recorder = this.back;
    const answer = answerTo(packet);
    if (by.kind === "pod" && this.back)
      this.back.hop("pod", by.sandbox.key, null, headerOf(answer), headerOf(answer));
    return this.#answer(connection, answer, { result, what });
  }

  #answer(connection: Taken, packet: Packet, served: Served): Stage {
    const { by } = connection.taken;
    return { doing: "answering", connection, position: departure(by, packet), served };
  }

  #answered(connection: Taken, end: Arrival | Lost, served: Served): Stage {
    const lost = whyLost(connection, end);
    if (end.at === "end" && isSame(end.party, connection.opener))
      this.#recordHome(connection, end.packet, lost);
    if (lost !== undefined) return this.#unanswered(connection, served, lost);
    const { behalf } = connection;
    if (!behalf) return { doing: "ended", result: served.result };
    return this.#answer(behalf, answerTo(behalf.taken.packet), served);
  }

  #unanswered(connection: Connection, { result, what }: Served, lost: string): Stage {
    // a bare packet is at its goal whatever becomes of an answer
    const isBare = connection.request === undefined;
    const disposition = isBare ? "delivered" : "timed out";
    return {
      doing: "ended",
      result: { ...result, disposition, reason: `${what} gets it, but ${lost}` },
    };
  }

  /** Whom an answer over this connection must reach. */
  #homeOf({ opener, first }: Connection): Home {
    const behind = this.#behind;
    return { party: opener, address: first.source, behind };
  }

  // ---- how it ends ----

  /** `passer`: the proxy whose own connection failed; undefined where it was the client's. */
  #failed(
    passer: Party | undefined,
    disposition: Disposition,
    why: string,
    packet?: Packet,
  ): Stage {
    const isProxy = passer && passer.kind !== "load-balancer";
    return {
      doing: "ended",
      result: {
        request: this.#request,
        disposition,
        reason: isProxy ? `${processName(passer)} passes the request on, and ${why}` : why,
        ...(packet && { destination: destinationOf(packet) }),
      },
    };
  }

  // ---- the record ----

  /** An answer is back where its question came from. */
  #recordHome({ opener, behalf }: Connection, packet: Packet, lost: string | undefined): void {
    if (!this.back) return;
    const header = headerOf(packet);
    if (!behalf)
      return this.back.hop("client", nameOf(opener), null, header, header, [
        { action: "deliver", note: "the answer is back where the question came from" },
      ]);
    const front = replyTo(behalf.taken.packet);
    const step: Step =
      lost === undefined ? copying(opener, packet, front) : { action: "drop", note: lost };
    const after = lost === undefined ? front : packet;
    if (opener.kind === "load-balancer")
      return this.#carrier.balancerHop(opener.balanced, packet, after, () => step);
    this.back.hop("proxy", processName(opener), null, header, headerOf(after), [step]);
  }
}

/** A SYN is answered by SYN,ACK; a later packet by one of its own kind. */
const answerTo = (packet: Packet): Packet =>
  replyTo(packet, packet.flags === "SYN" ? undefined : packet.flags);

/** Whole literals: a million objects of three shapes are copied faster than such as grew. */
function deliveredTo(
  { what, sandbox, node }: Server,
  request: JourneyRequest,
  packet: Packet,
  says: string,
): Result {
  const disposition = "delivered";
  const destination = destinationOf(packet);
  const clientSeenByPod = sourceOf(packet);
  const reason = `${what} ${says}; it sees ${clientSeenByPod} as its client`;
  if (node === undefined) return { request, disposition, reason, destination, clientSeenByPod };
  if (!sandbox) return { request, disposition, reason, node, destination, clientSeenByPod };
  const pod = sandbox.key;
  return { request, disposition, reason, pod, node, destination, clientSeenByPod };
}

/** The party that a process of this Pod is: on a node, it is told from the node's others. */
const processOf = (party: Origin, sandbox: Sandbox | undefined): Origin =>
  party.kind === "node" && sandbox ? { ...party, pod: sandbox } : party;
