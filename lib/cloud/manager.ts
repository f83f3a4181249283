import type { Surroundings } from "../machinery/controller.js";
import { Manager, type ManagerOptions } from "../machinery/manager.js";
import { cloudNodeController, cloudNodeLifecycleController } from "./node-controller.js";
import type { CloudProvider } from "./provider.js";
import { serviceController } from "./service-controller.js";

export interface CloudControllerManagerOptions extends Surroundings {
  /** Who this replica is; must differ between replicas: "control-plane-1". */
  identity: string;
  provider: CloudProvider;
}

const machineLoops = (provider: CloudProvider): ManagerOptions["controllers"] => [
  { name: "cloud-node-controller", make: (context) => cloudNodeController(context, provider) },
  {
    name: "cloud-node-lifecycle-controller",
    make: (context) => cloudNodeLifecycleController(context, provider),
  },
];

/**
 * cloud-controller-manager: the loops that need the cloud. A cluster without a cloud has none, and
 * its LoadBalancer Services stay pending.
 */
export function cloudControllerManager(options: CloudControllerManagerOptions): Manager {
  const { provider } = options;
  return new Manager({
    ...options,
    name: "cloud-controller-manager",
    controllers: [
      { name: "service-controller", make: (context) => serviceController(context, provider) },
      ...(provider.hasMachines ? machineLoops(provider) : []),
      ...provider.controllers,
    ],
  });
}
