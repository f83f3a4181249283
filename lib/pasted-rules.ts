/**
 * A node's rules as somebody's `iptables-save` or `nft list ruleset` printed them, without the
 * node: to read them, and to send packets through them.
 *
 *     const pasted = openRules(text, { addresses: ["192.168.0.1"] });
 *     pasted.of("default/nginx")                                         // its rules, and why
 *     pasted.packet({ from: "203.0.113.9", to: "192.168.0.1:30519" })    // a Journey
 */
import { openIptables } from "./node/proxy/iptables/opened.js";
import "./node/proxy/nftables/load.js";
import { readerOf, type OpenedRules } from "./node/proxy/opened.js";
import type { NodeRuleTables } from "./node/proxy/rule-tables.js";
import { DataPath } from "./journey/data-path.js";
import { Network } from "./journey/network.js";
import type { BarePacket } from "./journey/travel.js";
import { together } from "./journey/basis.js";
import type { Founded, Journey, Outcomes, Remark, Step } from "./journey/types.js";
import { Random } from "./machinery/random.js";
import { VirtualClock } from "./machinery/virtual-clock.js";
import { familyOf, parseAddress, readCIDR, type Family } from "./net/ip.js";
import { Zone } from "./net/dns.js";
import { fixedBalancers } from "./net/load-balancer.js";
import { Routes } from "./net/routes.js";
import { Machine } from "./node/machine.js";

/** Rules that were pasted, and what they do to packets. */
export interface PastedRules extends Pick<NodeRuleTables, "chain" | "chains" | "of" | "endpoints"> {
  /** What was no rule, or had to be made up. */
  warnings: readonly string[];
  text(): string;
  /**
   * A packet that arrives at the node (or leaves it, where `from` is one of its addresses). Whoever
   * the rules send it to answers.
   */
  packet(bare: Omit<BarePacket, "node">): Founded<Journey>;
  packetOutcomes(bare: Omit<BarePacket, "node">): Founded<Outcomes>;
}

/** What rules do not tell of their machine. */
export interface PastedOptions {
  /**
   * The node's own addresses, which rules mean by `--dst-type LOCAL`. Default: those that rules
   * name as the node's, else 192.168.0.1.
   */
  addresses?: readonly string[];
  /** Where the node's own Pods have their addresses. Default: what rules take for Pods. */
  pods?: readonly string[];
  /** Default: that of the first address. */
  family?: Family;
  seed?: number;
}

/** Throws a RulesError with the line where the text is no such rules. */
export function openRules(text: string, options: PastedOptions = {}): PastedRules {
  const { pods = [], seed = 1 } = options;
  const asked = options.family ?? (options.addresses && familyOf(options.addresses[0]!)) ?? "IPv4";
  const opened = readerOf(text)?.open(text, asked) ?? openIptables(text, asked);
  const addresses =
    options.addresses ?? (opened.addresses.length > 0 ? opened.addresses : usual[asked]);
  const network = new Network(new Routes(), new Zone(), new Zone(), fixedBalancers([]));
  const machine = new Machine({
    name: "node",
    addresses: addresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
    clock: new VirtualClock(),
    sharedRoutes: network.routes,
  });
  opened.install(machine.kernel);
  network.addMachine(machine);
  const random = new Random(seed);
  const path = new DataPath(
    network,
    random.fork("requests").next,
    random.fork("health checks").next,
  );
  const world: Pasted = { network, machine, opened, pods: [...pods] };
  const assumed = options.addresses || opened.addresses.length === 0 ? [] : [takenFor(addresses)];
  network.bases.push({
    assumed: [...assumed, ...otherDevices(opened)],
    leftOut: opened.warnings.map(said),
  });
  return {
    ...opened.rows,
    warnings: opened.warnings,
    text: () => opened.text(),
    packet: (bare) => told(world, path.packet(prepared(world, bare))),
    packetOutcomes(bare) {
      const { outcomes, ...rest } = path.packetOutcomes(prepared(world, bare));
      const all = outcomes.map(({ probability, ...one }) => ({
        probability,
        one: told(world, { ...one, assumed: rest.assumed, leftOut: rest.leftOut }),
      }));
      const basis = together(all.map(({ one }) => one));
      return {
        ...rest,
        ...basis,
        outcomes: all.map(({ probability, one: { assumed: _, leftOut: __, ...one } }) => ({
          probability,
          ...one,
        })),
      };
    },
  };
}

const usual = { IPv4: ["192.168.0.1"], IPv6: ["fd00:192:168::1"] };

