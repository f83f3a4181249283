/**
 * Following a request: URL -> DNS -> load balancer -> node -> rules -> perhaps a second node ->
 * Pod, and the answer all the way back.
 *
 *     travel(network, { url: "http://mynginx-app.com:8080/", from: "internet" }, { choose: seeded(random) })
 *
 * It ends in a Disposition, never in an exception: only a question that cannot be asked (an unknown
 * client) throws.
 */
import { Budget } from "../net/budget.js";
import { endpoint, parseAddress } from "../net/ip.js";
import { add, everyWay, toNumber, type Chooser, type Fraction } from "../net/choice.js";
import type { Verdict } from "../net/kernel.js";
import type { Balancer, Listener, Target } from "../net/load-balancer.js";
import { rollBack, type NetStep, type Walk } from "../net/passage.js";
import { destinationOf, replyTo, sourceOf, type Packet, type Transport } from "../net/packet.js";
import { printable } from "../net/printable.js";
import { parseCIDR } from "../net/ip.js";
import type { Machine, Sandbox } from "../node/machine.js";
import { endOf } from "./end.js";
import { lookUp, meet, type Lookup, type Meeting } from "./lookup.js";
import type { Network } from "./network.js";
import { nameOf, originAt, originOf, type Origin } from "./origin.js";
import { headerOf, Recorder } from "./record.js";
import { readURL } from "./url.js";
import type { Disposition, Header, Hop, Journey, JourneyRequest, Outcomes } from "./types.js";

export interface TravelOptions {
  choose: Chooser;
  /** Keep hops and steps; without them a journey costs a fraction. Default: true. */
  record?: boolean;
  /** What-if: leave no connection and no affinity behind. Default: false. */
  dry?: boolean;
  /**
   * Forget the connection when it is over, as if its two minutes of TIME_WAIT had passed; affinity
   * stays. Default: false.
   */
  forget?: boolean;
  /** What it may spend together with other ways. */
  budget?: Budget;
}

/** Milliseconds of delays after which a client gives up, as its own time limit may be. */
const clientPatience = 30_000;

/** Linux's net.ipv4.ip_local_port_range: where clients' own ports come from. */
const ephemeral = [32768, 60999] as const;
/** A packet's time to live is 64 routers; nothing in a cluster is nearly as far apart. */
const timeToLive = 64;

/** Follows one request. */
export function travel(
  network: Network,
  question: { url: string; from: string },
  options: TravelOptions,
): Journey {
  return finished(options, (walk) =>
    new Trip(network, walk, options.record ?? true).request(question.url, question.from),
  );
}

/** Every way the request can go, each with its exact probability. */
export function travelAll(network: Network, question: { url: string; from: string }): Outcomes {
  const budget = Budget.forAllWays();
  return allWays((choose) => travel(network, question, { choose, dry: true, budget }));
}

/**
 * How likely each end is: the Pod's name, or the disposition where none answers. Added up as exact
 * fractions, turned to numbers at the end.
 */
export function travelShares(
  network: Network,
  question: { url: string; from: string },
): Record<string, number> {
  const shares = new Map<string, Fraction>();
  const budget = Budget.forAllWays();
  for (const { probability, result } of everyWay((choose) =>
    travel(network, question, { choose, dry: true, record: false, budget }),
  )) {
    const end = endOf(result),
      before = shares.get(end);
    shares.set(end, before ? add(before, probability) : probability);
  }
  return Object.fromEntries([...shares].map(([end, share]) => [end, toNumber(share)]));
}

/**
 * One bare packet that arrives at a node, or leaves it where the source is one of the node's own
 * addresses.
 */
export interface BarePacket {
  node: string;
  /** "IP" or "IP:PORT". */
  from: string;
  to: string;
  protocol?: Transport;
}

export function travelPacket(network: Network, bare: BarePacket, options: TravelOptions): Journey {
  return finished(options, (walk) => new Trip(network, walk, options.record ?? true).bare(bare));
}

export function travelPacketAll(network: Network, bare: BarePacket): Outcomes {
  const budget = Budget.forAllWays();
  return allWays((choose) => travelPacket(network, bare, { choose, dry: true, budget }));
}

