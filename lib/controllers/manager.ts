import type { Context, Controller, Surroundings } from "../machinery/controller.js";
import { Manager } from "../machinery/manager.js";
import { deploymentController } from "./deployment.js";
import { endpointSliceController } from "./endpointslice.js";
import { nodeIpamController, type NodeIpamOptions } from "./node-ipam.js";
import { nodeLifecycleController } from "./node-lifecycle.js";
import { replicaSetController } from "./replicaset.js";
import { scheduler } from "./scheduler.js";

export interface KubeControllerManagerOptions extends Surroundings, NodeIpamOptions {
  /** Who this replica is; must differ between replicas: "control-plane-1". */
  identity: string;
  /** Whether the loops do not run that write what a real cluster has and no lesson needs. */
  withoutSystemObjects?: boolean;
}

/**
 * Loops of the kinds that a page's first chunk does without: who knows these kinds adds them
 * (workloads.ts).
 */
export const moreControllers: Loop[] = [];

interface Loop {
  name: string;
  /** The loop behind which it stands: who starts first is first told of what happens. */
  after?: string;
  /** Whether it writes, unasked, what a real cluster has and no lesson needs. */
  isSystem?: boolean;
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
    { name: "node-ipam-controller", make: (context) => nodeIpamController(context, options) },
    { name: "node-controller", make: nodeLifecycleController },
  ];
  for (const loop of moreControllers) {
    const place = loops.findIndex(({ name }) => name === loop.after);
    loops.splice(place < 0 ? loops.length : place + 1, 0, loop);
  }
  return new Manager({
    ...options,
    name: "kube-controller-manager",
    controllers: loops.filter(({ isSystem }) => !(isSystem && options.withoutSystemObjects)),
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