/** Devices that a node of ours has, too: lo, and the one by which it is in the network. */
const ownDevices: readonly string[] = ["lo", "eth0"];

/** The devices that rules ask for, and a node of ours has not. */
const othersIn = ({ devices }: OpenedRules): string[] =>
  [...devices.keys()].filter((name) => !ownDevices.includes(name));

/** Behind which device somebody is, rules seldom tell: those of ours have names of our own. */
function otherDevices(opened: OpenedRules): Remark[] {
  const others = othersIn(opened);
  if (others.length === 0) return [];
  const sentence = `packets come and go by eth0, those of Pods by a device of their own, and rules that ask for ${named(others)} are taken by that`;
  return [said(sentence)];
}

/** By which it may come or go: where rules name who is behind one, only what those send and get. */
function devicesFor({ opened }: Pasted, { hops }: Journey): string[] {
  const ends = hops.flatMap(({ in: before, out }) =>
    [before.source, before.destination, out.source, out.destination].map(hostOf),
  );
  const isTheirs = (range: string) =>
    ends.some((end) => readCIDR(range)?.contains(parseAddress(end)));
  return othersIn(opened).filter((name) => {
    const ranges = [...opened.devices.get(name)!];
    return ranges.length === 0 || ranges.some(isTheirs);
  });
}

const named = (devices: readonly string[]): string =>
  devices.slice(0, 5).join(", ") + (devices.length > 5 ? ", …" : "");

const takenFor = (addresses: readonly string[]): Remark =>
  said(`the node has the addresses that rules take NodePorts on: ${addresses.join(", ")}`);

interface Pasted {
  network: Network;
  machine: Machine;
  opened: OpenedRules;
  pods: string[];
}

const said = (sentence: string): Remark => ({ object: "rules", field: "", sentence });

/** Everybody whom the packet concerns, as far as it can be told who that is. */
function prepared(world: Pasted, bare: Omit<BarePacket, "node">): BarePacket {
  const { network, machine } = world;
  const { goals, services } = world.opened;
  const source = hostOf(bare.from);
  const own = machine.addresses.includes(source) || machine.kernel.isLocal(parseAddress(source));
  const range = own ? undefined : podRange(world, source);
  if (range && !machine.sandboxAt(source)) adopt(world, source);
  const goal = hostOf(bare.to);
  // a Service's address is nobody's: rules take its ports, and no ping
  const isNobody = bare.protocol === "ICMP" && services.has(goal);
  network.outside.delete(goal);
  for (const address of isNobody ? goals : [...goals, goal])
    if (isBeyond(world, address)) settle(world, address);
  return { ...bare, node: "node" };
}

/** Who is at an address that is not the node's: one of its Pods, if --pods has its range. */
function settle(world: Pasted, address: string): void {
  const isOwnPod = world.pods.length > 0 && podRange(world, address) !== undefined;
  if (isOwnPod) adopt(world, address);
  else world.network.outside.set(address, address);
}

const hostOf = (text: string): string => {
  const [, v6, v4 = text] = /^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(text) ?? [];
  return parseAddress(v6 ?? v4).text;
};

/** The range of Pods that it is in: as it was said, or as rules take it. */
function podRange({ pods, opened }: Pasted, address: string): string | undefined {
  const parsed = parseAddress(address);
  const inside = (range: string) => readCIDR(range)?.contains(parsed) ?? false;
  return pods.find(inside) ?? (pods.length === 0 ? opened.podRanges.find(inside) : undefined);
}

/** A Pod of this node's: its packets come in by its own link, and answers go out by it. */
function adopt({ network, machine, pods }: Pasted, address: string): void {
  const metadata = { name: address, namespace: "pods" };
  const spec = { containers: [], nodeName: machine.name };
  machine.attach({ apiVersion: "v1", kind: "Pod", metadata, spec }, [address]);
  network.routes.add({ to: address, via: machine.addresses[0]!, dev: "eth0" });
  if (pods.length > 0) return;
  const sentence = `${address} is taken for a Pod of this node, since rules take its range for Pods'`;
  network.bases.push({ assumed: [said(sentence)], leftOut: [] });
}

/** The verdict, as far as rules alone can tell it. */
const told = (world: Pasted, { assumed, ...journey }: Founded<Journey>): Founded<Journey> =>
  decided(world, {
    ...journey,
    hops: journey.hops.map((hop) => ({ ...hop, steps: hop.steps.map(explained(world)) })),
    reason: journey.reason + whoseMark(journey),
    assumed: assumed.map((remark) => ofRules(world, remark)),
  });

