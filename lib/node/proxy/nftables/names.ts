/**
 * What kube-proxy calls its chains, sets and maps in nftables mode. All of them are in one table of
 * each family. (pkg/proxy/nftables/proxier.go)
 *
 * This is the only place where a name is read.
 */
import type { Purpose } from "../../../net/dataplane.js";
import type { Place } from "../places.js";
import type { ServicePortInfo } from "../services.js";
import { hashLetters } from "../../../machinery/sha256.js";

export const tableName = "kube-proxy";

/** The chains that all Services share, in the order in which they are made. */
const shared: Readonly<Record<string, Place>> = {
  "nodeport-endpoints-check": "external refusals",
  "service-endpoints-check": "refusals",
  "firewall-check": "firewall drops",
  services: "services",
  masquerading: "masquerade",
  "cluster-ips-check": "undefined ports",
  "mark-for-masquerade": "masquerade mark",
  "reject-chain": "refusals",
};

/** The chains of one service port begin so. */
const prefixes = {
  endpoint: "endpoint",
  service: "service",
  local: "local service",
  external: "external",
  firewall: "firewall",
} as const satisfies Record<string, Place>;
export type Prefix = keyof typeof prefixes;

/** knftables.NameLengthMax, less 16 bytes for what stands before (chainNameBaseLengthMax). */
const longest = 240;

/** "SUSTUHLJ-default/web/tcp/http": what the names of all of a service port's chains end in. */
export const baseOf = (info: ServicePortInfo): string => hashed(pathOf(info));

/** "3G6P6VY4-default/web/tcp/http__10.1.1.2/8080": the same of one endpoint. */
export function endpointBaseOf(info: ServicePortInfo, address: string, port: number): string {
  // a colon may stand in no chain's name
  return hashed(`${pathOf(info)}__${address.replaceAll(":", ".")}/${port}`);
}

const pathOf = ({ service, name, protocol }: ServicePortInfo): string =>
  `${service}/${protocol}/${name.slice(service.length + 1)}`;

function hashed(path: string): string {
  const name = `${hashLetters(path, 8)}-${path}`;
  return name.length > longest ? `${name.slice(0, longest - 3)}...` : name;
}

const own = /^(endpoint|service|local|external|firewall|affinity)-[A-Z2-7]{8}-([^/]+\/[^/]+)\//;

/** The Service ("namespace/name") that has a chain or a set of this name for itself. */
export const serviceIn = (name: string): string | undefined => own.exec(name)?.[2];

/** What a chain is for; undefined where it is none of kube-proxy's, or a base chain. */
export function placeOf(name: string): Place | undefined {
  const prefix = own.exec(name)?.[1];
  if (prefix === undefined) return Object.hasOwn(shared, name) ? shared[name] : undefined;
  return prefix === "affinity" ? undefined : prefixes[prefix as Prefix];
}

const purposes = new Map<string, Purpose>();
function forPlace(place: Place): Purpose {
  let purpose = purposes.get(place);
  if (purpose === undefined) purposes.set(place, (purpose = { place }));
  return purpose;
}

/** One object for all the chains that begin so. */
export const ownPurpose = (prefix: Prefix): Purpose => forPlace(prefixes[prefix]);

/** The same by a chain's name. */
export function purposeOf(name: string): Purpose | undefined {
  const place = placeOf(name);
  return place && forPlace(place);
}
