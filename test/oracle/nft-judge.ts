/**
 * A real kernel's nftables beside ours: each rule that a packet met, and what left the node. Rules
 * of iptables may be in the same kernel.
 */
import type { Chooser } from "stopover/internal/net/choice";
import { parseRules } from "stopover/internal/net/iptables/parse";
import type { RuleSet } from "stopover/internal/net/iptables/syntax";
import { iptables } from "stopover/internal/net/iptables/walk";
import { Kernel, type Verdict } from "stopover/internal/net/kernel";
import { parseNftables } from "stopover/internal/net/nftables/parse";
import { listText } from "stopover/internal/net/nftables/text";
import { nftables } from "stopover/internal/net/nftables/walk";
import { describe, replyTo, type Packet } from "stopover/internal/net/packet";
import type { Family } from "stopover/internal/net/ip";
import type { NetStep } from "stopover/internal/net/passage";
import type { TracedPacket } from "stopover/internal/doors/lab/trace";
import { shown, type Sent } from "./clusters.js";
import { decisions, firstTrace, sideBySide, type Difference, type Heard } from "./judge.js";
import {
  endNames,
  nodeAddresses,
  podRanges,
  type Link,
  type Rig,
  type Saved,
  type Seen,
} from "./rig.js";

const families: readonly Family[] = ["IPv4", "IPv6"];

/** Rules to load: nftables' text, and an iptables-save beside it. */
export interface NftContest {
  text: string;
  saved?: Saved | undefined;
}

function simulate(text: string, saved: Saved | undefined): Kernel {
  const kernel = new Kernel({
    name: "node-a",
    clock: { now: () => Date.now() },
    forwarding: true,
    routeLocalnet: true,
    interfaces: [
      { name: "eth0", addresses: [`${nodeAddresses.IPv4}/32`, `${nodeAddresses.IPv6}/128`] },
      { name: "pods", addresses: [] },
    ],
  });
  for (const to of ["0.0.0.0/0", "::/0"]) kernel.routes.add({ to, dev: "eth0" });
  for (const to of [podRanges.IPv4, podRanges.IPv6]) kernel.routes.add({ to, dev: "pods" });
  for (const family of families)
    if (saved?.[family]) iptables(kernel).rules[family] = parseRules(saved[family], { family });
  nftables(kernel).rules = parseNftables(text);
  return kernel;
}

/** Loads both, sends the packets, and answers the first difference. */
export async function nftJudge(
  rig: Rig,
  { text, saved }: NftContest,
  packets: readonly Sent[],
  heard: Heard = () => {},
): Promise<Difference> {
  await rig.loadNft(text, saved);
  // what the node itself says may have been counted already
  const listed = rig
    .listed()
    .replace(/counter packets \d+ bytes \d+/g, "counter packets 0 bytes 0");
  const ours = listText(parseNftables(text));
  if (ours !== listed)
    return `nft lists something else:\n${sideBySide(ours.split("\n"), listed.split("\n"))}`;
  const kernel = simulate(listed, saved);
  for (const sent of packets) {
    const difference = await talk(rig, kernel, sent, heard);
    if (difference) return `${shown(sent)}\n${difference}`;
  }
  return undefined;
}

async function talk(rig: Rig, kernel: Kernel, sent: Sent, heard: Heard): Promise<Difference> {
  const first = await look(rig, kernel, sent.packet, sent.from, heard);
  const { difference, verdict } = first;
  if (difference || verdict.kind !== "forward" || sent.from === "process") return difference;
  const answer = replyTo(verdict.packet);
  const second = await look(rig, kernel, answer, verdict.interface as Link, heard);
  return second.difference && `its answer ${describe(answer)}:\n${second.difference}`;
}

