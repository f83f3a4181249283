/**
 * What was done to the real control plane while its state was dumped, in order: a user's requests,
 * and pauses until all is quiet. The same is done here, in virtual time.
 */
import type { Client, Patch } from "stopover/internal/api/client";
import { ignoring, isApiError } from "stopover/internal/api/errors";
import type { Kind, Kinds, KubeObject, Pod } from "stopover/internal/objects/types";

/** What a dump holds: lists of objects, or the one answer to a request. */
export type Dump = Record<string, unknown>;

/** The kinds of a dump, by the names of their lists. */
const kinds = {
  deployments: "Deployment",
  replicasets: "ReplicaSet",
  pods: "Pod",
  slices: "EndpointSlice",
  endpoints: "Endpoints",
  services: "Service",
  events: "Event",
} as const;

type State = { [name in keyof typeof kinds]: Kinds[(typeof kinds)[name]][] };

/** Time that passes when it is told to. */
export interface Waiting {
  now(): number;
  advance(milliseconds: number): void;
}

// Of a state that is looked at every 300 ms, and is quiet once nothing has changed for 1.8 s.
const LOOK_MS = 300;
const QUIET_MS = 1_800;
const LIMIT_MS = 40_000;

export class Scenario {
  readonly dumps = new Map<string, Dump>();
  namespace = "";

  constructor(
    readonly client: Client,
    readonly clock: Waiting,
  ) {}

  // ---- looking

  state(): State {
    const { namespace } = this;
    const lists = Object.entries(kinds).map(([name, kind]) => [
      name,
      this.client.list(kind, { namespace }).items,
    ]);
    return Object.fromEntries(lists) as State;
  }

  snap(name: string): void {
    this.dumps.set(name, { ns: this.namespace, ...this.state() });
  }

  snapNodes(name: string): void {
    this.dumps.set(name, { ns: this.namespace, nodes: this.client.list("Node").items });
  }

