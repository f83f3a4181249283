/** What a reader gets hold of: a node's and a Pod's insides, to look at and to break. */
import type { Network } from "./journey/network.js";
import { seeded } from "./net/choice.js";
import { conntrackText } from "./net/conntrack.js";
import { rollBack } from "./net/passage.js";
import { packet } from "./net/packet.js";
import { printable } from "./net/printable.js";
import type { KubeProxy } from "./node/proxy/kube-proxy.js";
import type { NodeRuleTables } from "./node/proxy/rule-tables.js";
import type { Kubelet } from "./node/kubelet/kubelet.js";
import type { Machine, Sandbox } from "./node/machine.js";
import { count, names, printedAs } from "./api/summary.js";
import type { RunScript, ShellOptions, ShellResult } from "./shells.js";

/** A node to look at and to break. */
export interface NodeHandle {
  name: string;
  machine: Machine;
  kubelet: Kubelet;
  /** Throws where the node has none, since its Node is gone. */
  readonly kubeProxy: KubeProxy;
  /**
   * What the node's kernel holds, as rows that `show` draws as a table. Throws where no kube-proxy
   * has run yet.
   */
  readonly rules: NodeRuleTables;
  /**
   * What its connection tracking remembers, a line for each connection, as `conntrack -L` prints
   * it.
   */
  connections(): string[];
  /** The sockets of its own processes that listen, as `ss -ln` lists them. */
  sockets(): { protocol: string; port: number; address: string }[];
  /**
   * How many rules its kernel looks at for the first packet of a connection, "IP:PORT" to
   * "IP:PORT": the price of a connection here. Later packets meet conntrack's memory instead of the
   * nat table. Nothing stays behind. Where chance decides, the first endpoint is taken.
   */
  rulesWalked(from: string, to: string, protocol?: "TCP" | "UDP" | "SCTP"): number;
  /**
   * Runs a script of bash on the node, in the cluster's time: `await
   * cluster.node("node-a").sh("iptables-save -t nat | grep nginx")`.
   */
  sh(script: string, options?: ShellOptions): Promise<ShellResult>;
  /** The machine dies: it answers nothing, forwards nothing, and says nothing to the API server. */
  stop(): void;
  /** It is back, with the rules and Pods that it had. */
  start(): void;
}

/** A Pod's processes, to look at and to break. */
export interface PodHandle {
  machine: Machine;
  sandbox: Sandbox;
  /** A container's process ends (default: the first one's); the kubelet will notice. */
  crash(container?: string): void;
  /**
   * Runs a script of bash in the Pod, in the cluster's time: `await
   * cluster.pod("client").sh("curl -s http://nginx:8080")`.
   */
  sh(script: string, options?: ShellOptions): Promise<ShellResult>;
  /** Whether its processes say that they are well; a readiness probe asks them. */
  setHealthy(healthy: boolean): void;
}

/** `kubeProxy`: the node's, as long as its Node is there. `rules`: what it wrote. */
export function nodeHandle(
  machine: Machine,
  kubelet: Kubelet,
  kubeProxy: () => KubeProxy | undefined,
  rules: () => NodeRuleTables | undefined,
  run: RunScript,
): NodeHandle {
  function there<T>(what: T | undefined): T {
    if (what !== undefined) return what;
    throw new Error(
      `${machine.name} has no kube-proxy, for it has no Node; its kubelet registers one when it starts`,
    );
  }
  const handle: NodeHandle = {
    name: machine.name,
    machine,
    kubelet,
    get kubeProxy() {
      return there(kubeProxy());
    },
    get rules() {
      return there(rules());
    },
    sockets: () => machine.kernel.sockets,
    connections: () =>
      [...machine.kernel.conntrack.connections()].map((one) =>
        conntrackText(one, machine.kernel.conntrack.clock.now()),
      ),
    rulesWalked(from, to, protocol = "TCP") {
      const walk = { choose: seeded(() => 0), undo: [], rules: 0 },
        first = packet(from, to, protocol);
      if (machine.addresses.includes(first.source)) machine.kernel.send(first, walk);
      else machine.kernel.receive(first, "eth0", walk);
      rollBack(walk);
      return walk.rules;
    },
    sh: (script, options) => run({ node: machine.name }, script, options),
    stop() {
      machine.up = false;
      kubelet.stop();
      kubeProxy()?.stop();
    },
    start() {
      machine.up = true;
      kubelet.start();
      kubeProxy()?.start();
    },
  };
  return printedAs(handle, () => nodeSummary(machine, kubeProxy()));
}

function nodeSummary(machine: Machine, kubeProxy: KubeProxy | undefined): string {
  const { name, addresses, up, kernel } = machine;
  const pods = [...machine.sandboxes].map(({ key }) => key);
  const proxy = kubeProxy === undefined ? "not there" : kubeProxy.running ? "running" : "stopped";
  return [
    `node ${name}: ${up ? "up" : "down"}, ${names(addresses)}`,
    `  ${count(pods.length, "Pod")}: ${names(pods)}`,
    `  kube-proxy ${proxy}; ${count([...kernel.conntrack.connections()].length, "tracked connection")}`,
    "  .rules  .connections()  .sockets()  .rulesWalked(from, to)  .sh(script)  .kubelet  .kubeProxy  .stop()  .start()",
  ].join("\n");
}

export function podHandle(network: Network, key: string, run: RunScript): PodHandle {
  const found = network.sandbox(key);
  const running = () =>
    [...network.machines.values()]
      .flatMap(({ sandboxes }) => [...sandboxes].map((each) => each.key))
      .slice(0, 10)
      .join(", ");
  if (!found)
    throw new Error(
      printable(`no node runs a Pod "${key}"; those that run are ${running() || "none"}`),
    );
  const { machine, sandbox } = found;
  const handle: PodHandle = {
    machine,
    sandbox,
    crash: (container = sandbox.pod.spec.containers[0]!.name) => machine.crash(sandbox, container),
    sh: (script, options) => run({ pod: key }, script, options),
    setHealthy: (healthy) => void (sandbox.sick = !healthy),
  };
  return printedAs(handle, () => podSummary(machine, sandbox));
}

function podSummary(machine: Machine, sandbox: Sandbox): string {
  const containers = sandbox.pod.spec.containers.map(({ name, image }) => {
    const state = sandbox.runs(name) ? (sandbox.sick ? "runs, says it is ill" : "runs") : "ended";
    return printable(`  container ${name} (${image}): ${state}`);
  });
  return [
    `Pod ${sandbox.key} on ${machine.name}, ${names(sandbox.ips)}`,
    ...containers,
    "  .sh(script)  .crash(container)  .setHealthy(true or false)  .sandbox  .machine",
  ].join("\n");
}
