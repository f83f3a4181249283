/** A packet and what comes back at once, as who looks on sees both. */
import type { Network } from "../../journey/network.js";
import type { Journey } from "../../journey/types.js";
import { familyOf, parseCIDR, parseEndpoint } from "../../net/ip.js";
import type { Packet } from "../../net/packet.js";
import type { Machine } from "../../node/machine.js";
import { back, there, type Taps } from "./capture.js";
import type { Said, Spot } from "./frame.js";
import { isRefused } from "./refusals.js";

/** `said`: what the packet says; undefined: nothing that anybody is to be shown. */
export function showRound(
  taps: Taps,
  network: Network,
  spot: Spot,
  at: number,
  packet: Packet,
  journey: Journey,
  said: Said | undefined,
): void {
  if (!said) return;
  taps.show(at, there(network, spot, journey), said);
  const answer = answerTo(network, said, packet, journey);
  if (answer) taps.show(at, back(network, spot, journey), answer);
}

/** What comes of it without anybody's doing; what programs answer, they say themselves. */
function answerTo(
  network: Network,
  said: Said,
  packet: Packet,
  { disposition, reason, hops }: Journey,
): Said | undefined {
  if (disposition === "delivered") {
    if (said.kind === "echo") return { ...said, reply: true };
    return said.kind === "tcp" && said.flags === "S"
      ? { ...said, by: "server", flags: "S.", ack: 1 }
      : undefined;
  }
  if (!isRefused(disposition)) return undefined;
  if (said.kind === "tcp" && (disposition !== "rejected" || /tcp-reset/.test(reason)))
    return { ...said, by: "server", flags: "R.", seq: 0, ack: said.seq + 1, bytes: "" };
  const what = disposition === "rejected" ? unreachable(reason) : "port";
  const by = disposition === "rejected" ? rejecterOf(network, packet, hops) : undefined;
  const error = { kind: "unreachable", what, about: packet, size: sizeOf(said) } as const;
  return by ? { ...error, by } : error;
}

/**
 * The address that a node's ICMP errors come from: the one that it has on the link on which the
 * packet came. On a Pod's that is the Pod's gateway (CNI plugins ptp and bridge).
 */
function rejecterOf(
  network: Network,
  { source }: Packet,
  hops: Journey["hops"],
): string | undefined {
  const nodes = hops.filter(({ kind }) => kind === "node");
  const machine = network.machines.get(nodes.at(-1)?.name ?? "");
  const family = familyOf(source);
  if (nodes.length === 1 && machine?.sandboxAt(source))
    return parseCIDR(`${source}/${family === "IPv4" ? 24 : 64}`).at(1).text;
  return machine?.addresses.find((each) => familyOf(each) === family);
}

/** Bytes of the packet that an ICMP error quotes, with its own eight. */
const sizeOf = (said: Said): number =>
  8 + 20 + (said.kind === "udp" ? 8 + said.bytes.length : said.kind === "tcp" ? 40 : 64);

const unreachable = (reason: string): "port" | "host" | "admin" =>
  /prohibited/.test(reason) ? "admin" : /host-unreach|addr-unreach/.test(reason) ? "host" : "port";

/**
 * The reset of a connection that nobody has answered takes it out of the tables that it passes.
 * (net/netfilter/nf_conntrack_proto_tcp.c: TCP_CONNTRACK_CLOSE without IPS_SEEN_REPLY)
 */
export function forgetReset(network: Network, { hops }: Journey): void {
  let machine: Machine | undefined;
  for (const { kind, name, out } of hops) {
    if (kind === "node") machine = network.machines.get(name);
    if (!machine || (kind !== "node" && kind !== "cluster-ip")) continue;
    const [from, to] = [parseEndpoint(out.destination), parseEndpoint(out.source)];
    const table = machine.kernel.conntrack;
    const tracked = table?.track(
      {
        protocol: "TCP",
        source: from.address,
        sourcePort: from.port,
        destination: to.address,
        destinationPort: to.port,
        flags: "RST",
      },
      undefined,
    );
    if (tracked && !tracked.connection.assured) table?.delete(tracked.connection);
  }
}