function finished(
  { choose, dry, forget, budget }: TravelOptions,
  run: (walk: Walk) => Journey,
): Journey {
  const walk: Walk = {
    choose,
    ...(dry && { undo: [] }),
    ...(forget && { begun: [] }),
    ...(budget && { budget }),
  };
  try {
    return run(walk);
  } finally {
    if (dry) rollBack(walk);
    for (const { table, connection } of walk.begun ?? []) table.delete(connection);
  }
}

function allWays(run: (choose: Chooser) => Journey): Outcomes {
  const ways = everyWay(run);
  return {
    request: ways[0]!.result.request,
    outcomes: ways.map(({ probability, result }) => ({
      probability: toNumber(probability),
      ...result,
    })),
  };
}

/** Where a packet came to its end: somebody took it, or it went no further. */
type End =
  | { taken: "pod"; machine: Machine; sandbox: Sandbox; packet: Packet }
  | { taken: "process"; machine: Machine; packet: Packet }
  | { taken: "client"; packet: Packet }
  | { taken: "outside"; name: string; packet: Packet }
  | { failed: Disposition; why: string; packet: Packet };

/** A proxy's two connections: the client's, which it ended, and its own. */
interface Proxied {
  balancer: Balancer;
  front: Packet;
}

class Trip {
  #recorder: Recorder | undefined;
  #origin!: Origin;
  #proxied: Proxied | undefined;
  #bare = false;
  /** The node of a client whose Pod nobody knows: what goes to the client passes it. */
  #behind: Machine | undefined;
  #replying = false;
  /** The kernel's steps at the current node. */
  #steps: NetStep[] = [];

  constructor(
    private readonly network: Network,
    private readonly walk: Walk,
    record: boolean,
  ) {
    if (!record) return;
    this.#recorder = new Recorder();
    walk.record = (step) => this.#steps.push(step);
  }

  request(url: string, from: string): Journey {
    this.#origin = originOf(this.network, from);
    const request: JourneyRequest = { url, from, source: "" };
    const goal = readURL(url);
    const port = this.walk.choose.port(...ephemeral);
    request.source = endpoint(this.#origin.addresses[0]!, port);
    const asked = {
      source: request.source,
      destination: "failure" in goal ? url : goal.text,
      protocol: "TCP",
    };
    this.#recorder?.hop("client", nameOf(this.#origin), null, asked, asked);
    if ("failure" in goal) return this.#failed(request, "name not found", goal.failure);
    const lookup = lookUp(this.network, this.#origin, goal.host);
    const meeting = meet(this.#origin, lookup.addresses, this.walk.choose);
    const out = endpoint(meeting?.other ?? lookup.addresses[0] ?? goal.host, goal.port);
    if (meeting) request.source = endpoint(meeting.own, port);
    this.#recordLookup(lookup, meeting, asked, {
      ...asked,
      source: request.source,
      destination: out,
    });
    if (!meeting) return this.#unresolved(request, lookup);
    const packet: Packet = {
      protocol: "TCP",
      source: meeting.own,
      sourcePort: port,
      destination: meeting.other,
      destinationPort: goal.port,
    };
    return this.#thereAndBack(request, packet, () => this.#fromClient(packet));
  }

  bare({ node, from, to, protocol = "TCP" }: BarePacket): Journey {
    const machine = this.network.machines.get(node);
    if (!machine)
      throw new Error(
        printable(
          `node "${node}": there is no such node; the nodes are ${[...this.network.machines.keys()].slice(0, 10).join(", ")}`,
        ),
      );
    const [source, destination] = [readEndpoint("from", from), readEndpoint("to", to)];
    if (destination.port === undefined)
      throw new Error(
        `to "${printable(to)}": the port is missing; write IP:PORT, for IPv6 [IP]:PORT`,
      );
    if (parseAddress(source.address).family !== parseAddress(destination.address).family)
      throw new Error(`from "${from}" and to "${to}" are of different IP families`);
    const sourcePort = source.port ?? this.walk.choose.port(...ephemeral);
    const packet: Packet = {
      protocol,
      source: source.address,
      sourcePort,
      destination: destination.address,
      destinationPort: destination.port,
    };
    this.#origin = originAt(this.network, packet.source);
    const request: JourneyRequest = { url: "", from, source: sourceOf(packet) };
    const own = machine.kernel.isLocal(parseAddress(packet.source));
    if (own && this.#origin.kind !== "node")
      this.#origin = { kind: "node", machine, addresses: [packet.source] };
    const incoming = machine.sandboxAt(packet.source)?.interface ?? "eth0";
    this.#bare = true;
    if (this.network.isUnknownPod(packet.source)) this.#behind = machine;
    return this.#thereAndBack(request, packet, () =>
      own ? this.#leaves(machine, packet) : this.#arrives(machine, packet, incoming),
    );
  }

  // ---- there and back ----

  #thereAndBack(request: JourneyRequest, first: Packet, go: () => End): Journey {
    const end = go();
    if ("failed" in end) return this.#failed(request, end.failed, end.why, end.packet);
    if (end.taken === "client")
      return this.#failed(request, "timed out", "the packet came back to the client that sent it");
    const hops = this.#recorder?.hops ?? nothing;
    const { pod, node, what } = this.#placeOf(end);
    const client = sourceOf(end.packet);
    const reply = this.#answer(end);
    const lost = lostAnswer(reply, first);
    return {
      request,
      // a bare packet is at its goal whatever becomes of an answer
      disposition: lost !== undefined && !this.#bare ? "timed out" : "delivered",
      reason:
        lost === undefined
          ? `${what} answers; it sees ${client} as its client`
          : `${what} gets it, but ${lost}`,
      ...(pod !== undefined && { pod }),
      ...(node !== undefined && { node }),
      destination: destinationOf(end.packet),
      clientSeenByPod: client,
      hops,
      reply: this.#recorder?.hops ?? nothing,
    };
  }

