import "../../controllers/workloads.js";
import "../../node/kubelet/config-needs.js";
import "../../node/kubelet/ephemeral.js";
import "../../apiserver/admission-plugins.js";
import "../../apiserver/more-admission.js";
import "../../controllers/resource-quota.js";
import { portmap } from "../../node/cni/portmap.js";
import "../../node/proxy/configuration.js";
import "../../node/proxy/ipvs.js";
import "../../node/proxy/nftables/load.js";
import "../../option-checks.js";
import { Cluster, type ClusterOptions } from "../../cluster.js";
import { clouds, type CloudName } from "../../cloud/clouds.js";
import { RealClock } from "../../machinery/real-clock.js";
import type { Documents } from "../../objects/files.js";
import type { ComponentError } from "../../machinery/supervisor.js";
import type { Store } from "../../store/store.js";
import { complain } from "../terminal.js";
import { runsCommands } from "../../shell-parts.js";
import { EtcdStore, type EtcdOptions } from "./etcd.js";

/** A cluster in real time, and where its objects are kept. */
export interface StartOptions extends ClusterOptions {
  /** Applied at the beginning, as by kubectl. */
  documents: Documents;
  /** An etcd's members; default: in memory. */
  etcd?: Omit<EtcdOptions, "log"> | undefined;
  /** Default: all of them. Without, the API server is alone, as a bare kube-apiserver is. */
  controllers?: boolean | undefined;
}

/** The same in plain data, which another thread can be given. */
export type ThreadOptions = Omit<
  StartOptions,
  "cloud" | "clock" | "store" | "runtime" | "onFailure"
> & {
  /** Default: none. */
  cloud?: CloudName | undefined;
  /** Whether load balancers' ports are opened on this machine's loopback address. */
  expose?: boolean;
};

/** `observed`: answers the store with somebody who looks on. */
export function startCluster(
  { cloud, expose: _, ...options }: ThreadOptions,
  observed: (store: Store) => Store,
): Cluster {
  const { controllers = true } = options;
  const cluster = openCluster({ ...options, cloud: cloud && clouds[cloud]() }, observed);
  if (controllers) cluster.start();
  cluster.apply(options.documents);
  return cluster;
}

/** A cluster that has not been started. */
export function openCluster(
  { etcd, documents: _, controllers = true, ...options }: StartOptions,
  observed: (store: Store) => Store = (store) => store,
): Cluster {
  const store = etcd === undefined ? undefined : observed(new EtcdStore(etcd));
  const cluster = new Cluster({
    onFailure: logged,
    systemObjects: controllers,
    runtime: runsCommands,
    ...options,
    clock: new RealClock(),
    ...(store && shared(store, options.seed)),
  });
  for (const machine of cluster.network.machines.values())
    machine.kernel.dataplanes.attach(portmap(machine));
  return cluster;
}

/** A component's mistake, in one line. */
function logged({ message }: ComponentError): void {
  const line = message.replaceAll(/\s+/g, " ");
  complain(`stopover: ${line} (it is tried again, later and later)`);
}

/**
 * Processes that share a store, one after the other or at the same time, must not draw the same
 * names: the pid and the store's revision tell them apart.
 */
function shared(
  store: Store,
  seed: ClusterOptions["seed"] = 1,
): Pick<ClusterOptions, "store" | "seed"> {
  return { store, seed: `${seed}/${store.revision}/${process.pid}` };
}
