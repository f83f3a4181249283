/**
 * Two verdicts on one packet, a real kernel's and ours, and whether they agree: the rules it met,
 * in order, with their tables and chains; what left the node, translated how; and the same for the
 * answer.
 *
 * The kernel goes first. What it left to chance (statistic, the port of a MASQUERADE) is read from
 * its trace, and fed into our walk.
 */
import { iptables } from "stopover/internal/net/iptables/walk";
import { parseAddress } from "stopover/internal/net/ip";
import { ruleText, saveText } from "stopover/internal/net/iptables/text";
import { forced, type Chooser } from "stopover/internal/net/choice";
import { Kernel, type Verdict } from "stopover/internal/net/kernel";
import { parseRules } from "stopover/internal/net/iptables/parse";
import type { NetStep } from "stopover/internal/net/passage";
import {
  describe,
  destinationOf,
  icmpError,
  replyTo,
  sourceOf,
  type Packet,
} from "stopover/internal/net/packet";
import type { Chain, RuleSet } from "stopover/internal/net/iptables/syntax";
import type { TableName } from "stopover/internal/net/iptables/tables";
import type { TracedPacket, TracedStep } from "stopover/internal/doors/lab/trace";
import { configFor, viewOf } from "stopover/internal/node/proxy/config";
import { readConfiguration } from "stopover/internal/node/proxy/configuration";
import { NodeRules } from "stopover/internal/node/proxy/iptables/node-rules";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { sharedRules } from "stopover/internal/node/proxy/iptables/shared";
import { shown, type Cluster, type Sent } from "./clusters.js";
import { nodeAddresses, podRanges, type Link, type Rig, type Seen } from "./rig.js";

/**
 * What one run compares: the rules, as ours and as the text to load, and the switches of the kernel
 * that go with them.
 */
interface Contest {
  rules: RuleSet;
  routeLocalnet: boolean;
  tcpLiberal: boolean;
  /**
   * Whether rules may stop what the node itself says about a packet (an ICMP error, a RST): then it
   * is not looked at. Default: false.
   */
  muted?: boolean;
}

/** What kube-proxy gives this cluster's node. */
export function proxyRules(cluster: Cluster): Contest {
  const config = configFor(cluster.family, readConfiguration(cluster.proxy), {
    randomFully: cluster.randomFully,
  });
  const services = new ServiceTable(config);
  for (const service of cluster.services)
    services.setService(`default/${service.metadata.name}`, service);
  for (const slice of cluster.slices)
    services.setEndpointSlice(`default/${slice.metadata.name}`, slice);
  const rules = new NodeRules(
    sharedRules(services),
    services.version,
    viewOf(cluster.node, cluster.family),
    {
      canary: true,
    },
  );
  return { rules, routeLocalnet: config.localhostNodePorts, tcpLiberal: config.tcpLiberal };
}

/** The node of the rig, simulated. */
function simulate(rules: RuleSet, { routeLocalnet, tcpLiberal }: Contest): Kernel {
  const { family } = rules;
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => Date.now() },
    forwarding: true,
    routeLocalnet,
    tcpLiberal,
    interfaces: [
      { name: "eth0", addresses: [`${nodeAddresses[family]}/${family === "IPv4" ? 32 : 128}`] },
      { name: "pods", addresses: [] },
    ],
  });
  kernel.routes.add({ to: family === "IPv4" ? "0.0.0.0/0" : "::/0", dev: "eth0" });
  kernel.routes.add({ to: podRanges[family], dev: "pods" });
  iptables(kernel).rules[family] = rules;
  return kernel;
}

/** A difference in words, or undefined. */
export type Difference = string | undefined;

/** Hears of each packet that was compared: how it ended, and how many rules it met. */
export type Heard = (end: Verdict["kind"], rules: number) => void;

