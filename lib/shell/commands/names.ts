/** Names to addresses, for commands that connect. */
import { familyOf } from "../../net/ip.js";
import type { Act } from "../../machinery/act.js";
import { showLookup } from "../network/dns-frames.js";
import type { Context } from "../place.js";

/** As getaddrinfo answers: IPv4 first where both are there, as glibc does in most clusters. */
export function* resolved(
  { place }: Context,
  host: string,
  family?: "IPv4" | "IPv6",
): Act<string[] | { failed: string } | { unknown: string }> {
  const { addresses, failure, unknown } = place.network.lookUp(host);
  showLookup(place, host);
  if (unknown !== undefined) return { unknown };
  if (failure !== undefined) return { failed: failure };
  const own = new Set(place.network.origin.addresses.map(familyOf));
  const wanted = addresses.filter((each) =>
    family === undefined ? own.has(familyOf(each)) : familyOf(each) === family,
  );
  const shuffled = shuffle(wanted.length > 0 ? wanted : addresses, place.random);
  return [...shuffled].sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")));
}

/** A DNS server's answer lists addresses in another order each time (CoreDNS, loadbalance). */
function shuffle(addresses: readonly string[], random: () => number): string[] {
  const rest = [...addresses];
  for (let i = rest.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [rest[i], rest[j]] = [rest[j]!, rest[i]!];
  }
  return rest;
}