const explained =
  ({ opened }: Pasted) =>
  ({ why, ...step }: Step): Step =>
    why === undefined || (opened.isOwn && !opened.isOwn(step.chain ?? "", step.rule ?? ""))
      ? step
      : { ...step, why };

/** A packet that is dropped for its mark was condemned by whoever sent it to be marked. */
function whoseMark({ disposition, hops }: Journey): string {
  const steps = hops.flatMap((hop) => hop.steps);
  const [, mark] = / --mark (0x[\da-f]+)/.exec(steps.at(-1)?.rule ?? "") ?? [];
  if (disposition !== "dropped" || mark === undefined || / ! --mark /.test(steps.at(-1)!.rule!))
    return "";
  const has = (text: string | undefined) => (Number(text) & Number(mark)) !== 0;
  const place = steps.findIndex(
    ({ action, before, after }) => action === "mark" && has(after) && !has(before),
  );
  const sender = steps[place - 1];
  if (sender?.action !== "jump") return "";
  const [, text = sender.rule] = /--comment "([^"]*)"/.exec(sender.rule ?? "") ?? [];
  return `; it got that mark by "${text}" in table ${sender.table}, chain ${sender.chain}`;
}

/** Nobody here knows a cluster: whoever rules send a packet to may well be a part of it. */
function ofRules(world: Pasted, remark: Remark): Remark {
  const object = answering(world, remark);
  if (object === undefined) return remark;
  const range = podRange(world, object);
  const who = range === undefined ? "" : `, as a Pod of the range ${range}`;
  const sentence = `is taken to be there${who}, and to answer; rules do not tell`;
  return { object, field: "", sentence };
}

/** The address of whom a remark takes to answer: a host elsewhere, or a Pod that was made up. */
function answering({ network, machine }: Pasted, { object, field }: Remark): string | undefined {
  if (field === "") return network.outside.has(object) ? object : undefined;
  return [...machine.sandboxes].find(({ key }) => object === `Pod ${key}`)?.ips[0];
}

function decided(world: Pasted, journey: Founded<Journey>): Founded<Journey> {
  const marked = [...world.opened.unmodelled].find(([marker]) =>
    journey.reason.includes(`"${marker}"`),
  );
  if (marked) {
    const sentence = `the packet meets a rule that is not modelled (${marked[1]})`;
    return undecided(journey, sentence);
  }
  const devices = isStopped(journey) ? devicesFor(world, journey) : [];
  if (devices.length > 0)
    return undecided(
      journey,
      `rules ask for ${named(devices)}, and do not tell who is behind which device: it may be let through (${journey.reason})`,
    );
  const goal = journey.destination === undefined ? "" : hostOf(journey.destination);
  if (journey.disposition === "connection refused") {
    if (journey.reply.length === 0 && wasTranslated(journey) && world.opened.goals.has(goal))
      return {
        ...journey,
        disposition: "delivered",
        reason: `rules send it to ${journey.destination} on this node; whoever they send it to is taken to answer`,
        assumed: [
          ...journey.assumed,
          said(`a process on the node listens on ${journey.destination}`),
        ],
      };
    // nothing listens there of itself: kube-proxy opens no sockets (kubernetes issue 108496)
    if (isNodePort(journey)) return journey;
    return undecided(
      journey,
      `it arrives at the node itself, at ${journey.destination}, and rules do not tell who listens there`,
    );
  }
  if (journey.disposition === "delivered" && !world.opened.goals.has(goal) && isBeyond(world, goal))
    return undecided(
      journey,
      `the node sends it on to ${goal}, and rules do not tell who is there`,
    );
  return journey;
}

/** By a rule or by a chain's policy, not by whoever would answer. */
const isStopped = ({ disposition }: Journey): boolean =>
  disposition === "dropped" || disposition === "rejected";

/** kube-apiserver --service-node-port-range, by default. */
function isNodePort({ destination = "" }: Journey): boolean {
  const port = Number(destination.slice(destination.lastIndexOf(":") + 1));
  return port >= 30_000 && port <= 32_767;
}

const isBeyond = ({ machine }: Pasted, address: string): boolean =>
  !machine.addresses.includes(address) && !machine.sandboxAt(address);

const wasTranslated = ({ hops }: Journey): boolean =>
  hops.some(({ in: before, out }) => before.destination !== out.destination);

const undecided = (journey: Founded<Journey>, sentence: string): Founded<Journey> => ({
  ...journey,
  disposition: "unknown",
  reason: sentence,
  leftOut: [...journey.leftOut, said(sentence)],
});
