/**
 * The plugin portmap, which CNI configurations chain after the one that hangs Pods on their node:
 * it leads a hostPort of the node to its Pod. (containernetworking/plugins: plugins/meta/portmap,
 * portmap_iptables.go)
 */
import { priority, type Dataplane, type Decision, type HookFunction } from "../../net/dataplane.js";
import { familyOf } from "../../net/ip.js";
import type { Transport } from "../../net/packet.js";
import type { Passage } from "../../net/passage.js";
import type { HostPort, Machine } from "../machine.js";

/** What it marks is masqueraded (--mark-masq-bit 13). */
const MASQUERADE = 0x2000;

/** Behind kube-proxy's rules at the same place: those it inserts, portmap appends its own. */
const after = 1;

/** Takes what comes for a hostPort of this machine. */
export function portmap(machine: Machine): Dataplane {
  const lead = (passage: Passage): Decision | undefined => led(machine, passage);
  const functions: readonly HookFunction[] = [
    { hook: "PREROUTING", priority: priority.dstnat + after, decide: lead },
    { hook: "OUTPUT", priority: priority.dstnat + after, decide: lead },
    { hook: "POSTROUTING", priority: priority.srcnat + after, decide: masqueraded },
  ];
  return { name: "portmap", functions: () => functions };
}

function led(machine: Machine, passage: Passage): Decision | undefined {
  const { protocol, source, destination, destinationPort } = passage.packet;
  if (protocol === "ICMP" || !passage.kernel.isLocal(passage.destination)) return undefined;
  const found = machine.hostPort(protocol, destination, destinationPort);
  const address = found?.sandbox.ips.find((ip) => familyOf(ip) === familyOf(destination));
  if (!found || address === undefined) return undefined;
  // who asks over loopback, or asks for itself, would not hear the answer
  if (passage.source.loopback || source === address) passage.mark |= MASQUERADE;
  const { containerPort: port } = found;
  return {
    kind: "translate",
    translation: { kind: "DNAT", address, low: port, high: port },
    table: "nat",
    chain: "CNI-DN",
    rule: {
      text: () => ruleOf(found, protocol, destinationPort, `${address}:${port}`),
      purpose: { object: `Pod ${found.sandbox.key}`, field: found.field },
    },
  };
}

const ruleOf = ({ hostIP }: HostPort, protocol: Transport, port: number, to: string): string =>
  `${hostIP === undefined ? "" : `-d ${hostIP} `}-p ${protocol.toLowerCase()} --dport ${port} -j DNAT --to-destination ${to}`;

function masqueraded({ mark }: Passage): Decision | undefined {
  if ((mark & MASQUERADE) === 0) return undefined;
  return {
    kind: "translate",
    translation: { kind: "MASQUERADE" },
    table: "nat",
    chain: "CNI-HOSTPORT-MASQ",
    rule: { text: () => "-m mark --mark 0x2000/0x2000 -j MASQUERADE" },
  };
}