/** Loads the rules, sends the packets, and answers the first difference. */
export async function judge(
  rig: Rig,
  contest: Contest,
  packets: readonly Sent[],
  heard: Heard = () => {},
): Promise<Difference> {
  const { rules, routeLocalnet, tcpLiberal } = contest;
  rig.house.sysctl("node", {
    "net.ipv4.conf.all.route_localnet": Number(routeLocalnet),
    "net.netfilter.nf_conntrack_tcp_be_liberal": Number(tcpLiberal),
  });
  const text = saveText(rules);
  await rig.load(text, rules.family);
  const saved = rig.saved(rules.family);
  if (saved !== text)
    return `iptables-save prints something else than our save form:\n${sideBySide(text.split("\n"), saved.split("\n"))}`;
  const read = parseRules(saved, { family: rules.family });
  if (saveText(read) !== saved)
    return `iptables-save's text reads as something else:\n${sideBySide(saveText(read).split("\n"), saved.split("\n"))}`;
  const talk = new Talk(
    rig,
    rules,
    [simulate(rules, contest), simulate(read, contest)],
    heard,
    contest.muted ?? false,
  ); // walking what was read proves the reading, too
  for (const sent of packets) {
    const difference = await talk.about(sent);
    if (difference) return `${shown(sent)}\n${difference}`;
  }
  return undefined;
}

/** A packet; and where it came through, its answer, and what the client sends after it. */
class Talk {
  constructor(
    readonly rig: Rig,
    readonly rules: RuleSet,
    readonly kernels: readonly Kernel[],
    readonly heard: Heard,
    readonly muted: boolean,
  ) {}

  async about({ from, packet, then }: Sent): Promise<Difference> {
    const first = await this.#look(packet, from);
    if (
      first.difference ||
      first.verdict.kind !== "forward" ||
      packet.protocol === "SCTP" ||
      from === "process"
    )
      return first.difference;
    const answer = replyTo(first.verdict.packet);
    const second = await this.#look(answer, first.verdict.interface as Link);
    if (second.difference) return `its answer ${describe(answer)}:\n${second.difference}`;
    const { difference } = await this.#look(
      {
        ...packet,
        ...(packet.protocol === "TCP" &&
          (then === "stray" ? { flags: "ACK", outOfWindow: true } : { flags: then })),
      },
      from,
    );
    return difference && `what the client sends after the answer (${then}):\n${difference}`;
  }

  async #look(
    packet: Packet,
    from: Link | "process",
  ): Promise<{ difference: Difference; verdict: Verdict }> {
    const seen = await this.rig.send(packet, from);
    const walks = this.kernels.map((kernel) => walk(kernel, this.rules, packet, from, seen));
    this.heard(walks[0]!.verdict.kind, walks[0]!.steps.length);
    const differences = walks.map((ours, i) =>
      differenceOf(this.rules, packet, from, seen, ours, this.kernels[i]!, this.muted),
    );
    return {
      difference: differences.find((each) => each !== undefined),
      verdict: walks[0]!.verdict,
    };
  }
}

interface Walked {
  verdict: Verdict;
  steps: string[];
}

function walk(
  kernel: Kernel,
  rules: RuleSet,
  packet: Packet,
  from: Link | "process",
  seen: Seen,
): Walked {
  const steps: string[] = [];
  const record = (step: NetStep): void =>
    void (
      step.table &&
      (step.rule || step.kind === "policy") &&
      steps.push(line(step.table, step.chain!, step.rule?.text(rules.family)))
    );
  const choose = replay(
    rules,
    itsTraces(packet, from, seen),
    seen.out.find(({ packet: out }) => out.protocol === packet.protocol)?.packet.sourcePort,
  );
  const verdict =
    from === "process"
      ? kernel.send(packet, { choose, record })
      : kernel.receive(packet, from, { choose, record });
  return { verdict, steps };
}

const line = (table: string, chain: string, rule: string | undefined): string =>
  `${table} ${chain} ${rule ?? "(policy)"}`;

/** Where the packet itself stands among what was traced; -1: nowhere. */
export const firstTrace = (packet: Packet, traces: readonly TracedPacket[]): number =>
  traces.findIndex(
    ({ source, destination }) =>
      source === sourceOf(packet) && destination === destinationOf(packet),
  );