  #placeOf(end: Exclude<End, { failed: Disposition } | { taken: "client" }>): {
    pod?: string;
    node?: string;
    what: string;
  } {
    if (end.taken === "pod")
      return {
        pod: end.sandbox.key,
        node: end.machine.name,
        what: `Pod ${end.sandbox.key} on ${end.machine.name}`,
      };
    if (end.taken === "outside") return { what: end.name };
    const { protocol, destinationPort } = end.packet;
    const host = end.machine.processOn(protocol as Transport, destinationPort);
    return {
      ...(host && { pod: host.key }),
      node: end.machine.name,
      what: host
        ? `Pod ${host.key}, in the network of ${end.machine.name},`
        : `a process on ${end.machine.name}`,
    };
  }

  #answer(end: Exclude<End, { failed: Disposition } | { taken: "client" }>): End {
    if (this.#recorder) this.#recorder = new Recorder();
    this.#replying = true;
    const answer = replyTo(end.packet);
    if (end.taken === "outside") return this.#fabric(answer);
    if (end.taken === "process") return this.#leaves(end.machine, answer);
    this.#recorder?.hop("pod", end.sandbox.key, null, headerOf(answer), headerOf(answer));
    return this.#arrives(end.machine, answer, end.sandbox.interface);
  }

  #failed(
    request: JourneyRequest,
    disposition: Disposition,
    reason: string,
    packet?: Packet,
  ): Journey {
    return {
      request,
      disposition,
      reason,
      ...(packet && { destination: destinationOf(packet) }),
      hops: this.#recorder?.hops ?? nothing,
      reply: nothing,
    };
  }

  // ---- the stations ----

  #recordLookup(
    { server, addresses, trail, failure, unknown }: Lookup,
    meeting: Meeting | undefined,
    asked: Header,
    out: Header,
  ): void {
    if (server === undefined || !this.#recorder) return;
    const note =
      unknown ??
      failure ??
      (meeting && meeting.among > 1
        ? `one of ${meeting.among} addresses: each answer lists them in another order, and the client takes the first`
        : undefined);
    this.#recorder.hop("dns", server, null, asked, addresses.length ? out : asked, [
      ...trail.map((rule) => ({ action: "resolve" as const, rule })),
      ...(note === undefined ? [] : [{ action: "resolve" as const, note }]),
    ]);
  }

  #unresolved(request: JourneyRequest, { addresses, failure, unknown }: Lookup): Journey {
    if (unknown !== undefined) return this.#failed(request, "unknown", unknown);
    if (failure !== undefined) return this.#failed(request, "name not found", failure);
    const why = `the client has no address of the same family as ${addresses.join(", ")}`;
    return this.#failed(request, "no route", why);
  }

  #fromClient(packet: Packet): End {
    const origin = this.#origin;
    if (origin.kind === "outside") return this.#fabric(packet);
    return origin.kind === "node"
      ? this.#leaves(origin.machine, packet)
      : this.#arrives(origin.machine, packet, origin.sandbox.interface);
  }

  /** The network between the machines: whoever owns the destination gets the packet. */
  #fabric(packet: Packet, nextHop = packet.destination): End {
    const proxied = this.#proxied;
    if (this.#replying && proxied?.balancer.balancer.privateAddresses.includes(packet.destination))
      return this.#unproxy(proxied, packet);
    const { destination, protocol, destinationPort } = packet;
    const balancer = this.network.balancerAt(destination, protocol, destinationPort);
    if (balancer && !this.#replying) return this.#balance(balancer, packet);
    if (
      this.#replying &&
      this.#origin.addresses.includes(packet.destination) &&
      this.#origin.kind === "outside"
    )
      return this.#towardsClient(packet);
    const machine = this.network.machineAt(nextHop) ?? this.network.machineFor(packet.destination);
    if (
      machine &&
      !machine.addresses.includes(packet.destination) &&
      nextHop === packet.destination &&
      this.#isFromInternet(packet)
    ) {
      return {
        failed: "no route",
        why: `${packet.destination} is a Pod's address, and no route leads there from the internet`,
        packet,
      };
    }
    if (machine) return this.#reaches(machine, packet);
    const outside = this.network.outside.get(packet.destination);
    if (outside !== undefined) return { taken: "outside", name: outside, packet };
    return {
      failed: "no route",
      why: `nobody on the network has the address ${packet.destination}`,
      packet,
    };
  }

  #towardsClient(packet: Packet): End {
    const node = this.#behind;
    this.#behind = undefined;
    if (node) return this.#reaches(node, packet);
    return this.#lost("internet", packet) ?? this.#reachClient(packet);
  }

  /** Not yet at any machine, and from a host that is in no network of the cluster's. */
  #isFromInternet({ source }: Packet): boolean {
    return (
      !this.#replying &&
      this.#origin.kind === "outside" &&
      this.#hopsLeft === timeToLive &&
      !this.network.isInside(source)
    );
  }

  #reachClient(packet: Packet): End {
    this.#recorder?.hop("client", nameOf(this.#origin), null, headerOf(packet), headerOf(packet), [
      { action: "deliver", note: "the answer is back where the question came from" },
    ]);
    return { taken: "client", packet };
  }

  #balance(balanced: Balancer, packet: Packet): End {
    const { balancer, targets } = balanced;
    const refuse = (failed: Disposition, why: string): End => {
      this.#recorder?.hop(
        "load-balancer",
        balancer.hostname ?? balancer.name,
        1,
        headerOf(packet),
        headerOf(packet),
        [{ action: failed === "dropped" ? "drop" : "reject", note: why }],
      );
      return { failed, why, packet };
    };
    const listener = balancer.listeners.find(
      (l) => l.port === packet.destinationPort && l.protocol === packet.protocol,
    );
    const ports = balancer.listeners.map((l) => `${l.protocol} ${l.port}`).join(", ") || "nothing";
    if (!listener)
      return refuse(
        "port not listening",
        `the load balancer has no listener for ${packet.protocol} ${packet.destinationPort}; it listens on ${ports}`,
      );
    if (
      balancer.sourceRanges.length &&
      !balancer.sourceRanges.some((range) => parseCIDR(range).contains(parseAddress(packet.source)))
    ) {
      return refuse(
        "dropped",
        `the load balancer's firewall lets in ${balancer.sourceRanges.join(", ")}, and ${packet.source} is not among them`,
      );
    }
    const healthy = targets.filter((target) => target.healthy);
    if (!healthy.length)
      return refuse(
        "no healthy target",
        `none of the load balancer's ${targets.length} targets passes its health check`,
      );
    const target = healthy[this.walk.choose.pick(healthy.length)]!;
    const onward =
      balancer.mode === "proxy" ? this.#proxy(balanced, packet, listener, target) : packet;
    this.#recorder?.hop(
      "load-balancer",
      balancer.hostname ?? balancer.name,
      1,
      headerOf(packet),
      headerOf(onward),
      [forwarding(balanced, listener, target, packet, onward)],
    );
    const machine = this.network.machines.get(target.instance);
    if (!machine)
      return {
        failed: "timed out",
        why: `the load balancer's target ${target.instance} (${target.address}) is gone`,
        packet: onward,
      };
    this.#at = "load balancer";
    return this.#reaches(machine, onward);
  }

  /** The proxy's own connection to the target. */
  #proxy(balancer: Balancer, front: Packet, listener: Listener, target: Target): Packet {
    this.#proxied = { balancer, front };
    const own = balancer.balancer.privateAddresses;
    const source = own.find((a) => a.includes(":") === target.address.includes(":")) ?? own[0]!;
    return {
      protocol: front.protocol,
      source,
      sourcePort: this.walk.choose.port(...ephemeral),
      destination: target.address,
      destinationPort: listener.targetPort,
    };
  }

  #unproxy({ balancer: { balancer }, front }: Proxied, packet: Packet): End {
    const answer = replyTo(front);
    this.#recorder?.hop(
      "load-balancer",
      balancer.hostname ?? balancer.name,
      1,
      headerOf(packet),
      headerOf(answer),
      [
        {
          action: "forward",
          before: destinationOf(packet),
          after: destinationOf(answer),
          note: "the load balancer copies the answer into the client's own connection",
        },
      ],
    );
    this.#proxied = undefined;
    const origin = this.#origin;
    if (origin.kind === "outside") return this.#reachClient(answer);
    this.#at = "load balancer";
    return this.#reaches(origin.machine, answer);
  }

  // ---- the wires ----

  /** Where the packet is: a machine, or before the first and behind the last one. */
  #at = "internet";
  /** Milliseconds that the network held packets up. */
  #late = 0;

  #reaches(machine: Machine, packet: Packet): End {
    return this.#lost(machine.name, packet) ?? this.#arrives(machine, packet, "eth0");
  }

  /** How it ends on the wire to there, where a fault keeps it or holds it up for too long. */
  #lost(to: string, packet: Packet): End | undefined {
    const fate = this.network.fault?.onPacket(this.#at, to, packet) ?? "pass";
    if (fate === "pass") return undefined;
    const between = `between ${this.#at} and ${to}`;
    if (fate === "drop")
      return { failed: "timed out", why: `the network ${between} lost the packet`, packet };
    this.#late += fate.delay;
    if (this.#late < clientPatience) return undefined;
    const why = `packets are ${this.#late} ms late ${between}, and the client no longer waits`;
    return { failed: "timed out", why, packet };
  }

  #hopsLeft = timeToLive;

  #arrives(machine: Machine, packet: Packet, incoming: string): End {
    if (!machine.up)
      return { failed: "timed out", why: `${machine.name} is down and does not answer`, packet };
    this.#at = machine.name;
    if (this.#replying && machine === this.#behind) this.#behind = undefined;
    if (this.#hopsLeft-- === 0)
      return {
        failed: "dropped",
        why: `the packet went round in a circle until its time to live was over, at ${machine.name}`,
        packet,
      };
    return this.#onwards(machine, packet, machine.kernel.receive(packet, incoming, this.walk));
  }

  #leaves(machine: Machine, packet: Packet): End {
    this.#at = machine.name;
    if (!machine.up) return { failed: "timed out", why: `${machine.name} is down`, packet };
    return this.#onwards(machine, packet, machine.kernel.send(packet, this.walk));
  }

  #onwards(machine: Machine, arrived: Packet, verdict: Verdict): End {
    const steps = this.#steps;
    this.#steps = [];
    this.#recorder?.node(machine.name, arrived, verdict.packet, steps);
    const { packet } = verdict;
    switch (verdict.kind) {
      case "reject":
        return {
          failed: "rejected",
          why: `${machine.name} rejects it (${verdict.with}): ${ruleText(verdict)}`,
          packet,
        };
      case "drop":
        return {
          failed: "dropped",
          why: `${machine.name} drops it: ${verdict.rule ? ruleText(verdict) : verdict.why}`,
          packet,
        };
      case "no route":
      case "unknown":
        return { failed: verdict.kind, why: verdict.why, packet };
      case "local":
        return this.#local(machine, packet, verdict.listening);
      case "forward": {
        const sandbox = machine.sandboxOn(verdict.interface);
        return sandbox
          ? this.#intoPod(machine, sandbox, packet)
          : this.#fabric(packet, verdict.nextHop);
      }
    }
  }

  #local(machine: Machine, packet: Packet, listening: boolean): End {
    if (this.#replying) return this.#reachClient(packet);
    const { protocol, destination, destinationPort } = packet;
    const wanted = machine.hostPort(protocol as Transport, destination, destinationPort);
    if (wanted)
      return {
        failed: "unknown",
        why: `${wanted.field} of Pod ${wanted.sandbox.key} on ${machine.name} asks for ${protocol} ${destinationPort} of its node; the CNI plugin portmap leads it there in life, and that is not modelled`,
        packet,
      };
    if (listening || machine.processOn(packet.protocol as Transport, packet.destinationPort))
      return { taken: "process", machine, packet };
    return {
      failed: "connection refused",
      why: `no process on ${machine.name} listens on ${packet.protocol} ${packet.destinationPort}, and no rule took the packet elsewhere`,
      packet,
    };
  }

  #intoPod(machine: Machine, sandbox: Sandbox, packet: Packet): End {
    if (this.#replying) return this.#reachClient(packet);
    const listens = sandbox.listens(packet.protocol as Transport, packet.destinationPort);
    const note = listens
      ? `a process in the Pod listens on ${packet.protocol} ${packet.destinationPort}`
      : `no process in the Pod listens on ${packet.protocol} ${packet.destinationPort}`;
    this.#recorder?.hop("pod", sandbox.key, null, headerOf(packet), headerOf(packet), [
      { action: listens ? "deliver" : "reject", note },
    ]);
    if (listens) return { taken: "pod", machine, sandbox, packet };
    return {
      failed: "port not listening",
      why: `the packet reaches Pod ${sandbox.key} on ${machine.name}, but ${note}`,
      packet,
    };
  }
}

