/** The devices of a place and where they lead, for the commands that show or use them. */
import { familyOf, parseCIDR, type CIDR } from "../../net/ip.js";
import type { Origin } from "../../journey/party.js";
import { hash } from "../../machinery/random.js";
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

/** The number of a Pod's device on its node. */
function otherEnd({ machine, sandbox }: Origin & { kind: "pod" }): number {
  const device = machine.deviceOf(sandbox);
  return 1 + machine.kernel.interfaces.findIndex(({ name }) => name === device);
}

/** A device's own address, as names of places and devices make it. */
export const macOf = (place: string, device: string): string =>
  `02:42:${hash(`${place}/${device}`).toString(16).padStart(8, "0").match(/../g)!.join(":")}`;

export interface Neighbour {
  address: string;
  device: string;
  mac: string;
}

/** Who is on the place's links: the node of a Pod; the other nodes and the Pods of a node. */
export function neighboursOf({ place }: Context): Neighbour[] {
  const { origin, network } = place.network;
  switch (origin.kind) {
    case "outside":
      return [];
    case "pod":
      return origin.addresses.map((address) => ({
        address: gatewayOf(address),
        device: "eth0",
        mac: macOf(origin.machine.name, origin.machine.deviceOf(origin.sandbox)),
      }));
    case "node": {
      const { machine } = origin;
      const others = [...network.machines.values()].filter((each) => each !== machine && each.up);
      const pods = [...machine.sandboxes].filter(({ hostNetwork }) => !hostNetwork);
      return [
        ...others.flatMap(({ name, addresses }) =>
          addresses.map((address) => ({ address, device: "eth0", mac: macOf(name, "eth0") })),
        ),
        ...pods.flatMap((sandbox) =>
          sandbox.ips.map((address) => ({
            address,
            device: machine.deviceOf(sandbox),
            mac: macOf(sandbox.key, "eth0"),
          })),
        ),
      ];
    }
  }
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
  const label = origin.kind === "pod" ? `eth0@if${otherEnd(origin)}` : "eth0";
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
