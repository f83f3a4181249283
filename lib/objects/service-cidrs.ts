/**
 * ServiceCIDRs and IPAddresses: from where ClusterIPs come, and which are taken. (KEP-1880;
 * kubernetes: pkg/api/servicecidr)
 */
import { readNetwork } from "../net/ip.js";
import { frozen } from "./freeze.js";
import type { Condition, IPFamily, KubeObject } from "./types.js";

export interface IPAddress extends KubeObject {
  spec?: {
    /** Who has it: of a Service `{ resource: "services", namespace, name }`. */
    parentRef?: { group?: string; resource?: string; namespace?: string; name?: string };
  };
}

export interface ServiceCIDR extends KubeObject {
  spec?: { cidrs?: string[] };
  status?: { conditions?: Condition[] };
}

/** The one that kube-apiserver makes of its --service-cluster-ip-range. */
export const DEFAULT_SERVICE_CIDR = "kubernetes";

/** Whether Services get addresses of it. */
export const isOpen = (one: ServiceCIDR): boolean =>
  one.metadata.deletionTimestamp === undefined && readyOf(one)?.status === "True";

export const readyOf = ({ status }: ServiceCIDR): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === "Ready");

/** Of these ServiceCIDRs, the ones that have all of a range, or an address. */
export function containing(all: Iterable<ServiceCIDR>, what: string): ServiceCIDR[] {
  const range = readNetwork(what.includes("/") ? what : `${what}/${what.includes(":") ? 128 : 32}`);
  return [...all].filter((one) =>
    rangesOf(one).some((each) => range && each.length <= range.length && each.contains(range.base)),
  );
}

/** The names of those that have a part of one's ranges, or the other way round. */
export const overlapping = (all: Iterable<ServiceCIDR>, one: ServiceCIDR): string[] =>
  [...all]
    .filter((other) =>
      rangesOf(other).some((x) =>
        rangesOf(one).some((y) => x.contains(y.base) || y.contains(x.base)),
      ),
    )
    .map(({ metadata }) => metadata.name);

const rangesOf = ({ spec }: ServiceCIDR) =>
  (spec?.cidrs ?? []).flatMap((cidr) => readNetwork(cidr) ?? []);

export const familyLabel = "ipaddress.kubernetes.io/ip-family";
const managerLabel = "ipaddress.kubernetes.io/managed-by";
const manager = "ipallocator.k8s.io";

/** The labels of an IPAddress that an API server makes; shared by all of them. */
export const allocatorsLabels: Readonly<Record<IPFamily, Record<string, string>>> = {
  IPv4: frozen({ [familyLabel]: "IPv4", [managerLabel]: manager }),
  IPv6: frozen({ [familyLabel]: "IPv6", [managerLabel]: manager }),
};

/** Whether an API server made this IPAddress, and not a user. */
export const isAllocators = ({ metadata }: KubeObject): boolean =>
  metadata.labels?.[managerLabel] === manager;

export const familyOfIP = (ip: string): IPFamily => (ip.includes(":") ? "IPv6" : "IPv4");
