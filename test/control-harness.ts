import "stopover/internal/apiserver/admission-plugins";
import "stopover/internal/apiserver/more-admission";
import "stopover/internal/controllers/resource-quota";
import "stopover/internal/controllers/workloads";
import "stopover/internal/objects/built-in";
import * as assert from "uvu/assert";
import type { Client } from "stopover/internal/api/client";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { kubeControllerManager, kubeScheduler } from "stopover/internal/controllers/manager";
import type { Manager } from "stopover/internal/machinery/manager";
import { Random } from "stopover/internal/machinery/random";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { Kubelet } from "stopover/internal/node/kubelet/kubelet";
import type { Runtime } from "stopover/internal/node/kubelet/runtime";
import { decode } from "stopover/internal/objects/decode";
import { same } from "stopover/internal/objects/freeze";
import type { Deployment, Kind, Kinds, Pod, Service } from "stopover/internal/objects/types";

/**
 * A cluster of controllers and kubelets without any network: what the control plane's tests look
 * at.
 */
export interface Harness {
  clock: VirtualClock;
  server: ApiServer;
  client: ReturnType<ApiServer["client"]>;
  random: Random;
  surroundings: { clock: VirtualClock; random: Random; connect: ApiServer["client"] };
  managers: Manager[];
  kubelets: Map<string, Kubelet>;
  machines: Map<string, Machine>;
  all<K extends Kind>(kind: K, namespace?: string): readonly Kinds[K][];
  events(name: string): string[];
}

/** A client whose owner is taken at his word where he says that an object is decoded. */
function vouching(client: Client): Client {
  for (const verb of ["create", "update", "updateStatus"] as const) {
    const write = client[verb].bind(client);
    client[verb] = (object, options) => {
      const { value, misfits } = options?.decoded
        ? decode(object.kind, object)
        : { value: object, misfits: [] };
      assert.equal(misfits, []);
      assert.ok(
        same(value, object),
        `decoding makes ${JSON.stringify(value)} of ${JSON.stringify(object)}`,
      );
      return write(object, options);
    };
  }
  return client;
}

/** Containers that run and answer probes as the test says. */
export class Machine implements Runtime {
  onExit?: () => void;
  readonly pods = new Map<string, { ips: string[]; dead: Set<string> }>();
  /** Containers that were told to take no more connections, in order. */
  readonly closed: string[] = [];
  /** What each probe answers. */
  probes: (pod: Pod, container: string) => { ok: boolean; message: string } = () => ({
    ok: true,
    message: "",
  });
  #next = 2;

  start(pod: Pod, podCIDRs: readonly string[]) {
    const known = this.pods.get(pod.metadata.uid!);
    if (known) return known;
    const number = this.#next++;
    const ips = podCIDRs.map((cidr) =>
      cidr.replace(
        cidr.includes(":") ? /\/.*/ : /0\/\d+$/,
        cidr.includes(":") ? number.toString(16) : String(number),
      ),
    );
    this.pods.set(pod.metadata.uid!, { ips, dead: new Set() });
    return { ips };
  }
  probe(pod: Pod, container: string) {
    return this.probes(pod, container);
  }
  close(pod: Pod, container: string) {
    this.closed.push(`${pod.metadata.name}/${container}`);
  }
  end(pod: Pod, container: string) {
    this.pods.get(pod.metadata.uid!)?.dead.add(container);
  }
  running(pod: Pod, container: string) {
    return !this.pods.get(pod.metadata.uid!)?.dead.has(container);
  }
  crash(pod: Pod, container = pod.spec.containers[0]!.name) {
    this.pods.get(pod.metadata.uid!)!.dead.add(container);
    this.onExit?.();
  }
  run(pod: Pod, container: string) {
    this.pods.get(pod.metadata.uid!)!.dead.delete(container);
  }
  stop(pod: Pod) {
    this.pods.delete(pod.metadata.uid!);
  }
}

export interface HarnessOptions {
  nodes?: number;
  seed?: number;
  clusterCIDRs?: readonly string[];
  serviceCIDRs?: readonly string[];
  capacity?: { cpu?: string; memory?: string; pods?: string };
  externalCloudProvider?: boolean;
  historyLimit?: number;
  replicas?: number;
}

export function harness({
  nodes = 3,
  seed = 1,
  clusterCIDRs = ["10.1.0.0/16"],
  serviceCIDRs = ["10.2.0.0/16"],
  capacity,
  externalCloudProvider = false,
  historyLimit = 100_000,
  replicas = 1,
}: HarnessOptions = {}): Harness {
  const clock = new VirtualClock();
  const random = new Random(seed);
  const server = new ApiServer({
    clock,
    random: random.fork("apiserver").next,
    serviceCIDRs,
    historyLimit,
  });
  const connect = (who: string) => vouching(server.client(who));
  const surroundings = { clock, random, connect };
  const managers: Manager[] = [];
  for (let i = 1; i <= replicas; i++) {
    const identity = `control-plane-${i}`;
    managers.push(
      kubeControllerManager({ ...surroundings, identity, clusterCIDRs, firstPart: 1 }),
      kubeScheduler({ ...surroundings, identity }),
    );
  }
  for (const manager of managers) manager.start();
  const kubelets = new Map<string, Kubelet>();
  const machines = new Map<string, Machine>();
  for (let i = 0; i < nodes; i++) {
    const name =
      nodes <= 26 ? `node-${String.fromCharCode(97 + i)}` : `node-${String(i).padStart(5, "0")}`;
    const runtime = new Machine();
    machines.set(name, runtime);
    kubelets.set(
      name,
      new Kubelet({
        ...surroundings,
        name,
        runtime,
        addresses: [`192.168.${(i + 1) >> 8}.${(i + 1) & 255}`],
        externalCloudProvider,
        ...(capacity && { capacity }),
      }),
    );
    kubelets.get(name)!.start();
  }
  const client = server.client("kubectl");
  return {
    clock,
    server,
    client,
    random,
    surroundings,
    managers,
    kubelets,
    machines,
    all: (kind, namespace) => client.list(kind, namespace === undefined ? {} : { namespace }).items,
    events: (name) =>
      client
        .list("Event")
        .items.filter(({ involvedObject }) => involvedObject.name === name)
        .map(
          ({ type, reason, message, count = 1, source, reportingComponent }) =>
            `${type} ${reason} ${count} ${source?.component ?? reportingComponent} ${message}`,
        ),
  };
}

export function deployment(
  name: string,
  replicas: number,
  spec: Partial<Deployment["spec"]> & { container?: object } = {},
): Deployment {
  const { container, ...rest } = spec;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [{ name, image: "nginx", ports: [{ containerPort: 80 }], ...container }],
        },
      },
      ...rest,
    },
  };
}

export function service(name: string, spec: Service["spec"] = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      selector: { app: name },
      ports: [{ name: "http", port: 8080, targetPort: 80 }],
      ...spec,
    },
  };
}
