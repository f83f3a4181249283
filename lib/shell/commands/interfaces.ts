/** The devices of a place and where they lead, for the commands that show or use them. */
import { familyOf, parseCIDR, type CIDR } from "../../net/ip.js";
import type { Machine } from "../../node/machine.js";
import type { Context } from "../place.js";

/** The machine whose network it is; undefined: a namespace of its own. */
export const machineOf = ({ place }: Context): Machine | undefined => {
  const { origin } = place.network;
  return origin.kind === "node" ? origin.machine : undefined;
};

export interface Shown {
  name: string;
  /** "eth0@if7" */
  label: string;
  addresses: readonly string[];
}

export function interfacesOf(context: Context): Shown[] {
  const { origin } = context.place.network;
  if (origin.kind === "node")
    return origin.machine.kernel.interfaces.map(({ name, addresses }) => ({
      name,
      label: /^veth/.test(name) ? `${name}@if2` : name,
      addresses,
    }));
  const lo = { name: "lo", label: "lo", addresses: ["127.0.0.1/8", "::1/128"] };
  const label = origin.kind === "pod" ? "eth0@if2" : "eth0";
  return [
    lo,
    {
      name: "eth0",
      label,
      addresses: origin.addresses.map((each) => `${each}/${networkOf(each).length}`),
    },
  ];
}

/** A node's range of Pods, as kube-controller-manager cuts it: a /24, or a /64. */
export const networkOf = (address: string): CIDR =>
  parseCIDR(`${address}/${familyOf(address) === "IPv4" ? 24 : 64}`);

/** The first address of a Pod's range is its node's. (host-local) */
export const gatewayOf = (address: string): string => networkOf(address).at(1).text;
