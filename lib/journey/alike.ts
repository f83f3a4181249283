/** Machines that look alike to packets, and to whom they look alike. */
import type { Dataplane } from "../net/dataplane.js";
import { parseAddress, parseCIDR, type Address, type CIDR, type Family } from "../net/ip.js";
import type { Kernel } from "../net/kernel.js";
import type { Machine } from "../node/machine.js";

const families = ["IPv4", "IPv6"] as const;

/**
 * Sorts machines into classes: those of one class hold the same rules and settings, and these rules
 * do not tell their addresses apart. Answers places in `machines`.
 */
export function classesOf(machines: readonly Machine[]): number[][] {
  const classes: { first: Machine; told: Told; places: number[] }[] = [];
  machines.forEach((machine, place) => {
    const found = classes.find(
      ({ first, told }) => isSameInside(first, machine) && looksAlike(told, first, machine),
    );
    if (found) found.places.push(place);
    else classes.push({ first: machine, told: toldApartBy(machine.kernel), places: [place] });
  });
  return classes.map(({ places }) => places);
}

/** The ranges by which a kernel's dataplanes tell addresses apart; "all": any two may differ. */
export type Told = Readonly<Record<Family, readonly CIDR[] | "all">>;

export function toldApartBy({ dataplanes }: Kernel): Told {
  const of = (family: Family): readonly CIDR[] | "all" => {
    const all = [...dataplanes].map((each) => each.rangesToldApart?.(family) ?? "all");
    return all.includes("all") ? "all" : (all as CIDR[][]).flat();
  };
  return { IPv4: of("IPv4"), IPv6: of("IPv6") };
}

/** Whether nothing in `told` tells the two machines' addresses apart, one by one. */
export function looksAlike(told: Told, x: Machine, y: Machine): boolean {
  const [own, others] = [addressesOf(x), addressesOf(y)];
  return own.length === others.length && own.every((one, i) => isAlike(told, one, others[i]!));
}

function isAlike(told: Told, x: Address, y: Address): boolean {
  const ranges = told[x.family];
  if (x.family !== y.family || ranges === "all") return false;
  return ranges.every((range) => range.contains(x) === range.contains(y));
}

const addressesOf = ({ kernel }: Machine): Address[] =>
  kernel.interfaces.flatMap(({ name, addresses }) =>
    name === "lo" ? [] : addresses.map((each) => parseAddress(each.split("/")[0]!)),
  );

/** The same settings, interfaces with addresses, and rules. */
function isSameInside(x: Machine, y: Machine): boolean {
  const [one, other] = [x.kernel, y.kernel];
  return (
    x.up === y.up &&
    one.forwarding === other.forwarding &&
    one.routeLocalnet === other.routeLocalnet &&
    one.conntrack.tcpLiberal === other.conntrack.tcpLiberal &&
    layoutOf(one) === layoutOf(other) &&
    isSameDataplane([...one.dataplanes], [...other.dataplanes])
  );
}

/** Interfaces that have addresses, and in which network each is; a bridge's is each node's own. */
const layoutOf = ({ interfaces }: Kernel): string =>
  interfaces
    .filter(({ addresses }) => addresses.length > 0)
    .map(({ name, addresses }) =>
      name === "eth0"
        ? `${name} ${addresses.map((each) => parseCIDR(each).text).join()}`
        : `${name} ${addresses.length}`,
    )
    .join();

const isSameDataplane = (x: readonly Dataplane[], y: readonly Dataplane[]): boolean =>
  x.length === y.length &&
  x.every((each, i) => families.every((family) => each.isSameAs?.(y[i]!, family) ?? false));