/** Without a record there are no hops: one list of none serves all. */
const nothing: Hop[] = [];

/** Why the client can do nothing with the answer to its `first` packet; undefined where it can. */
function lostAnswer(reply: End, first: Packet): string | undefined {
  if ("failed" in reply) return `its answer does not come back: ${reply.why}`;
  if (
    reply.packet.source === first.destination &&
    reply.packet.sourcePort === first.destinationPort
  )
    return undefined;
  return `its answer comes from ${sourceOf(reply.packet)}, and the client waits for one from ${destinationOf(first)}`;
}

function forwarding(
  { balancer, targets }: Balancer,
  listener: Listener,
  target: Target,
  packet: Packet,
  onward: Packet,
) {
  const healthy = targets.filter((t) => t.healthy).length;
  const rule = `listener ${listener.protocol} ${listener.port} -> ${target.instance} ${endpoint(target.address, listener.targetPort || listener.port)}`;
  const note =
    balancer.mode === "proxy"
      ? `one of ${healthy} healthy targets; the load balancer opens a connection of its own to it`
      : `one of ${healthy} healthy targets; the packet is handed on as it is, the load balancer's address still its destination`;
  return {
    action: "forward" as const,
    rule,
    note,
    ...(onward !== packet && { before: destinationOf(packet), after: destinationOf(onward) }),
  };
}

const ruleText = ({
  table,
  chain,
  rule,
}: Extract<Verdict, { kind: "reject" | "drop" }>): string => {
  const object = rule?.purpose?.object;
  const where = table === undefined ? "" : ` in table ${table}, chain ${chain}`;
  return `${rule?.comment === undefined ? "a rule" : `"${rule.comment}"`}${where}${object ? `, because of ${object}` : ""}`;
};

/** "10.1.1.2", "10.1.1.2:80", "fd00::1", "[fd00::1]:80". */
function readEndpoint(name: string, text: string): { address: string; port: number | undefined } {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? v4 ?? text.replace(/^\[|\]$/g, "");
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535))
    throw new Error(`${name} "${printable(text)}": the port must be between 1 and 65535`);
  try {
    return {
      address: parseAddress(host).text,
      port: port === undefined ? undefined : Number(port),
    };
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}
