/** What is taken, and should be left: each write is told so. (pkg/registry: WarningsOnCreate) */
import * as features from "../objects/kubernetes-features.js";
import type { Kubernetes } from "../objects/kubernetes.js";
import { isService } from "../objects/kinds.js";
import type { KubeObject, Service } from "../objects/types.js";

export function* warningsOf(object: KubeObject, kubernetes: Kubernetes): Generator<string> {
  // (k8s.io/api: APILifecycleDeprecated)
  if (object.kind === "Endpoints" && kubernetes.has(features.endpointsWarning))
    yield endpointsWarning;
  // (KEP-5707; CVE-2020-8554)
  if (isService(object) && kubernetes.has(features.externalIPsWarning))
    if ((object as Service).spec.externalIPs?.length) yield "spec.externalIPs is deprecated";
}

export const endpointsWarning =
  "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