async function look(
  rig: Rig,
  kernel: Kernel,
  packet: Packet,
  from: Link | "process",
  heard: Heard,
): Promise<{ difference: Difference; verdict: Verdict }> {
  const seen = await rig.send(packet, from);
  const own = itsTraces(packet, from, seen);
  const steps: string[] = [];
  let last: NetStep | undefined;
  const family: Family = packet.source.includes(":") ? "IPv6" : "IPv4";
  const record = (step: NetStep): void => {
    if (!step.table || !(step.rule || step.kind === "policy")) return;
    const isSame =
      last !== undefined &&
      last.rule === step.rule &&
      last.number === step.number &&
      last.chain === step.chain &&
      step.rule !== undefined &&
      step.kind !== "snat" &&
      step.kind !== "dnat";
    last = step;
    if (!isSame) steps.push(`${step.table} ${step.chain} ${step.rule?.text(family) ?? "(policy)"}`);
  };
  const left = seen.out.find(({ packet: out }) => out.protocol === packet.protocol);
  const choose = replay(own, left, iptables(kernel).rules[family]);
  const verdict =
    from === "process"
      ? kernel.send(packet, { choose, record })
      : kernel.receive(packet, from, { choose, record });
  heard(verdict.kind, steps.length);
  const theirs = own
    .flatMap((trace) => trace.steps)
    .filter(({ table }) => !endNames.includes(table))
    .map(({ table, chain, rule }) => `${table} ${chain} ${rule ?? "(policy)"}`);
  const problems = [
    steps.join("\n") !== theirs.join("\n") && `the rules it met:\n${sideBySide(steps, theirs)}`,
    outcome(packet, from, seen, verdict),
  ].filter(Boolean);
  const gone = seen.out.map(({ link, packet: out }) => `${describe(out)} by ${link}`).join("; ");
  const difference =
    problems.length > 0
      ? `${problems.join("\n")}\nour verdict: ${verdict.kind} ${describe(verdict.packet)}\nwhat left the node: ${gone || "nothing"}`
      : undefined;
  return { difference, verdict };
}

/** Rules may stop what the node itself says about a packet: only the packet is looked at. */
function outcome(
  packet: Packet,
  from: Link | "process",
  { out }: Seen,
  verdict: Verdict,
): Difference {
  const left = out
    .filter(
      ({ packet: { about, flags, destinationPort } }) =>
        about === undefined && !(flags === "RST" && destinationPort === packet.sourcePort),
    )
    .map(({ link, packet: each }) => `${link} ${describe(each)}`);
  const expected =
    verdict.kind === "forward" ? [`${verdict.interface} ${describe(verdict.packet)}`] : [];
  if (from === "process" && verdict.kind !== "forward") return undefined;
  // a process that hears nothing sends its SYN again after a second
  const once = from === "process" ? [...new Set(left)] : left;
  return once.join() === expected.join()
    ? undefined
    : `expected to leave the node: ${expected.join("; ") || "nothing"}`;
}

/** The packet's own way; over lo it comes in again. */
function itsTraces(packet: Packet, from: Link | "process", { traces }: Seen): TracedPacket[] {
  const first = firstTrace(packet, traces);
  if (first < 0) return [];
  const own = traces[first]!;
  const isOwn = ({ in: by, destination }: TracedPacket): boolean =>
    by === "lo" && destination !== own.source && !destination.endsWith(":0"); // no RST, no ICMP
  const again = from === "process" ? traces.slice(first + 1).find(isOwn) : undefined;
  return again ? [own, again] : [own];
}

/** What the kernel drew: in a map of chains, the verdict tells; of `statistic`, what matched. */
function replay(
  traces: readonly TracedPacket[],
  out: Seen["out"][number] | undefined,
  saved: RuleSet | undefined,
): Chooser {
  const drawn = traces
    .flatMap(({ steps }) => steps)
    .flatMap(({ rule = "", verdict }) => {
      const [, map] = /numgen random mod \d+ vmap \{ (.*?) \}/.exec(rule) ?? [];
      if (map === undefined) return [];
      const goal = verdict.toLowerCase().replace(":", " ");
      const found = map.split(", ").find((each) => each.toLowerCase().endsWith(` : ${goal}`));
      return found ? [Number(found.split(" : ")[0])] : [];
    });
  const port = out?.packet.sourcePort;
  const said = saved
    ? traces.flatMap(({ steps }) =>
        decisions(
          saved,
          steps.filter(({ table }) => !table.includes(" ")),
        ),
      )
    : [];
  return {
    chance: () => said.shift() ?? false,
    pick: () => drawn.shift() ?? 0,
    port: (low) => port ?? low,
  };
}
