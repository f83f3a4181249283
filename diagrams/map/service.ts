/** The Service that the map is of. */
import type { Journey, Service } from "stopover";
import { items, type Lister } from "../objects.js";
import type { MapService } from "./data.js";
import { endpointText } from "./way.js";

export function serviceOf({ metadata, spec }: Service): MapService {
  const port = spec.ports?.[0];
  return {
    key: `${metadata.namespace ?? "default"}/${metadata.name}`,
    name: metadata.name,
    type: spec.type ?? "ClusterIP",
    clusterIP: spec.clusterIP === "None" ? undefined : spec.clusterIP,
    port: port?.port,
    nodePort: port?.nodePort,
    policy: spec.externalTrafficPolicy ?? "Cluster",
  };
}

/** The Service whose rules the request met, "namespace/name". */
export function servedBy(source: Lister, trips: readonly Journey[]): string | undefined {
  const met = new Set(
    trips.flatMap(({ hops }) =>
      hops.flatMap(({ steps }) =>
        steps.flatMap(({ object }) => /^Service (.+)$/.exec(object ?? "")?.[1] ?? []),
      ),
    ),
  );
  return items<Service>(source, "Service")
    .map(({ metadata }) => `${metadata.namespace ?? "default"}/${metadata.name}`)
    .find((key) => met.has(key));
}

/** "10.2.1.1:8080"; empty where all that is known is that there is one. */
export function clusterAddress({ clusterIP, port }: MapService): string {
  return clusterIP ? endpointText(clusterIP, port) : "";
}
