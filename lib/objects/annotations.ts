/** What a Service says to clouds by annotations, and decides about who gets to it. */
import type { Service } from "./types.js";

/** Annotations by which clouds are asked for a load balancer inside their own network. */
export const internalAnnotations: Readonly<Record<string, (value: string) => boolean>> = {
  "service.beta.kubernetes.io/aws-load-balancer-internal": (value) => !/^(false)?$/.test(value),
  "service.beta.kubernetes.io/aws-load-balancer-scheme": (value) => value === "internal",
  "networking.gke.io/load-balancer-type": (value) => /^internal$/i.test(value),
  "cloud.google.com/load-balancer-type": (value) => /^internal$/i.test(value),
  "service.beta.kubernetes.io/azure-load-balancer-internal": (value) => value === "true",
  "service.beta.kubernetes.io/openstack-internal-load-balancer": (value) => value === "true",
};

/** The annotation that keeps a Service's load balancer inside the cloud's network. */
export const internalBy = ({ metadata: { annotations = {} } }: Service): string | undefined =>
  Object.keys(internalAnnotations).find(
    (key) => annotations[key] !== undefined && internalAnnotations[key]!(annotations[key]),
  );
