/** Where a journey begins. */
import { familyOf, parseAddress, readAddress } from "../net/ip.js";
import { printable } from "../net/printable.js";
import type { Machine, Sandbox } from "../node/machine.js";
import type { Network } from "./network.js";
import type { Origin, Party } from "./party.js";

/**
 * A host on the internet; both addresses are of ranges kept for documentation (RFC 5737, RFC 3849).
 */
export const internetHost = { IPv4: "203.0.113.2", IPv6: "2001:db8:113::2" } as const;

/**
 * `from` is "internet", an IP, "node/NAME" or "pod/NAMESPACE/NAME". Throws where there is nobody of
 * that name.
 */
export function originOf(network: Network, from: string): Origin {
  if (from === "internet")
    return { kind: "outside", name: from, addresses: [internetHost.IPv4, internetHost.IPv6] };
  const [kind, ...rest] = from.split("/");
  if (kind === "node" && rest.length === 1) return onNode(network, from, rest[0]!);
  if (kind === "pod" && rest.length === 2) {
    const found = network.sandbox(rest.join("/"));
    if (!found)
      throw new Error(printable(`from "${from}": no node runs a Pod "${rest.join("/")}"`));
    return inPod(found);
  }
  const address = readAddress(from)?.text;
  if (address === undefined)
    throw new Error(
      `from "${printable(from)}": allowed are internet, an IP address, node/NAME and pod/NAMESPACE/NAME`,
    );
  return originAt(network, address);
}

/** Whoever has this address; a stranger outside where nobody has. */
export function originAt(network: Network, address: string): Origin {
  const machine = network.machineAt(address);
  if (machine) return { kind: "node", machine, addresses: [address], bound: true };
  const holder = network.machineFor(address);
  const sandbox = holder?.sandboxAt(address);
  return holder && sandbox
    ? { ...inPod({ machine: holder, sandbox }), addresses: [address] }
    : { kind: "outside", name: address, addresses: [address] };
}

function onNode(network: Network, from: string, name: string): Origin {
  const machine = network.machines.get(name);
  if (machine) return { kind: "node", machine, addresses: machine.addresses };
  const known = [...network.machines.keys()].slice(0, 10).join(", ");
  throw new Error(printable(`from "${from}": there is no node "${name}"; the nodes are ${known}`));
}

export function inPod({ machine, sandbox }: { machine: Machine; sandbox: Sandbox }): Origin {
  return sandbox.hostNetwork
    ? { kind: "node", machine, addresses: machine.addresses, pod: sandbox }
    : { kind: "pod", machine, sandbox, addresses: sandbox.ips };
}

/**
 * Whether a packet to this address never leaves its sender, whose kernel delivers it over lo. (The
 * table local comes first: net/ipv4/fib_rules.c.) A node's kernel does so past its rules.
 */
export function isItsOwn(origin: Origin, destination: string): boolean {
  if (origin.kind === "node") return false;
  return parseAddress(destination).loopback || origin.addresses.includes(destination);
}

/**
 * The source address of its packets to `destination`; undefined where it has none of that family. A
 * node's kernel chooses: 127.0.0.1 for 127.0.0.1 (net/ipv4/route.c, ip_route_output_key_hash).
 */
export function sourceTowards(origin: Origin, destination: string): string | undefined {
  const family = familyOf(destination);
  const own = origin.addresses.find((address) => familyOf(address) === family);
  if (origin.kind !== "node" || origin.bound) return own;
  return own && (origin.machine.kernel.sourceFor(destination) ?? own);
}

/** What a party is called on its hop. */
export function nameOf(party: Party): string {
  switch (party.kind) {
    case "outside":
      return party.name;
    case "node":
      return party.machine.name;
    case "pod":
      return party.sandbox.key;
    case "load-balancer":
      return party.balanced.balancer.hostname ?? party.balanced.balancer.name;
  }
}

/** The same, but for a Pod in a node's network the Pod's own name. */
export const processName = (party: Party): string =>
  party.kind === "node" && party.pod ? party.pod.key : nameOf(party);
