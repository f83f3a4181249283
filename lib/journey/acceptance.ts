/** Whether somebody takes a packet where it has arrived: a process, or a kernel by itself. */
import type { Packet, Transport } from "../net/packet.js";
import type { HostPort, Sandbox } from "../node/machine.js";
import { takenToAnswer } from "./basis.js";
import type { Arrival } from "./carrier.js";
import { nameOf } from "./origin.js";
import type { Network } from "./network.js";
import type { Party } from "./party.js";
import { headerOf, type Recorder } from "./record.js";
import type { Basis, Disposition, Remark } from "./types.js";

/** Who answers: what it is, in words, and where it runs. */
export interface Server {
  what: string;
  sandbox?: Sandbox;
  node?: string;
  /** Of the Pod, where somebody led the packet there by another one. */
  destinationPort?: number;
}

export interface Refusal {
  failed: Disposition;
  why: string;
  /** What decides and is not modelled. */
  leftOut?: Remark;
}

/** Where it is written down what was taken for granted, and what happened. */
interface Told {
  network: Network;
  basis: Basis;
  there: Recorder | undefined;
}

/** Whether a process takes the packet where it arrived. */
export function accept(told: Told, { party, packet, listening }: Arrival): Server | Refusal {
  if (party.kind === "outside") told.basis.assumed.push(takenToAnswer(party.name));
  if (packet.protocol === "ICMP") return acceptPing(told, party, packet);
  if (party.kind === "pod") return acceptInPod(told, party, packet);
  if (party.kind !== "node") return { what: nameOf(party) };
  const { protocol, destination, destinationPort } = packet;
  const { machine } = party;
  const node = machine.name;
  const wanted = machine.hostPort(protocol, destination, destinationPort);
  if (wanted) return acceptByHostPort(told, wanted, protocol, node);
  const sandbox = machine.processOn(protocol, destinationPort, (pod) =>
    told.network.takes?.(told, pod, packet),
  );
  if (sandbox) {
    assumeListening(told, sandbox, protocol, destinationPort);
    return { sandbox, node, what: `Pod ${sandbox.key}, in the network of ${node},` };
  }
  if (listening) return { node, what: `a process on ${node}` };
  return {
    failed: "connection refused",
    why: `no process on ${node} listens on ${protocol} ${destinationPort}, and no rule took the packet elsewhere`,
  };
}

/** A kernel answers an echo request by itself, whoever listens. (net/ipv4/icmp.c, icmp_echo) */
function acceptPing(told: Told, party: Party, packet: Packet): Server {
  if (party.kind !== "pod")
    return {
      what: `the kernel of ${nameOf(party)}`,
      ...(party.kind === "node" && { node: party.machine.name }),
    };
  const { machine, sandbox } = party;
  const note = "the Pod's kernel answers a ping by itself, whoever listens";
  told.there?.hop("pod", sandbox.key, null, headerOf(packet), headerOf(packet), [
    { action: "deliver", note },
  ]);
  return {
    sandbox,
    node: machine.name,
    what: `the kernel of Pod ${sandbox.key} on ${machine.name}`,
  };
}

/** The CNI plugin portmap leads a hostPort to its Pod; the client's address stays. */
function acceptByHostPort(
  told: Told,
  { sandbox, field, containerPort }: HostPort,
  protocol: Transport,
  node: string,
): Server | Refusal {
  const sentence = `the network plugin of ${node} is taken to chain portmap, which leads this port of the node to the Pod`;
  told.basis.assumed.push({ object: `Pod ${sandbox.key}`, field, sentence });
  assumeListening(told, sandbox, protocol, containerPort);
  if (sandbox.listens(protocol, containerPort))
    return {
      sandbox,
      node,
      what: `Pod ${sandbox.key} on ${node}, by its hostPort,`,
      destinationPort: containerPort,
    };
  const why = `${field} leads to port ${containerPort} of Pod ${sandbox.key} on ${node}, where nothing listens`;
  return { failed: "port not listening", why };
}

function acceptInPod(
  told: Told,
  { machine, sandbox }: Party & { kind: "pod" },
  packet: Packet,
): Server | Refusal {
  const { destinationPort: port } = packet;
  const protocol = packet.protocol as Transport;
  const listens = sandbox.listens(protocol, port);
  const note = () =>
    listens
      ? `a process in the Pod listens on ${protocol} ${port}`
      : `no process in the Pod listens on ${protocol} ${port}${sandbox.closed.size > 0 ? " any more: it is ending, and closed its socket at SIGTERM" : ""}`;
  if (sandbox.closed.size === 0) assumeListening(told, sandbox, protocol, port);
  if (told.there && (!listens || !sandbox.proxy))
    told.there.hop("pod", sandbox.key, null, headerOf(packet), headerOf(packet), [
      { action: listens ? "deliver" : "reject", note: note() },
    ]);
  const { key } = sandbox;
  if (listens) return { sandbox, node: machine.name, what: `Pod ${key} on ${machine.name}` };
  const { isCertain, field, words } = sandbox.explainListening(protocol, port);
  const cause = isCertain ? `: it ${words} (${field})` : "";
  const why = `the packet reaches Pod ${key} on ${machine.name}, but ${note()}${cause}`;
  return { failed: "port not listening", why };
}

/** Nobody knows an image's processes: what they are taken to do, and to have done, is said. */
export function assumeListening(
  told: Told,
  sandbox: Sandbox,
  protocol: Transport,
  port: number,
): void {
  if (!told.there || sandbox.proxy) return;
  for (const granted of sandbox.assumed(protocol, port))
    told.basis.assumed.push({ object: `Pod ${sandbox.key}`, ...granted });
}
