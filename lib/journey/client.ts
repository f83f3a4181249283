/** Where a journey begins: who asks, for which URL, and what its resolver makes of the name. */
import { readAddress } from "../net/ip.js";
import type { Machine, Sandbox } from "../node/machine.js";
import { searchNames } from "../node/dns.js";
import type { Network } from "./network.js";

/**
 * A host on the internet; both addresses are of ranges kept for documentation (RFC 5737, RFC 3849).
 */
export const internetClient = { IPv4: "203.0.113.2", IPv6: "2001:db8:113::2" } as const;

export type Client =
  | { kind: "outside"; name: string; addresses: readonly string[] }
  | { kind: "node"; machine: Machine; addresses: readonly string[] }
  | { kind: "pod"; machine: Machine; sandbox: Sandbox; addresses: readonly string[] };

/**
 * `from` is "internet", an IP, "node/NAME" or "pod/NAMESPACE/NAME". Throws where there is no such
 * client.
 */
export function clientOf(network: Network, from: string): Client {
  if (from === "internet")
    return {
      kind: "outside",
      name: "internet",
      addresses: [internetClient.IPv4, internetClient.IPv6],
    };
  const [kind, ...rest] = from.split("/");
  if (kind === "node" && rest.length === 1) {
    const machine = network.machines.get(rest[0]!);
    if (!machine)
      throw new Error(
        `from "${from}": there is no node "${rest[0]}"; the nodes are ${[...network.machines.keys()].slice(0, 10).join(", ")}`,
      );
    return { kind: "node", machine, addresses: machine.addresses };
  }
  if (kind === "pod" && rest.length === 2) {
    const found = network.sandbox(rest.join("/"));
    if (!found) throw new Error(`from "${from}": no node runs a Pod "${rest.join("/")}"`);
    return inPod(found);
  }
  const address = readAddress(from)?.text;
  if (address === undefined)
    throw new Error(
      `from "${from}": allowed are internet, an IP address, node/NAME and pod/NAMESPACE/NAME`,
    );
  return clientAt(network, address);
}

/** Whoever has this address; a stranger outside where nobody has. */
export function clientAt(network: Network, address: string): Client {
  const machine = network.machineAt(address);
  if (machine) return { kind: "node", machine, addresses: [address] };
  const holder = network.machineFor(address);
  const sandbox = holder?.sandboxAt(address);
  return holder && sandbox
    ? { ...inPod({ machine: holder, sandbox }), addresses: [address] }
    : { kind: "outside", name: address, addresses: [address] };
}

function inPod({ machine, sandbox }: { machine: Machine; sandbox: Sandbox }): Client {
  return sandbox.hostNetwork
    ? { kind: "node", machine, addresses: machine.addresses }
    : { kind: "pod", machine, sandbox, addresses: sandbox.ips };
}

export type Goal = { host: string; port: number; text: string } | { failure: string };

/** The last URL that was asked for, and what it means: a thousand requests ask the same. */
let last: { url: string; goal: Goal } | undefined;

/** A URL's host and port (and both as text), or why it has none. */
export function hostAndPort(url: string): Goal {
  if (last?.url !== url) last = { url, goal: readURL(url) };
  return last.goal;
}

function readURL(url: string): Goal {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url))
    return {
      failure: `"${url}" is no URL with a scheme, so there is no name to look up; write http://${url || "mynginx-app.com:8080"}${url.includes("/") ? "" : "/"}`,
    };
  if (!URL.canParse(url))
    return { failure: `"${url}" is no valid URL; one looks like http://mynginx-app.com:8080/` };
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:")
    return {
      failure: `the scheme of "${url}" is ${protocol.slice(0, -1)}; http and https are understood`,
    };
  if (port === "0") return { failure: `the port of "${url}" is 0, which is no port` };
  const number = port ? Number(port) : protocol === "http:" ? 80 : 443;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: number, text: `${hostname}:${number}` };
}

/**
 * What the client's resolver answers: Pods ask the cluster's DNS (which asks the internet's),
 * everybody else the internet's.
 */
export function resolveFor(
  network: Network,
  client: Client,
  host: string,
): { server: string; addresses: string[]; trail: string[]; failure?: string } {
  if (client.kind !== "pod") return { server: "DNS", ...network.internet.resolve(host) };
  const server = "cluster DNS";
  for (const name of searchNames(host, client.sandbox.key.split("/")[0]!)) {
    if (network.clusterDns.has(name) || network.internet.has(name))
      return { server, ...network.clusterDns.resolve(name, network.internet) };
  }
  return {
    server,
    addresses: [],
    trail: [],
    failure: `no DNS server knows the name "${host}", nor with any of the Pod's search domains (NXDOMAIN)`,
  };
}

/**
 * The pair of addresses that the two sides have in common, IPv4 first; undefined where they share
 * no family.
 */
export function meet(
  client: Client,
  addresses: readonly string[],
): { own: string; other: string } | undefined {
  for (const v6 of [false, true]) {
    const [own, other] = [client.addresses, addresses].map((list) =>
      list.find((a) => a.includes(":") === v6),
    );
    if (own !== undefined && other !== undefined) return { own, other };
  }
  return undefined;
}

export const named = (client: Client): string =>
  client.kind === "node"
    ? client.machine.name
    : client.kind === "pod"
      ? client.sandbox.key
      : client.name;
