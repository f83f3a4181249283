/** `stopover serve`: the cluster in real time behind its API, for kubectl and client libraries. */
import type { Cluster } from "../../cluster.js";
import { say } from "../terminal.js";
import { listen, serve, type Serving } from "./http.js";
import { kubeletsOf } from "./kubelets.js";
import { openCluster, type StartOptions, type ThreadOptions } from "./serve-cluster.js";
import { ThreadBackend } from "./thread-backend.js";

interface Port {
  /** Default 8001; 0 takes a free one. */
  port: number;
}

export type ServeClusterOptions = StartOptions & Port;

/**
 * Serves until the process is told to end, and prints one line when it is ready. The front, which
 * speaks HTTP, has this thread, and the API server one of its own, in which it may wait for its
 * store. Answers the exit code.
 */
export async function serveCluster({ port, ...options }: ThreadOptions & Port): Promise<number> {
  const backend = new ThreadBackend(options);
  const serving = await listen(backend, { port });
  try {
    await backend.start();
  } catch (error) {
    await serving.close();
    throw error;
  }
  const told = new Promise<0>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(0));
  });
  const { url } = serving;
  say(`Stopover serves the Kubernetes API on ${url} (kubectl --server ${url} get services)`);
  const code = await Promise.race([told, backend.over.then(() => 1)]);
  await serving.close();
  await backend.stop();
  return code;
}

/** The same in this thread, without the waiting: for tests. */
export async function startServing({
  port,
  ...options
}: ServeClusterOptions): Promise<{ cluster: Cluster; serving: Serving }> {
  const cluster = openCluster(options);
  const kubelets = kubeletsOf(cluster);
  const serving = await serve({ apiserver: cluster.apiserver, kubelets, port });
  cluster.start();
  cluster.apply(options.documents);
  return { cluster, serving };
}
