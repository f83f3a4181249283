/** `stopover serve`: the cluster in real time behind its API, for kubectl and client libraries. */
import { serve, type Serving } from "./http.js";
import { Cluster, type ClusterOptions } from "../../cluster.js";
import { RealClock } from "../../machinery/real-clock.js";
import type { Documents } from "../../objects/files.js";
import { EtcdStore } from "./etcd.js";
import type { Store } from "../../store/store.js";
import type { ComponentError } from "../../machinery/supervisor.js";
import { complain, say } from "../terminal.js";

export interface ServeClusterOptions extends ClusterOptions {
  /** Applied once the API answers, as by kubectl. */
  documents: Documents;
  /** Default 8001; 0 takes a free one. */
  port: number;
  /** The URL of an etcd; default: in memory. */
  etcd?: string;
}

/** Serves until the process is told to end, and prints one line when it is ready. */
export async function serveCluster(options: ServeClusterOptions): Promise<void> {
  const { cluster, serving } = await startServing(options);
  say(
    `Stopover serves the Kubernetes API on ${serving.url} (kubectl --server ${serving.url} get services)`,
  );
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
  for (const manager of cluster.managers) manager.stop({ release: true });
  await serving.close();
  cluster.apiserver.store.close();
}

/** The same without the waiting: for tests. */
export async function startServing({
  documents,
  port,
  etcd,
  ...options
}: ServeClusterOptions): Promise<{ cluster: Cluster; serving: Serving }> {
  const store = etcd === undefined ? undefined : new EtcdStore(etcd);
  const cluster = new Cluster({
    onFailure: logged,
    ...options,
    clock: new RealClock(),
    ...(store && shared(store, options.seed)),
  });
  const serving = await serve({ apiserver: cluster.apiserver, port });
  cluster.start();
  cluster.apply(documents);
  return { cluster, serving };
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
