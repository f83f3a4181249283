/**
 * In which families of addresses a cluster lives: as it was asked for, or as its documents need it.
 */
import { machineAddresses } from "../../cloud/addresses.js";
import {
  defaultRanges,
  nodeSpecs,
  type ClusterOptions,
  type NodeSpec,
} from "../../cluster-options.js";
import type { Remark } from "../../journey/types.js";
import { readAddress, type Family } from "../../net/ip.js";
import type { Documents } from "../../objects/files.js";
import type { Service } from "../../objects/types.js";

/** The ranges of Pods and Services in IPv6. (RFC 4193) */
const sixes = { clusterCIDR: "fd00:10:1::/48", serviceCIDR: "fd00:10:2::/108" };

/** Options of a cluster in these families, the first one first. `serviceCIDR`: that of IPv4. */
export function inFamilies(
  families: readonly Family[],
  { nodes = 3, serviceCIDR }: Pick<ClusterOptions, "nodes" | "serviceCIDR">,
): ClusterOptions {
  const specs = nodeSpecs(nodes);
  const fours = defaultRanges(specs.length);
  const ranges = { IPv4: { ...fours, ...(serviceCIDR && { serviceCIDR }) }, IPv6: sixes };
  const joined = (which: "clusterCIDR" | "serviceCIDR") =>
    families.map((family) => ranges[family][which]).join();
  return {
    nodes: withAddresses(specs, families),
    clusterCIDR: joined("clusterCIDR"),
    serviceCIDR: joined("serviceCIDR"),
    ...(!families.includes("IPv4") && { first: {} }),
  };
}

/** Each node has an address of each family; those that it was given come first. */
function withAddresses(specs: readonly NodeSpec[], families: readonly Family[]): NodeSpec[] {
  const taken = new Set(specs.flatMap(({ addresses = [] }) => addresses));
  const fours = machineAddresses();
  const free = (make: (i: number) => string): string => {
    for (let i = 1; ; i++) {
      const address = make(i);
      if (taken.has(address)) continue;
      taken.add(address);
      return address;
    }
  };
  const next = (family: Family): string =>
    family === "IPv4"
      ? free(() => fours.next().value as string)
      : free((i) => `fd00:192:168::${i.toString(16)}`);
  return specs.map((spec) => {
    const own = spec.addresses ?? [];
    const missing = families.filter(
      (family) => !own.some((address) => readAddress(address)?.family === family),
    );
    return { ...spec, addresses: [...own, ...missing.map(next)] };
  });
}

/** Where a Service asks for IPv6, its cluster has that, too. */
export function familiesFor({
  manifests,
}: Documents): { families: Family[]; remark: Remark } | undefined {
  for (const { object } of manifests) {
    const field = object.kind === "Service" ? asksForSix(object as Service) : undefined;
    if (field === undefined) continue;
    const { namespace = "default", name } = object.metadata;
    const sentence = "asks for IPv6; the cluster is taken to be dual-stack, IPv4 first";
    return {
      families: ["IPv4", "IPv6"],
      remark: { object: `Service ${namespace}/${name}`, field, sentence },
    };
  }
  return undefined;
}

/** The field by which it does. PreferDualStack takes what there is. */
function asksForSix({ spec }: Service): string | undefined {
  if (spec.ipFamilies?.includes("IPv6")) return "spec.ipFamilies";
  if (spec.ipFamilyPolicy === "RequireDualStack") return "spec.ipFamilyPolicy";
  const fixed = [spec.clusterIP, ...(spec.clusterIPs ?? [])];
  return fixed.some((address) => address?.includes(":")) ? "spec.clusterIP" : undefined;
}
