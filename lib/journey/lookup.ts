/** From a host in a URL to the address that the client connects to. */
import type { Chooser } from "../net/choice.js";
import type { Resolution } from "../net/dns.js";
import { familyOf, readAddress } from "../net/ip.js";
import type { Sandbox } from "../node/machine.js";
import { hasDNSConfig, hostAliases, resolverOf, type Resolver } from "../node/resolver.js";
import type { Network } from "./network.js";
import { sourceTowards } from "./origin.js";
import type { Origin } from "./party.js";

/** What a resolver answered. */
export interface Lookup {
  /** Who answered it, as its hop is called; left out where nobody had to be asked. */
  server?: string;
  /** All of the answer's addresses, as the zone lists them. */
  addresses: readonly string[];
  /** The records that were met, one line each. */
  trail: readonly string[];
  /** Why there are no addresses. */
  failure?: string;
  /** Set where a field decides that is not modelled, so that nobody can tell the answer. */
  unknown?: string;
}

/** What the origin's resolver makes of a host. An address stands for itself. */
export function lookUp(network: Network, origin: Origin, host: string): Lookup {
  const address = isAddress(host) ? readAddress(host) : undefined;
  if (address) return { addresses: [address.text], trail: [] };
  if (isLocalhost(host)) return fromHosts(host, ["127.0.0.1", "::1"]);
  const sandbox = sandboxOf(origin);
  const known = sandbox ? hostAliases(sandbox.pod, host) : [];
  if (known.length > 0) return fromHosts(host, known);
  const resolver = resolverFor(sandbox);
  switch (resolver.asks) {
    case "node":
      return explained(host, "DNS", network.internet.resolve(host));
    case "unknown":
      return untold("DNS", resolver.field, sandbox!);
    case "cluster":
      return askCluster(network, sandbox!, host, resolver.namesFor(host));
  }
}

/** RFC 6761, 6.3: whoever asks is meant; /etc/hosts says so, and no DNS server is asked. */
export const isLocalhost = (host: string): boolean => /^(.+\.)?localhost\.?$/i.test(host);

const fromHosts = (host: string, addresses: readonly string[]): Lookup => ({
  server: "/etc/hosts",
  addresses,
  trail: addresses.map((address) => `${host} ${address}`),
});

/** CoreDNS answers for any address (plugin kubernetes, "pods insecure", kubeadm's default). */
export function podAddress(names: readonly string[]): string | undefined {
  for (const name of names) {
    const [, dashed] = /^([\da-f-]+)\.[a-z\d-]+\.pod\.cluster\.local\.?$/i.exec(name) ?? [];
    const address =
      dashed &&
      (readAddress(dashed.replaceAll("-", ".")) ?? readAddress(dashed.replaceAll("-", ":")));
    if (address) return address.text;
  }
  return undefined;
}

function askCluster(
  { clusterDns, internet, dnsFault }: Network,
  sandbox: Sandbox,
  host: string,
  names: readonly string[],
): Lookup {
  const server = "cluster DNS";
  if (dnsFault) return { server, addresses: [], trail: [], failure: dnsFault.sentence };
  const found = names.findIndex((name) => clusterDns.has(name) || internet.has(name));
  const missed = names.slice(0, found < 0 ? names.length : found).map(noSuchName);
  if (found >= 0) {
    const { trail, ...answer } = clusterDns.resolve(names[found]!, internet);
    return explained(host, server, { ...answer, trail: [...missed, ...trail] });
  }
  const pod = podAddress(names);
  if (pod !== undefined) return { server, addresses: [pod], trail: [`${host} A ${pod}`] };
  if (hasDNSConfig(sandbox.pod)) return untold(server, "spec.dnsConfig", sandbox);
  const searched = host.endsWith(".") ? "" : ", nor with any of the Pod's search domains";
  const failure = `no DNS server knows the name "${host}"${searched} (NXDOMAIN)`;
  return { server, addresses: [], trail: missed, failure };
}

const noSuchName = (name: string): string => `${name.replace(/\.$/, "")} NXDOMAIN`;

function explained(host: string, server: string, answer: Resolution): Lookup {
  const { addresses, trail } = answer;
  if (addresses.length > 0) return { server, addresses, trail };
  const alias = aliasOutside(trail);
  if (answer.failure && alias && !isAddress(alias)) return beyond(host, server, alias, trail);
  const failure = !answer.failure
    ? `the name "${host}" exists, but has no address`
    : alias
      ? `${host} is an alias of ${alias}, an address and no name (NXDOMAIN)`
      : answer.failure;
  return { server, addresses, trail, failure };
}

/** The name outside that an ExternalName leads to: of the internet we know a few. */
const aliasOutside = (trail: readonly string[]): string | undefined => {
  const target = trail.at(-1)?.split(" CNAME ")[1];
  return target?.includes(".") && !/\.local\.?$/.test(target) ? target : undefined;
};

const beyond = (host: string, server: string, alias: string, trail: readonly string[]): Lookup => ({
  server,
  addresses: [],
  trail,
  unknown: `${host} is an alias of ${alias}, a name of the internet's whose addresses nobody here knows; say one with --outside NAME=IP. The Service's ports do not matter: the client's own port is asked for there`,
});

const untold = (server: string, field: string, { key }: Sandbox): Lookup => ({
  server,
  addresses: [],
  trail: [],
  unknown: `${field} of Pod ${key} decides whom it asks for names and which search domains it tries, and that is not modelled`,
});

/** The names that the origin's resolver asks for, in this order, and of whom. */
export function questionsOf(origin: Origin, host: string): { ofCluster: boolean; names: string[] } {
  const resolver = resolverFor(sandboxOf(origin));
  return resolver.asks === "cluster"
    ? { ofCluster: true, names: resolver.namesFor(host) }
    : { ofCluster: false, names: [host] };
}

const resolverFor = (sandbox: Sandbox | undefined): Resolver =>
  sandbox ? resolverOf(sandbox.pod) : { asks: "node" };

/** The Pod whose process asks; undefined where it is a node's own, or somebody outside. */
function sandboxOf(origin: Origin): Sandbox | undefined {
  if (origin.kind === "pod") return origin.sandbox;
  return origin.kind === "node" ? origin.pod : undefined;
}

/** A last label of digits makes a host an address (WHATWG URL, "ends in a number"). */
const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(":");

/** Which address the client connects to, and from which one of its own. */
export interface Meeting {
  own: string;
  other: string;
  /** How many addresses of that family the answer held. */
  among: number;
}

/**
 * The two sides' addresses of a family that they have in common, IPv4 first; undefined where they
 * share none. Of several addresses each is as likely to be the other's: DNS servers change their
 * order with each answer (CoreDNS's plugin loadbalance shuffles them), and clients take the first.
 */
export function meet(
  origin: Origin,
  answer: readonly string[],
  choose: Chooser,
): Meeting | undefined {
  for (const family of ["IPv4", "IPv6"] as const) {
    const others = answer.filter((address) => familyOf(address) === family);
    const own = others[0] === undefined ? undefined : sourceTowards(origin, others[0]);
    if (own === undefined) continue;
    const other = others[others.length === 1 ? 0 : choose.pick(others.length)]!;
    return { own: sourceTowards(origin, other)!, other, among: others.length };
  }
  return undefined;
}
