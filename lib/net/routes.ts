/**
 * A routing table: the longest prefix that holds the destination wins.
 *
 *     const routes = new Routes();
 *     routes.add({ to: "10.1.1.2/32", dev: "veth-nginx" });
 *     routes.add({ to: "default", via: "192.168.0.254", dev: "eth0" });
 *     routes.lookup(parseAddress("10.1.1.2"))?.dev
 *
 * Thousands of machines may share their routes to each other: give them one `shared` table, in
 * which a machine's own routes of the same length take precedence.
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

/** The routes of one prefix length, by network address. */
interface Prefix {
  length: number;
  routes: Map<string | number, Route>;
  /** Further routes to the same ranges, in their order: each waits for those before it to go. */
  waiting: Map<string | number, Route[]>;
}

export class Routes {
  /** By family and prefix length, longest first. */
  readonly #lengths: Record<Family, Prefix[]> = { IPv4: [], IPv6: [] };

  constructor(readonly shared?: Routes) {}

  /** Adds the route, or puts it in the place of the one to the same range (`ip route replace`). */
  add(route: Route): void {
    const { prefix, key } = this.#place(rangeOf(route));
    prefix.routes.set(key, route);
  }

  /**
   * Adds the route behind those to the same range (`ip route append`), as the kernel does for the
   * network of an interface's address: two interfaces in one network have a route each, and the
   * older one is used (net/ipv4/fib_frontend.c, fib_magic).
   */
  append(route: Route): void {
    const { prefix, key } = this.#place(rangeOf(route));
    if (!prefix.routes.has(key)) return void prefix.routes.set(key, route);
    prefix.waiting.set(key, [...(prefix.waiting.get(key) ?? []), route]);
  }

  /**
   * Removes the route to this range, of that interface where `dev` names one; nothing happens where
   * there is none. The next one to the same range takes its place.
   */
  remove(to: string, { family = "IPv4", dev }: { family?: Family; dev?: string } = {}): void {
    const { prefix, key } = this.#place(to === "default" ? defaults[family] : parseCIDR(to));
    const first = prefix.routes.get(key);
    if (first === undefined) return;
    const routes = [first, ...(prefix.waiting.get(key) ?? [])];
    const at = dev === undefined ? 0 : routes.findIndex((route) => route.dev === dev);
    if (at < 0) return;
    const [next, ...others] = routes.toSpliced(at, 1);
    if (next) prefix.routes.set(key, next);
    else prefix.routes.delete(key);
    if (others.length > 0) prefix.waiting.set(key, others);
    else prefix.waiting.delete(key);
  }

  /** Removes every route out of this interface. */
  removeDevice(dev: string): void {
    for (const route of [...this.#own()]) if (route.dev === dev) this.remove(...identity(route));
  }

  #place(range: CIDR): { prefix: Prefix; key: string | number } {
    const prefixes = this.#lengths[range.family];
    let prefix = prefixes.find(({ length }) => length === range.length);
    if (prefix === undefined) {
      prefixes.push((prefix = { length: range.length, routes: new Map(), waiting: new Map() }));
      prefixes.sort((x, y) => y.length - x.length);
    }
    return { prefix, key: networkKey(range.address, range) };
  }

  lookup(destination: Address): Route | undefined {
    return this.#match(destination)?.route;
  }

  /** All routes, most specific first; the shared ones after the own. */
  *[Symbol.iterator](): Generator<Route> {
    yield* this.#own();
    if (this.shared) yield* this.shared;
  }

  *#own(): Generator<Route> {
    for (const family of ["IPv4", "IPv6"] as const)
      for (const { routes, waiting } of this.#lengths[family]) {
        for (const [key, route] of routes) {
          yield route;
          yield* waiting.get(key) ?? [];
        }
      }
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

/** What `remove` needs to find exactly this route. */
const identity = (route: Route): [string, { family: Family; dev: string }] => [
  route.to,
  { family: rangeOf(route).family, dev: route.dev },
];

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
