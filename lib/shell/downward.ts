/**
 * What a Pod's fields tell a variable of its containers' environment: the downward API.
 * (kubernetes: pkg/fieldpath; pkg/kubelet/kubelet_pods.go, podFieldSelectorRuntimeValue)
 */
import type { Machine, Sandbox } from "../node/machine.js";

/** `path`: "status.podIP", "metadata.labels['app']". Undefined: nothing is known of it here. */
export function fieldOf(path: string, machine: Machine, sandbox: Sandbox): string | undefined {
  const { metadata, spec } = sandbox.pod;
  const [, field, key] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (field !== undefined) return metadata[field as "labels" | "annotations"]?.[key!] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "default";
    case "metadata.uid":
      return metadata.uid;
    case "spec.nodeName":
      return machine.name;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.podIP":
      return sandbox.ips[0];
    case "status.podIPs":
      return sandbox.ips.join(",");
    case "status.hostIP":
      return machine.addresses[0];
    case "status.hostIPs":
      return machine.addresses.join(",");
    default:
      return undefined;
  }
}