  snapNamespace(name: string): void {
    this.dumps.set(name, { ns: this.namespace, answer: this.#namespaceOrRefusal() });
  }

  #namespaceOrRefusal(): unknown {
    try {
      return this.client.get("Namespace", this.namespace);
    } catch (error) {
      if (isApiError(error)) return error.status;
      throw error;
    }
  }

  /** Waits until all is quiet and `done`, and dumps that. */
  settle(name: string, done: (state: State) => boolean = () => true): void {
    const end = this.clock.now() + LIMIT_MS;
    let [last, since] = ["", 0];
    for (;;) {
      const state = this.state();
      const text = JSON.stringify({ ...state, events: state.events.length });
      if (text !== last || !done(state)) since = 0;
      else if ((since ||= this.clock.now()) + QUIET_MS < this.clock.now())
        return void this.dumps.set(name, { ns: this.namespace, ...state });
      if (this.clock.now() > end) throw new Error(`${name}: not so within ${LIMIT_MS} ms: ${text}`);
      last = text;
      this.wait(LOOK_MS);
    }
  }

  wait(milliseconds: number): void {
    this.clock.advance(milliseconds);
  }

  // ---- doing

  begin(namespace: string): void {
    this.namespace = namespace;
    this.client.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  }

  create(apiVersion: string, kind: string, metadata: object, rest: object): void {
    const whole = { apiVersion, kind, metadata: { ...metadata, namespace: this.namespace } };
    this.client.create({ ...whole, ...rest } as unknown as KubeObject);
  }

  patch(kind: Kind, name: string, body: object, type: Patch["type"] = "merge"): void {
    this.client.patch(kind, name, this.namespace, { type, body } as Patch);
  }

  delete(kind: Kind, name: string, policy?: "Background" | "Foreground" | "Orphan"): void {
    const options = policy === undefined ? {} : { propagationPolicy: policy };
    ignoring([404], () => this.client.delete(kind, name, this.namespace, options));
  }

  deployment(name: string, spec: object, pod: object = {}, container: object = {}): void {
    const template = {
      metadata: { labels: { app: name } },
      spec: { containers: [containerWith(container)], ...pod },
    };
    const selector = { matchLabels: { app: name } };
    this.create(
      "apps/v1",
      "Deployment",
      { name, labels: { app: name } },
      { spec: { selector, template, ...spec } },
    );
  }

  service(name: string, spec: object): void {
    this.create("v1", "Service", { name, labels: { app: name, extra: "yes" } }, { spec });
  }

  pod(name: string, spec: object): void {
    const whole = { spec: { containers: [containerWith()], ...spec } };
    this.create("v1", "Pod", { name, labels: { app: name } }, whole);
  }

  /** As `kubectl set image`. */
  setImage(deployment: string, image: string, spec: object = {}): void {
    const template = { spec: { containers: [{ name: "c", image }] } };
    this.patch("Deployment", deployment, { spec: { ...spec, template } }, "strategic");
  }

  scale(deployment: string, replicas: number): void {
    this.patch("Deployment", deployment, { spec: { replicas } });
  }

  /** What only a user of the whole cluster may do. */
  patchNode(name: string, spec: object): void {
    this.client.patch("Node", name, undefined, { type: "merge", body: { spec } });
  }
}

const containerWith = (more: object = {}): object => ({
  name: "c",
  image: "nginx:1.27",
  ports: [{ name: "web", containerPort: 80 }],
  ...more,
});

/** All replicas of a Deployment are new and ready, and there are no others. */
const ready =
  (name: string, replicas: number) =>
  ({ deployments }: State): boolean =>
    deployments.some(
      ({ metadata, status = {} }) =>
        metadata.name === name &&
        status.observedGeneration === metadata.generation &&
        [status.readyReplicas, status.replicas, status.updatedReplicas].every(
          (count = 0) => count === replicas,
        ),
    );

const both =
  (...conditions: ((state: State) => boolean)[]) =>
  (state: State): boolean =>
    conditions.every((one) => one(state));

const pods =
  (count: number) =>
  ({ pods }: State): boolean =>
    pods.length === count;

const deadlineExceeded = ({ deployments }: State): boolean =>
  deployments[0]!.status!.conditions!.some(({ reason }) => reason === "ProgressDeadlineExceeded");

/** Plays it all; each part in a namespace of its own. */
/** `failed`: hears of a part that did not come to its end; without it, all ends there. */
export function play(s: Scenario, failed?: (namespace: string, error: unknown) => void): void {
  for (const [namespace, part] of Object.entries(parts)) {
    s.begin(namespace);
    try {
      part(s);
    } catch (error) {
      if (!failed) throw error;
      failed(namespace, error);
    }
  }
}

const parts: Record<string, (s: Scenario) => void> = {
  rollout(s) {
    s.service("web", {
      selector: { app: "web" },
      ports: [{ name: "http", port: 80, targetPort: "web" }],
    });
    s.settle("service-alone");
    s.deployment("web", { replicas: 3 });
    s.settle("created", ready("web", 3));
    s.scale("web", 5);
    s.settle("scaled-up", ready("web", 5));
    s.scale("web", 2);
    s.settle("scaled-down", ready("web", 2));
    s.setImage("web", "nginx:1.28");
    s.settle(
      "rolled",
      both(ready("web", 2), pods(2), ({ replicasets }) => replicasets.length === 2),
    );
    s.setImage("web", "nginx:1.27");
    s.settle("rolled-back", both(ready("web", 2), pods(2)));
    s.patch("Deployment", "web", { spec: { paused: true } });
    s.settle("paused");
    s.setImage("web", "nginx:1.29");
    s.settle("paused-changed");
    s.patch("Deployment", "web", { spec: { paused: false } });
    s.settle("resumed", both(ready("web", 2), pods(2)));
    const gone = s.state().pods[0]!.metadata;
    s.delete("Pod", gone.name);
    s.settle(
      "pod-deleted",
      both(ready("web", 2), pods(2), ({ pods }) =>
        pods.every(({ metadata }) => metadata.uid !== gone.uid),
      ),
    );
    const stray = s.state().pods[0]!.metadata.name;
    s.patch("Pod", stray, { metadata: { labels: { app: "stray" } } });
    s.settle("pod-orphaned", pods(3));
    s.delete("Service", "web");
    s.settle("service-deleted", ({ slices }) => slices.length === 0);
    s.delete("Deployment", "web", "Background");
    s.settle(
      "deployment-deleted",
      both(pods(1), ({ replicasets }) => replicasets.length === 0),
    );
  },

  unready(s) {
    s.service("gate", { selector: { app: "gate" }, ports: [{ port: 80 }] });
    const rest = { selector: { app: "gate" }, publishNotReadyAddresses: true };
    s.service("gate-pnr", { ...rest, ports: [{ port: 80 }] });
    const readinessGates = [{ conditionType: "example.com/g" }];
    s.deployment("gate", { replicas: 2, progressDeadlineSeconds: 8 }, { readinessGates });
    const run = (state: State) =>
      state.pods.every((pod: Pod) => pod.status?.phase === "Running") && deadlineExceeded(state);
    s.settle("gate-closed", both(pods(2), run));
    const set = (name: string, status: "True" | "False"): void => {
      const lastTransitionTime = "2026-11-28T00:00:00Z";
      const conditions = [{ type: "example.com/g", status, lastTransitionTime }];
      const patch = { type: "strategic" as const, body: { status: { conditions } } };
      s.client.patch("Pod", name, s.namespace, patch, { subresource: "status" });
    };
    const names = s.state().pods.map(({ metadata }) => metadata.name);
    for (const name of names) set(name, "True");
    s.settle("gate-open", ready("gate", 2));
    set(names[0]!, "False");
    s.settle("one-unready", ({ deployments }) => deployments[0]!.status!.readyReplicas === 1);
  },

  grace(s) {
    s.service("web", { selector: { app: "web" }, ports: [{ port: 80 }] });
    const rest = { selector: { app: "web" }, publishNotReadyAddresses: true };
    s.service("pnr", { ...rest, ports: [{ port: 80 }] });
    const lifecycle = { preStop: { sleep: { seconds: 8 } } };
    s.deployment("web", { replicas: 2 }, { terminationGracePeriodSeconds: 20 }, { lifecycle });
    s.settle("grace-up", ready("web", 2));
    s.delete("Pod", s.state().pods[0]!.metadata.name);
    s.wait(4_000);
    s.snap("grace-during");
    s.settle("grace-after", both(ready("web", 2), pods(2)));
    s.scale("web", 0);
    s.wait(4_000);
    s.snap("grace-all-terminating");
    s.settle("grace-zero", pods(0));
  },

  bad(s) {
    s.deployment("web", { replicas: 3, progressDeadlineSeconds: 10 });
    s.settle("bad-up", ready("web", 3));
    s.setImage("web", "no-such/image:bad");
    s.wait(4_000);
    s.snap("bad-progressing");
    s.settle("bad-deadline", deadlineExceeded);
    s.setImage("web", "nginx:1.27");
    s.settle("bad-undone", both(ready("web", 3), pods(3)));
    s.setImage("web", "nginx:1.30", { strategy: { type: "Recreate", rollingUpdate: null } });
    s.settle(
      "recreate",
      both(ready("web", 3), pods(3), ({ replicasets }) => replicasets.length === 3),
    );
  },

  sched(s) {
    const asking = (requests: object) => [containerWith({ resources: { requests } })];
    const zone = (letter: string) => ({ "topology.kubernetes.io/zone": `zone-${letter}` });
    const ports = [{ containerPort: 80, hostPort: 8080 }];
    s.pod("nosel", { nodeSelector: { a: "b" } });
    s.pod("bigcpu", { containers: asking({ cpu: "100" }) });
    s.pod("bigmem", { containers: asking({ memory: "100Gi" }) });
    s.pod("zonea", { nodeSelector: zone("a") });
    s.pod("gated", { schedulingGates: [{ name: "example.com/x" }] });
    s.pod("both", {
      nodeSelector: zone("a"),
      containers: asking({ cpu: "100", memory: "100Gi" }),
    });
    const failures = ({ events }: State): number =>
      events.filter(({ reason }) => reason === "FailedScheduling").length;
    s.settle("sched", (state) => failures(state) >= 4);
    s.patchNode("node-a", { unschedulable: true });
    s.patchNode("node-b", { taints: [{ key: "k", value: "v", effect: "NoSchedule" }] });
    s.wait(1_500);
    s.pod("cordoned", { nodeSelector: zone("a") });
    s.pod("tainted", { nodeSelector: zone("b") });
    s.pod("mixed", { containers: asking({ cpu: "100" }) });
    s.pod("hostport1", { containers: [containerWith({ ports })] });
    s.wait(2_500);
    s.pod("hostport2", { containers: [containerWith({ ports })] });
    s.wait(2_500);
    s.settle("sched-tainted");
    s.snapNodes("nodes-cordoned");
    s.patchNode("node-a", { unschedulable: null });
    s.patchNode("node-b", { taints: null });
    s.settle("uncordoned", ({ pods }) =>
      ["cordoned", "tainted"].every((name) =>
        pods.some(({ metadata, spec }) => metadata.name === name && spec.nodeName),
      ),
    );
  },

  slices(s) {
    s.deployment("web", { replicas: 6 });
    s.settle("slices-up", ready("web", 6));
    const selector = { app: "web" };
    const ports = [{ port: 80 }];
    s.service("plain", { selector, ports });
    s.service("headless", { clusterIP: "None", selector, ports });
    s.service("headless-noports", { clusterIP: "None", selector });
    const b = { name: "b", port: 81, targetPort: 81, protocol: "UDP", appProtocol: "x.y/z" };
    s.service("named", { selector, ports: [{ name: "a", port: 80, targetPort: "web" }, b] });
    s.service("missing-name", { selector, ports: [{ port: 80, targetPort: "nope" }] });
    s.service("noselector", { ports });
    s.service("td-close", { selector, ports, trafficDistribution: "PreferClose" });
    s.service("td-zone", { selector, ports, trafficDistribution: "PreferSameZone" });
    s.service("td-node", { selector, ports, trafficDistribution: "PreferSameNode" });
    s.service("nomatch", { selector: { app: "none" }, ports });
    s.service("local", { type: "NodePort", externalTrafficPolicy: "Local", selector, ports });
    s.service("en", { type: "ExternalName", externalName: "example.com" });
    s.settle("slices-services", ({ slices }) => slices.length >= 9);
    s.patch("Service", "plain", { spec: { selector: { app: "none" } } });
    s.settle("slices-selector-changed");
    s.patch("Service", "plain", { spec: { selector: null } });
    s.settle("slices-selector-removed");
    s.patch("Service", "named", { spec: { ports: [{ name: "z", port: 80, targetPort: 80 }] } });
    s.settle("slices-ports-changed");
    s.patch("Service", "headless-noports", { metadata: { labels: { extra: "changed" } } });
    s.settle("slices-label-changed");
    const addresses = [{ ip: "203.0.113.77" }];
    const notReadyAddresses = [{ ip: "203.0.113.78" }];
    const subsets = [{ addresses, notReadyAddresses, ports }];
    s.create("v1", "Endpoints", { name: "noselector" }, { subsets });
    s.wait(2_500);
    s.settle("slices-mirrored");
    const local = ({ slices }: State) =>
      slices.find(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "local");
    s.delete("EndpointSlice", local(s.state())!.metadata.name);
    s.settle("slices-slice-deleted", (state) => local(state) !== undefined);
    s.patch("EndpointSlice", local(s.state())!.metadata.name, { endpoints: [] });
    s.settle("slices-slice-emptied", (state) => local(state)?.endpoints?.length === 6);
  },

  owner(s) {
    s.deployment("web", { replicas: 2 });
    s.settle("owner-up", ready("web", 2));
    s.delete("Deployment", "web", "Orphan");
    s.settle("owner-orphaned", ({ deployments }) => deployments.length === 0);
    s.deployment("web", { replicas: 2 });
    s.settle("owner-adopted", ready("web", 2));
    s.delete("Deployment", "web", "Foreground");
    s.settle(
      "owner-foreground",
      both(pods(0), ({ deployments }) => deployments.length === 0),
    );
    s.deployment("hist", { replicas: 1, revisionHistoryLimit: 1 });
    for (const version of ["1.1", "1.2", "1.3"]) {
      s.settle(`hist-${version}`, ready("hist", 1));
      s.setImage("hist", `nginx:${version}`);
    }
    s.settle(
      "hist-end",
      both(ready("hist", 1), pods(1), ({ replicasets }) => replicasets.length === 2),
    );
  },

  taint(s) {
    s.deployment("web", { replicas: 3 });
    s.settle("taint-up", ready("web", 3));
    s.patchNode("node-c", { taints: [{ key: "k", effect: "NoExecute" }] });
    s.wait(2_000);
    s.settle(
      "taint-evicted",
      both(ready("web", 3), ({ pods }) => pods.every(({ spec }) => spec.nodeName !== "node-c")),
    );
    s.patchNode("node-c", { taints: null });
    s.wait(500);
    s.snapNodes("nodes");
  },

  nsdel(s) {
    s.service("web", { selector: { app: "web" }, ports: [{ port: 80 }] });
    s.deployment("web", { replicas: 2 });
    s.settle("nsdel-up", ready("web", 2));
    s.client.delete("Namespace", "nsdel");
    s.snapNamespace("nsdel-delete");
    s.wait(300);
    s.snapNamespace("nsdel-soon");
    for (let i = 0; i < 40; i++) {
      s.snapNamespace("nsdel-gone");
      const answer = s.dumps.get("nsdel-gone")!["answer"];
      if ((answer as { code?: number }).code === 404) break;
      s.dumps.set("nsdel-last", { ns: s.namespace, answer });
      s.wait(500);
    }
  },
};