/**
 * The packet's own way: where a process talks to its own node, the same packet comes in again over
 * lo. What it brought about comes after it.
 */
function itsTraces(packet: Packet, from: Link | "process", { traces }: Seen): TracedPacket[] {
  const first = firstTrace(packet, traces);
  if (first < 0) return [];
  const own = traces[first]!;
  const left =
    own.steps.some(({ chain }) => chain === "POSTROUTING") && own.steps.at(-1)!.verdict !== "DROP";
  const again =
    from === "process" && own.out === "lo" && left
      ? traces.slice(first + 1).find((trace) => trace.in === "lo")
      : undefined;
  return again ? [own, again] : [own];
}

function differenceOf(
  rules: RuleSet,
  packet: Packet,
  from: Link | "process",
  seen: Seen,
  { verdict, steps }: Walked,
  kernel: Kernel,
  muted: boolean,
): Difference {
  const theirs = itsTraces(packet, from, seen)
    .flatMap((trace) => trace.steps)
    .map(({ table, chain, rule }) => line(table, chain, rule));
  const problems = [
    steps.join("\n") !== theirs.join("\n") && `the rules it met:\n${sideBySide(steps, theirs)}`,
    outcome(rules, packet, from, seen, verdict, kernel, muted),
  ].filter(Boolean);
  return problems.length
    ? `${problems.join("\n")}\nour verdict: ${verdictText(verdict)}\nwhat left the node: ${seen.out.map(({ link, packet: out }) => `${describe(out)} ${out.flags ?? ""}${out.error ?? ""} by ${link}`).join("; ") || "nothing"}`
    : undefined;
}

const verdictText = (verdict: Verdict): string =>
  `${verdict.kind} ${describe(verdict.packet)}${verdict.kind === "forward" ? ` by ${verdict.interface}` : verdict.kind === "reject" ? ` with ${verdict.with}` : verdict.kind === "drop" ? ` (${verdict.why})` : ""}`;

/** Compares what left the node with what the verdict lets leave. */
function outcome(
  rules: RuleSet,
  packet: Packet,
  from: Link | "process",
  { out }: Seen,
  verdict: Verdict,
  kernel: Kernel,
  muted: boolean,
): Difference {
  // What the kernel says about the packet, to its sender. What it tells a process stays on the node
  // (or, to ::1, leaves and is lost).
  const told = ({ packet: { flags, about, destinationPort } }: Seen["out"][number]): boolean =>
    about !== undefined || (flags === "RST" && destinationPort === packet.sourcePort);
  const left = out
    .filter((each) => !(muted || from === "process") || !told(each))
    .map(({ link, packet }) => `${link} ${signature(packet)}`);
  const expected =
    muted && verdict.kind !== "forward" ? [] : expectedOut(rules, packet, from, verdict, kernel);
  return left.join() === expected.join()
    ? undefined
    : `expected to leave the node: ${expected.join("; ") || "nothing"}`;
}

const signature = (packet: Packet): string =>
  packet.about
    ? `${packet.error} -> ${packet.destination} about ${describe(packet.about)}`
    : `${describe(packet)} ${packet.flags ?? ""}`;

function expectedOut(
  rules: RuleSet,
  packet: Packet,
  from: Link | "process",
  verdict: Verdict,
  kernel: Kernel,
): string[] {
  if (verdict.kind === "forward") return [`${verdict.interface} ${signature(verdict.packet)}`];
  if (from === "process") return []; // whatever its kernel tells it, stays on the node
  const family = rules.family;
  const answer = (answer: Packet): string[] => {
    const sent = kernel.send(answer, { choose: replay(rules, [], undefined), undo: [] });
    return sent.kind === "forward" ? [`${sent.interface} ${signature(sent.packet)}`] : [];
  };
  if (verdict.kind === "reject" && verdict.with === "tcp-reset")
    return [
      `${kernel.routes.lookup(parseAddress(packet.source))?.dev} ${signature(replyTo(packet, "RST"))}`,
    ];
  if (verdict.kind === "reject") {
    // the error belongs to the packet's connection, though that is never kept: its translation is
    // undone all the same
    return [
      `${kernel.routes.lookup(parseAddress(packet.source))?.dev} ${signature(icmpError(nodeAddresses[family], packet, verdict.with))}`,
    ];
  }
  if (verdict.kind !== "local" || verdict.packet.flags === "RST") return [];
  // nobody listens on the node under test
  if (verdict.packet.protocol === "TCP") return answer(replyTo(verdict.packet, "RST"));
  const errors = {
    IPv4: { UDP: "icmp-port-unreachable", SCTP: "icmp-proto-unreachable" },
    IPv6: { UDP: "icmp6-port-unreachable", SCTP: undefined },
  } as const; // IPv6 has a parameter problem instead
  const error = errors[family][verdict.packet.protocol as "UDP" | "SCTP"];
  return error ? answer(icmpError(nodeAddresses[family], verdict.packet, error)) : [];
}

