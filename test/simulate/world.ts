/** The cluster that a schedule happens to, and what the actions and the checks know of it. */
import { aws, createCluster, gcp, type Cluster, type ClusterOptions } from "stopover";
import type { ComponentError } from "stopover/internal/machinery/supervisor";
import { Random } from "stopover/internal/machinery/random";
import type { Deployment, EndpointSlice, Pod, Service } from "stopover/internal/objects/types";
import { intercept } from "stopover/internal/machinery/interceptor";
import { ClientFaults, NetworkFaults } from "./faults.js";

export class World {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly client: ClientFaults;
  readonly network = new NetworkFaults();
  readonly nodes: readonly string[];
  /** What the components did wrong. */
  readonly failures: ComponentError[] = [];
  /** "default/web-0 10.1.1.2": every address that ever stood in a slice of the Service. */
  readonly endpoints = new Set<string>();
  /** The revision that the history was last compacted at. */
  compacted = 10;
  /** The apps, as the user wants them. */
  readonly apps = ["web-0", "web-1"];

  constructor(seed: number) {
    this.random = new Random(`simulate ${seed}`);
    this.client = new ClientFaults(this.random.fork("client faults"));
    const nodes = this.random.between(3, 5);
    const cloud = this.#oneOf([aws(), gcp(), undefined]);
    this.cluster = createCluster({
      nodes,
      seed,
      first: {},
      historyLimit: 0,
      faults: { client: intercept(this.client), network: this.network },
      onFailure: (failure) => this.failures.push(failure),
      ...(cloud && { cloud }),
    } satisfies ClusterOptions);
    this.nodes = [...this.cluster.network.machines.keys()];
    const slices = { resourceVersion: "" };
    this.cluster.as("checker").watch("EndpointSlice", slices, ({ object }) => this.#learn(object));
    for (const app of this.apps) {
      this.cluster.as("user").create(deployment(app, 3));
      this.cluster.as("user").create(service(app, cloud ? "LoadBalancer" : "NodePort"));
    }
    this.cluster.settle();
  }

  #learn(object: unknown): void {
    const { metadata, endpoints } = object as EndpointSlice;
    const name = metadata.labels?.["kubernetes.io/service-name"];
    for (const { addresses } of endpoints)
      for (const address of addresses) this.endpoints.add(`${name} ${address}`);
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.random.between(0, choices.length - 1)]!;
  }

  oneOf<T>(choices: readonly T[]): T | undefined {
    return choices.length === 0 ? undefined : this.#oneOf(choices);
  }

  get app(): string {
    return this.#oneOf(this.apps);
  }

  get node(): string {
    return this.#oneOf(this.nodes);
  }

  /** A Pod that nobody has deleted yet. */
  get pod(): Pod | undefined {
    return this.oneOf(
      this.cluster.list("Pod").filter(({ metadata }) => !metadata.deletionTimestamp),
    );
  }
}

export function deployment(name: string, replicas: number, image = "nginx:1.0"): Deployment {
  const probe = { httpGet: { port: 80 }, periodSeconds: 5 };
  const container = { name: "web", image, ports: [{ containerPort: 80 }], readinessProbe: probe };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
    },
  };
}

export const service = (name: string, type: NonNullable<Service["spec"]["type"]>): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: {
    type,
    selector: { app: name },
    ports: [{ name: "http", port: 8080, targetPort: 80 }],
  },
});
