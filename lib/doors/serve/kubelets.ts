/**
 * What the API server asks of a kubelet, which has the processes: commands in containers. In one
 * process there is no connection between them; the places are asked for directly.
 */
import "../../shell-parts.js";
import type { Cluster } from "../../cluster.js";
import type { Place } from "../../shell/place.js";
import { placesOf } from "../../shell/places.js";

export interface Kubelets {
  /** Where a running container's commands run; undefined: no node runs it now. */
  container(pod: string, container: string): Place | undefined;
}

/** `pod`: "default/client". */
export const kubeletsOf = ({ network, shellWorld }: Cluster): Kubelets => ({
  container(pod, container) {
    const sandbox = network.sandbox(pod)?.sandbox;
    return sandbox?.runs(container) ? placesOf(shellWorld).pod(pod, container) : undefined;
  },
});
