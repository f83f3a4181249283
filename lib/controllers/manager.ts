import type { Context, Controller, Surroundings } from "../machinery/controller.js";
import { Manager } from "../machinery/manager.js";
import { deploymentController } from "./deployment.js";
import { endpointsController } from "./endpoints.js";
import { endpointSliceController } from "./endpointslice.js";
import { garbageCollector } from "./garbage-collector.js";
import { namespaceController } from "./namespace.js";
import { nodeIpamController, type NodeIpamOptions } from "./node-ipam.js";
import { nodeLifecycleController } from "./node-lifecycle.js";
import { podGarbageCollector } from "./pod-gc.js";
import { replicaSetController } from "./replicaset.js";
import { scheduler } from "./scheduler.js";
import { taintEvictionController } from "./taint-eviction.js";

export interface KubeControllerManagerOptions extends Surroundings, NodeIpamOptions {
  /** Who this replica is; must differ between replicas: "control-plane-1". */
  identity: string;
  /** Loops that do not run: what `--controllers=*,-NAME` leaves out. Default: none. */
  without?: readonly string[];
}

/**
 * Loops of the kinds that a page's first chunk does without: who knows these kinds adds them
 * (workloads.ts).
 */
export const moreControllers: Loop[] = [];

interface Loop {
  name: string;
  make: (context: Context) => Controller;
}

/**
 * kube-controller-manager: one process, many control loops, of which each knows nothing of the
 * others.
 */
export function kubeControllerManager(options: KubeControllerManagerOptions): Manager {
  const loops: Loop[] = [
    { name: "deployment-controller", make: deploymentController },
    { name: "replicaset-controller", make: replicaSetController },
    { name: "endpointslice-controller", make: endpointSliceController },
    { name: "endpoint-controller", make: endpointsController },
    { name: "node-ipam-controller", make: (context) => nodeIpamController(context, options) },
    { name: "node-controller", make: nodeLifecycleController },
    { name: "taint-eviction-controller", make: taintEvictionController },
    { name: "pod-garbage-collector", make: podGarbageCollector },
    { name: "generic-garbage-collector", make: garbageCollector },
    { name: "namespace-controller", make: namespaceController },
    ...moreControllers,
  ];
  return new Manager({
    ...options,
    name: "kube-controller-manager",
    controllers: loops.filter(({ name }) => !options.without?.includes(name)),
  });
}

/** kube-scheduler. */
export function kubeScheduler(options: Surroundings & { identity: string }): Manager {
  return new Manager({
    ...options,
    name: "kube-scheduler",
    controllers: [{ name: "default-scheduler", who: "kube-scheduler", make: scheduler }],
  });
}
