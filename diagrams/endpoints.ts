/** Who may answer for a Service, as its EndpointSlices say. */
import type { EndpointSlice, Pod, Service } from "stopover";
import { items, type Lister } from "./objects.js";

interface Destination {
  name: string;
  node: string | undefined;
  address: string | undefined;
  ready: boolean;
  terminating: boolean;
}

/**
 * Who may answer for a Service: its EndpointSlices' endpoints, and Pods that match the selector but
 * are in no slice yet.
 */
export function endpointsOf(cluster: Lister, { metadata, spec }: Service): Destination[] {
  const slices = items<EndpointSlice>(cluster, "EndpointSlice").filter(
    (slice) =>
      slice.metadata.namespace === metadata.namespace &&
      slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name,
  );
  const found = new Map<string, Destination>();
  for (const slice of slices) {
    for (const {
      addresses: [ip],
      conditions,
      nodeName,
      targetRef,
    } of slice.endpoints) {
      const port = slice.ports?.[0]?.port,
        name = targetRef?.name ?? ip!;
      found.set(name, {
        name,
        node: nodeName,
        address: port ? `${ip}:${port}` : ip,
        ready: conditions?.ready !== false,
        terminating: conditions?.terminating === true,
      });
    }
  }
  const selector = Object.entries(spec.selector ?? {});
  for (const {
    metadata: pod,
    spec: { nodeName },
    status,
  } of selector.length ? items<Pod>(cluster, "Pod") : []) {
    if (
      pod.namespace === metadata.namespace &&
      !found.has(pod.name) &&
      selector.every(([key, value]) => pod.labels?.[key] === value)
    )
      found.set(pod.name, {
        name: pod.name,
        node: nodeName,
        address: status?.podIP,
        ready: false,
        terminating: pod.deletionTimestamp !== undefined,
      });
  }
  return [...found.values()].sort(
    (a, b) => (a.node ?? "").localeCompare(b.node ?? "") || a.name.localeCompare(b.name),
  );
}
