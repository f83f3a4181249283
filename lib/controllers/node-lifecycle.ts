import { watch, type Context, type Controller } from "../machinery/controller.js";
import { stamp } from "../api/time.js";
import { every } from "../api/clock.js";
import { ignoring } from "../api/errors.js";
import { same } from "../objects/freeze.js";
import { condition, isReady as isPodReady } from "../objects/pods.js";
import type { Condition, Node, Pod, Taint } from "../objects/types.js";

/** How often each node's signs of life are looked at. (--node-monitor-period) Milliseconds. */
const MONITOR_MS = 5_000;
/**
 * How long a node may be silent before it counts as lost. (--node-monitor-grace-period; 40 s before
 * 1.32) Milliseconds.
 */
const GRACE_MS = 50_000;

const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/**
 * Notices nodes that fell silent, says so in their status and on their Pods, and taints nodes by
 * their condition, which keeps new Pods away and lets the taint-eviction-controller move the old
 * ones. (pkg/controller/nodelifecycle)
 *
 * Not modelled: the rate at which whole zones are tainted. As upstream, where no node at all is
 * ready, nobody is evicted.
 */
export function nodeLifecycleController({
  clock,
  client,
  informers,
  events,
  guard,
}: Context): Controller {
  const nodes = informers.of("Node");
  const leases = informers.of("Lease");
  const pods = informers.of("Pod");
  pods.index("node", (pod) => pod.spec.nodeName);
  const ready = new Set<string>();
  nodes.onChange((name, node) => {
    if (node && statusOf(node) === "True") ready.add(name);
    else ready.delete(name);
  }, guard);
  const signs = new Map<string, { text: string; time: number }>();

  function reconcile(name: string): void {
    const node = nodes.get(name);
    if (!node) return void signs.delete(name);
    if (!signs.has(name)) {
      events.normal(
        node,
        "RegisteredNode",
        `Node ${name} event: Registered Node ${name} in Controller`,
      );
      signs.set(name, { text: signOf(node), time: clock.now() });
    }
    taint(node);
    label(name);
    if (statusOf(node) !== "True") for (const pod of pods.by("node", name)) markNotReady(pod);
  }

  // ---- signs of life

  function monitor(): void {
    for (const node of nodes.all()) {
      const { name } = node.metadata;
      const text = signOf(node);
      const seen = signs.get(name);
      if (seen?.text !== text) signs.set(name, { text, time: clock.now() });
      else if (clock.now() - seen.time > GRACE_MS && statusOf(node) !== "Unknown")
        declareLost(node);
    }
  }

  const signOf = (node: Node): string =>
    `${leases.get(`kube-node-lease/${node.metadata.name}`)?.spec.renewTime} ${condition(node, "Ready")?.lastHeartbeatTime}`;

  function declareLost(node: Node): void {
    const now = stamp(clock.now());
    const unknown = (before: Condition): Condition => ({
      ...before,
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastTransitionTime: before.status === "Unknown" ? before.lastTransitionTime! : now,
    });
    const before = statusOf(node);
    // refused: it spoke just now; the next round will see
    const written = ignoring([404, 409], () =>
      client.updateStatus<Node>({
        ...node,
        status: { ...node.status, conditions: (node.status?.conditions ?? []).map(unknown) },
      }),
    );
    if (!written) return;
    nodes.learn(written);
    if (before === "True")
      events.normal(node, "NodeNotReady", `Node ${node.metadata.name} status is now: NodeNotReady`);
  }

  /**
   * Nobody can ask the kubelet any more whether its Pods are ready: so they are not, and lose their
   * traffic.
   */
  function markNotReady(pod: Pod): void {
    if (!isPodReady(pod)) return;
    const conditions = pod.status!.conditions!.map((one): Condition =>
      one.type === "Ready"
        ? { ...one, status: "False", lastTransitionTime: stamp(clock.now()) }
        : one,
    );
    ignoring([404], () => {
      pods.learn(client.updateStatus<Pod>({ ...pod, status: { ...pod.status, conditions } }));
      events.warning(pod, "NodeNotReady", "Node is not ready");
    });
  }

  // ---- taints

  function taint(node: Node): void {
    const status = statusOf(node);
    const wanted: Taint[] = [];
    const key = status === "False" ? NOT_READY : status === "Unknown" ? UNREACHABLE : undefined;
    const evict =
      key !== undefined &&
      (ready.size > 0 ||
        node.spec.taints?.some((one) => one.key === key && one.effect === "NoExecute"));
    if (node.spec.unschedulable) wanted.push({ key: UNSCHEDULABLE, effect: "NoSchedule" });
    if (key) wanted.push({ key, effect: "NoSchedule" });
    if (key && evict) wanted.push({ key, effect: "NoExecute" });
    const others = (node.spec.taints ?? []).filter((one) => !managed.includes(one.key));
    const taints = [
      ...others,
      ...wanted.map(
        (one) =>
          node.spec.taints?.find((old) => old.key === one.key && old.effect === one.effect) ?? {
            ...one,
            timeAdded: stamp(clock.now()),
          },
      ),
    ];
    if (!same(taints, node.spec.taints ?? []))
      nodes.learn(client.update<Node>({ ...node, spec: { ...node.spec, taints } }));
  }

  // ---- labels

  /** Labels that were called otherwise once say the same still. (reconcileNodeLabels) */
  function label(name: string): void {
    const node = nodes.get(name);
    const labels = node?.metadata.labels ?? {};
    const late = renamed.filter(([now, once]) => labels[now] && labels[now] !== labels[once]);
    if (!node || late.length === 0) return;
    const news = Object.fromEntries(late.map(([now, once]) => [once, labels[now]!]));
    const metadata = { ...node.metadata, labels: { ...labels, ...news } };
    nodes.learn(client.update<Node>({ ...node, metadata }));
  }

  return {
    name: "node-controller",
    reconcile,
    watches: [
      watch("Node", (key, node, previous) =>
        node &&
        previous &&
        node.spec === previous.spec &&
        node.metadata.labels === previous.metadata.labels &&
        statusOf(node) === statusOf(previous)
          ? []
          : [key],
      ),
      watch("Lease", () => []),
    ],
    start: () => every(clock, MONITOR_MS, monitor),
  };
}

const renamed = ["os", "arch"].map(
  (what) => [`kubernetes.io/${what}`, `beta.kubernetes.io/${what}`] as const,
);

const managed = [NOT_READY, UNREACHABLE, UNSCHEDULABLE];

const statusOf = (node: Node): string => condition(node, "Ready")?.status ?? "False";
