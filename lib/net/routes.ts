/**
 * A routing table: the longest prefix that holds the destination wins.
 *
 *     const routes = new Routes();
 *     routes.add({ to: "10.1.1.2/32", dev: "veth-nginx" });
 *     routes.add({ to: "default", via: "192.168.0.254", dev: "eth0" });
 *     routes.lookup(parseAddress("10.1.1.2"))?.dev
 *
 * Thousands of nodes share their routes to each other's Pods: give them one `shared` table, in
 * which a node's own routes of the same length take precedence.
 */
import { parseAddress, parseCIDR, type Address, type CIDR, type Family } from "./ip.js";

export interface Route {
  /** A CIDR, or "default" (both families: one route each, decided by `via`; IPv4 without it). */
  to: string;
  dev: string;
  /** The next hop; left out where the destination is on the link itself. */
  via?: string;
  /** unreachable answers with an ICMP error, blackhole with silence. Default: unicast. */
  type?: "unicast" | "unreachable" | "blackhole";
}

export class Routes {
  /** By family and prefix length, longest first; then by network address. */
  readonly #lengths: Record<Family, { length: number; routes: Map<string | number, Route> }[]> = {
    IPv4: [],
    IPv6: [],
  };

  constructor(readonly shared?: Routes) {}

  /** Adds the route, or puts it in the place of the one to the same range. */
  add(route: Route): void {
    const range = rangeOf(route);
    const tables = this.#lengths[range.family];
    let table = tables.find(({ length }) => length === range.length);
    if (table === undefined) {
      tables.push((table = { length: range.length, routes: new Map() }));
      tables.sort((x, y) => y.length - x.length);
    }
    table.routes.set(networkKey(range.address, range), route);
  }

  /** Removes the route to this range; nothing happens where there is none. */
  remove(to: string, family: Family = "IPv4"): void {
    const range = to === "default" ? defaults[family] : parseCIDR(to);
    this.#lengths[range.family]
      .find(({ length }) => length === range.length)
      ?.routes.delete(networkKey(range.address, range));
  }

  lookup(destination: Address): Route | undefined {
    return this.#match(destination)?.route;
  }

  /** All routes, most specific first; the shared ones after the own. */
  *[Symbol.iterator](): Generator<Route> {
    for (const family of ["IPv4", "IPv6"] as const)
      for (const { routes } of this.#lengths[family]) yield* routes.values();
    if (this.shared) yield* this.shared;
  }

  #match(destination: Address): { length: number; route: Route } | undefined {
    const inherited = this.shared && this.shared.#match(destination);
    for (const { length, routes } of this.#lengths[destination.family]) {
      if (inherited && inherited.length > length) break;
      const route = routes.get(networkKey(destination, maskOf(destination.family, length)));
      if (route) return { length, route };
    }
    return inherited;
  }
}

const defaults: Record<Family, CIDR> = { IPv4: parseCIDR("0.0.0.0/0"), IPv6: parseCIDR("::/0") };

const rangeOf = ({ to, via }: Route): CIDR =>
  to === "default" ? defaults[via ? parseAddress(via).family : "IPv4"] : parseCIDR(to);

const masks = new Map<string, CIDR>();
function maskOf(family: Family, length: number): CIDR {
  if (family === "IPv4") return masksV4[length]!;
  const key = `::/${length}`;
  let range = masks.get(key);
  if (range === undefined) masks.set(key, (range = parseCIDR(key)));
  return range;
}
const masksV4 = Array.from({ length: 33 }, (_, length) => parseCIDR(`0.0.0.0/${length}`));

const networkKey = ({ family, a, b, c, d }: Address, { ma, mb, mc, md }: CIDR): string | number =>
  family === "IPv4" ? a & ma : `${a & ma},${b & mb},${c & mc},${d & md}`;