// ---- the kernel's choices -----------------------------------------------------------------------

/** A chooser that decides as the kernel did on the way that it traced. */
function replay(
  rules: RuleSet,
  traces: readonly TracedPacket[],
  port: number | undefined,
): Chooser {
  // our walk differs from the kernel's already, where it asks more
  const otherwise: Chooser = { chance: () => false, pick: () => 0, port: (low) => port ?? low };
  return {
    ...forced(
      traces.flatMap(({ steps }) => decisions(rules, steps)),
      otherwise,
    ),
    port: otherwise.port,
  };
}

interface Visit {
  chain: Chain;
  /** The index of the first rule that has not been accounted for. */
  next: number;
}

/**
 * Which `statistic` rules said yes and no: those before a rule that matched, and in a chain that
 * was left at its end, said no. (Such a rule must have no other match that may fail, or nobody
 * could tell whether it was asked.)
 */
export function decisions(rules: RuleSet, steps: readonly TracedStep[]): boolean[] {
  const made: boolean[] = [];
  // the chain that the packet is in, last, and those that it will return to
  let visits: Visit[] = [];
  const enter = (table: string, name: string): void =>
    void visits.push({
      chain: rules.chain(table as TableName, name) ?? { name, rules: [] },
      next: 0,
    });
  const skip = (visit: Visit, to: number): void => {
    for (; visit.next < to; visit.next++) if (isChance(visit)) made.push(false);
  };
  for (const { table, chain: name, rule, verdict } of steps) {
    while (visits.length > 0 && visits.at(-1)!.chain.name !== name)
      skip(visits.at(-1)!, visits.pop()!.chain.rules.length);
    if (visits.length === 0) enter(table, name);
    const visit = visits.at(-1)!;
    const end = visit.chain.rules.length;
    const at =
      rule === undefined
        ? end
        : visit.chain.rules.findIndex(
            (each, i) => i >= visit.next && ruleText(each, rules.family) === rule,
          );
    skip(visit, at);
    if (rule !== undefined && isChance(visit)) made.push(true);
    visit.next = /^(RETURN|GOTO)/.test(verdict) ? end : at + 1;
    const [, target] = /^(?:JUMP|GOTO):(.*)$/.exec(verdict) ?? [];
    if (target !== undefined) enter(table, target);
    else if (rule === undefined || !["CONTINUE", "RETURN"].includes(verdict)) visits = [];
  }
  return made;
}

const isChance = ({ chain, next }: Visit): boolean =>
  chain.rules[next]?.matches.some(({ kind }) => kind === "statistic") ?? false;

// ---- telling ------------------------------------------------------------------------------------

/** Lines of ours and the kernel's; where they differ, both are shown. */
export function sideBySide(ours: readonly string[], theirs: readonly string[]): string {
  const rows = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, i) =>
    ours[i] === theirs[i]
      ? [`         ${ours[i]}`]
      : [`  ours   ${ours[i] ?? "-"}`, `  kernel ${theirs[i] ?? "-"}`],
  );
  const first = rows.findIndex((row) => row.length > 1);
  return rows
    .slice(Math.max(0, first - 3), first + 12)
    .flat()
    .join("\n");
}
