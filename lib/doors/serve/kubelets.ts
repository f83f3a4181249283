/**
 * What the API server asks of a kubelet, which has the processes: commands in containers. In one
 * process there is no connection between them; the places are asked for directly.
 */
import { ADDRESSES } from "../../apiserver/kubernetes-service.js";
import type { Cluster } from "../../cluster.js";
import { containersOf } from "../../objects/pods.js";
import type { Pod } from "../../objects/types.js";
import { logsAt, stdioOf, type Log, type Stdio } from "../../shell-parts.js";
import type { NetworkEnd } from "../../shell/network/network-end.js";
import type { Place } from "../../shell/place.js";
import { placesOf } from "../../shell/places.js";

export interface Kubelets {
  /** Where a running container's commands run; undefined: no node runs it now. */
  container(pod: string, container: string): Place | undefined;
  /** The API server's own end of the nodes' network, by which it asks Pods and nodes. */
  readonly controlPlane: NetworkEnd;
  /** The streams of a container that runs. */
  stdio(pod: string, container: string): Stdio | undefined;
  /** The end of the network that a Pod's processes have; undefined: no node runs it now. */
  network(pod: string): NetworkEnd | undefined;
  /** What a container's runs have printed, as far as it is kept; this one's last. */
  logs(pod: Pod, container: string): readonly Log[];
}

/** `pod`: "default/client". */
export function kubeletsOf({ network, shellWorld }: Cluster): Kubelets {
  const places = placesOf(shellWorld);
  const container = (pod: string, name: string): Place | undefined => {
    const sandbox = network.sandbox(pod)?.sandbox;
    // the kubelet hears of an ephemeral container a little later than the API server
    const isKnown = sandbox && containersOf(sandbox.pod.spec).some((each) => each.name === name);
    return isKnown && sandbox.runs(name) ? places.pod(pod, name) : undefined;
  };
  return {
    controlPlane: places.outside("kube-apiserver", Object.values(ADDRESSES)),
    container,
    stdio(pod, name) {
      const place = container(pod, name);
      return place && stdioOf(place);
    },
    network: (pod) => (network.sandbox(pod) ? places.pod(pod).network : undefined),
    logs(pod, name) {
      const machine = network.machines.get(pod.spec.nodeName ?? "");
      return machine ? logsAt(machine, pod, name) : [];
    },
  };
}
