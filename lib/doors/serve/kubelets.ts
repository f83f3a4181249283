/**
 * What the API server asks of a kubelet, which has the processes: commands in containers. In one
 * process there is no connection between them; the places are asked for directly.
 */
import "../../shell-parts.js";
import type { Cluster } from "../../cluster.js";
import { containersOf } from "../../objects/pods.js";
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
    // the kubelet hears of an ephemeral container a little later than the API server
    const isKnown =
      sandbox && containersOf(sandbox.pod.spec).some(({ name }) => name === container);
    return isKnown && sandbox.runs(container)
      ? placesOf(shellWorld).pod(pod, container)
      : undefined;
  },
});
