/**
 * Which of a service port's endpoints a node uses: traffic policies, hints, and what serves for
 * want of better. (pkg/proxy/topology.go, CategorizeEndpoints)
 */
import type { NodeView } from "./config.js";
import type { EndpointInfo, ServicePortInfo } from "./services.js";

export interface Chosen {
  /** For traffic policy Cluster, for Local, and all that this node may send to. */
  cluster: readonly EndpointInfo[];
  local: readonly EndpointInfo[];
  reachable: readonly EndpointInfo[];
  /** Whether any endpoint of the cluster can take traffic. */
  any: boolean;
}

export const hasOutsideAddress = ({
  nodePort,
  loadBalancerIPs,
  externalIPs,
}: ServicePortInfo): boolean =>
  nodePort !== 0 || loadBalancerIPs.length > 0 || externalIPs.length > 0;
/** Cluster endpoints also serve the short cuts of an external policy Local. */
export const usesCluster = (info: ServicePortInfo): boolean =>
  !info.internalLocal || hasOutsideAddress(info);
export const usesLocal = (info: ServicePortInfo): boolean =>
  info.internalLocal || (info.externalLocal && hasOutsideAddress(info));

const isReady = ({ ready }: EndpointInfo): boolean => ready;
const isLastResort = ({ serving, terminating }: EndpointInfo): boolean => serving && terminating;
/** Whether it takes traffic, if only for want of better ones. */
export const isUsable = (endpoint: EndpointInfo): boolean =>
  isReady(endpoint) || isLastResort(endpoint);
/** Ready endpoints; without any, those that still serve while they end. */
const usable = (endpoints: readonly EndpointInfo[]): readonly EndpointInfo[] => {
  const ready = endpoints.filter(isReady);
  return ready.length > 0 ? ready : endpoints.filter(isLastResort);
};

export function chooseEndpoints(
  info: ServicePortInfo,
  all: readonly EndpointInfo[],
  { name, zone }: Pick<NodeView, "name" | "zone">,
): Chosen {
  const cluster = usesCluster(info) ? usable(hinted(all, name, zone)) : [];
  const anywhere = cluster.length > 0;
  if (!usesLocal(info)) return { cluster, local: [], reachable: cluster, any: anywhere };
  const local = usable(all.filter(({ nodeName }) => nodeName === name));
  const any = anywhere || all.some(isUsable);
  const reachable =
    cluster.length === 0
      ? local
      : [...new Set([...cluster, ...local])].sort((x, y) => (x.text < y.text ? -1 : 1));
  return { cluster, local, reachable, any };
}

/**
 * Hints count only if every ready endpoint has them and one is for this node (or zone); they choose
 * among the ready ones.
 */
function hinted(
  all: readonly EndpointInfo[],
  node: string,
  zone: string | undefined,
): readonly EndpointInfo[] {
  const ready = all.filter(isReady);
  const fits = (
    hints: (endpoint: EndpointInfo) => readonly string[],
    here: string,
  ): EndpointInfo[] | undefined => {
    const chosen = ready.every((each) => hints(each).length > 0)
      ? ready.filter((each) => hints(each).includes(here))
      : [];
    return chosen.length > 0 ? chosen : undefined;
  };
  return (
    fits(({ nodeHints }) => nodeHints, node) ??
    (zone === undefined ? undefined : fits(({ zoneHints }) => zoneHints, zone)) ??
    all
  );
}
