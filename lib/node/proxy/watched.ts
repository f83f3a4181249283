import type { EndpointSlice, Service } from "../../objects/types.js";

/** Another proxy serves what has the first of these labels, and nobody what has the second. */
export const othersLabels = [
  "service.kubernetes.io/service-proxy-name",
  "service.kubernetes.io/headless",
] as const;

/**
 * kube-proxy's watches leave out objects with these labels, whatever their values: for it they do
 * not exist. (kubernetes: cmd/kube-proxy/app/server.go, Run)
 */
export const watched = <T extends Pick<Service | EndpointSlice, "metadata">>(
  object: T | undefined,
): T | undefined =>
  othersLabels.some((label) => object?.metadata.labels?.[label] !== undefined) ? undefined : object;
