/**
 * The server's door (`stopover/serve`): the API over HTTP, a store in a real etcd, and the client
 * for an API server that runs elsewhere.
 */
export { serve, type Serving } from "./http.js";
export { startServing, serveCluster, type ServeClusterOptions } from "./serve.js";
export { EtcdStore } from "./etcd.js";
export { HttpClient, type HttpClientOptions } from "./http-client.js";
export { fromKubeconfig } from "./kubeconfig.js";
