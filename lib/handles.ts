/** What a reader gets hold of: a node's and a Pod's insides, to look at and to break. */
import type { Network } from "./journey/network.js";
import { seeded } from "./net/choice.js";
import { conntrackText } from "./net/conntrack.js";
import { ruleText } from "./net/iptables/text.js";
import { iptables } from "./net/iptables/walk.js";
import { rollBack } from "./net/passage.js";
import type { Family } from "./net/ip.js";
import { packet } from "./net/packet.js";
import { printable } from "./net/printable.js";
import type { Chain, Rule, RuleSet } from "./net/iptables/rule.js";
import type { TableName } from "./net/iptables/tables.js";
import type { KubeProxy } from "./node/proxy/kube-proxy.js";
import { why, whyChain } from "./node/proxy/iptables/why.js";
import type { Kubelet } from "./node/kubelet/kubelet.js";
import type { Machine, Sandbox } from "./node/machine.js";

/** A node to look at and to break. */
export interface NodeHandle {
  name: string;
  machine: Machine;
  kubelet: Kubelet;
  /** Throws where the node has none, since its Node is gone. */
  readonly kubeProxy: KubeProxy;
  /** What the node's kernel holds, as rows that `show` draws as a table. */
  rules: NodeRuleTables;
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
  /** The machine dies: it answers nothing, forwards nothing, and says nothing to the API server. */
  stop(): void;
  /** It is back, with the rules and Pods that it had. */
  start(): void;
}

/** What a node's kernel holds, as rows and as text. */
export interface NodeRuleTables {
  /**
   * A chain's rules with their reasons; none where there is no such chain. `table`: default "nat".
   */
  chain(name: string, table?: TableName): RuleRow[];
  /** All chains of a table with what each is for. `table`: default "nat". */
  chains(table?: TableName): ChainRow[];
  /**
   * All rules for one Service ("default/nginx") or one of its ports ("default/nginx:http"), of all
   * tables, chain by chain.
   */
  of(service: string): RuleRow[];
  /** Where these rules send a Service's connections: "10.1.1.2:80", … */
  endpoints(service: string): string[];
  /** As iptables-save prints them. */
  text(family?: "IPv4" | "IPv6"): string;
  /** What kube-proxy gives iptables-restore on a full sync. */
  restoreText(family?: "IPv4" | "IPv6"): string;
  /**
   * What iptables-save shows in an empty kernel that was given restoreText and kube-proxy's jumps:
   * without canaries and others' rules.
   */
  saveText(family?: "IPv4" | "IPv6"): string;
}

/** One rule of a node, with its reason. */
export interface RuleRow {
  table: TableName;
  chain: string;
  rule: string;
  /** The object that caused it: "Service default/nginx". */
  object?: string;
  /** The field of that object. */
  field?: string;
  /** What it does, in one sentence, and in brackets what it comes from. */
  why: string;
}

/** One chain of a node, in short. */
export interface ChainRow {
  chain: string;
  rules: number;
  /** What it is for; left out where it is none of kube-proxy's or the kernel's. */
  why: string | undefined;
}

/** A Pod's processes, to look at and to break. */
export interface PodHandle {
  machine: Machine;
  sandbox: Sandbox;
  /** A container's process ends (default: the first one's); the kubelet will notice. */
  crash(container?: string): void;
  /** Whether its processes say that they are well; a readiness probe asks them. */
  setHealthy(healthy: boolean): void;
}

/** `kubeProxy`: the node's, as long as its Node is there. */
export function nodeHandle(
  machine: Machine,
  kubelet: Kubelet,
  kubeProxy: () => KubeProxy | undefined,
): NodeHandle {
  return {
    name: machine.name,
    machine,
    kubelet,
    get kubeProxy() {
      const proxy = kubeProxy();
      if (proxy) return proxy;
      throw new Error(
        `${machine.name} has no kube-proxy, for it has no Node; its kubelet registers one when it starts`,
      );
    },
    rules: ruleTables(machine, kubeProxy),
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
}

export function ruleTables(
  { kernel }: Machine,
  kubeProxy: () => KubeProxy | undefined,
): NodeRuleTables {
  const written = (family: Family = "IPv4") => kubeProxy()?.lastSync(family)?.rules;
  return {
    ...ruleRows(() => iptables(kernel).rules.IPv4),
    text: (family) => written(family)?.saveText() ?? "",
    restoreText: (family) => written(family)?.restoreText() ?? "",
    saveText: (family) => written(family)?.asFullSync().saveText() ?? "",
  };
}

/** A rule set as rows. */
export function ruleRows(
  rules: () => RuleSet | undefined,
): Pick<NodeRuleTables, "chain" | "chains" | "of" | "endpoints"> {
  const rowsOf = (table: TableName, chain: Chain | undefined): RuleRow[] =>
    (chain?.rules ?? []).map((rule) => rowOf(table, chain!.name, rule));
  return {
    chain: (name, table = "nat") => rowsOf(table, rules()?.chain(table, name)),
    chains: (table = "nat") =>
      [...(rules()?.chains(table) ?? [])].map(({ name, rules: { length } }): ChainRow => ({
        chain: name,
        rules: length,
        why: whyChain(name),
      })),
    endpoints: (service) => [
      ...new Set(
        of(service).flatMap(({ rule }) => /-j DNAT --to-destination (\S+)/.exec(rule)?.[1] ?? []),
      ),
    ],
    of,
  };
  function of(service: string): RuleRow[] {
    const all = (["nat", "filter"] as const).flatMap((table) =>
      [...(rules()?.chains(table) ?? [])].flatMap((chain) => rowsOf(table, chain)),
    );
    const named = all.filter(
      ({ rule, object }) =>
        object === `Service ${service}` ||
        comment(rule)
          ?.split(" ")
          .some((word) => word === service || word.startsWith(`${service}:`)),
    );
    const its = /^KUBE-(EXT|FW|SVC|SVL|SEP)-/,
      own = new Set<string>(),
      rows = new Set(named);
    for (const row of rows)
      for (const chain of [row.chain, /-j (\S+)$/.exec(row.rule)?.[1] ?? ""]) {
        if (!its.test(chain) || own.has(chain)) continue;
        own.add(chain);
        // a Set's loop goes on to what is added: so the jumps are followed
        for (const each of all) if (each.chain === chain) rows.add(each);
      }
    return all.filter((row) => rows.has(row));
  }
}

const comment = (rule: string): string | undefined =>
  /--comment (?:"([^"]*)"|(\S+))/.exec(rule)?.slice(1).find(Boolean);

const rowOf = (table: TableName, chain: string, rule: Rule): RuleRow => ({
  table,
  chain,
  rule: ruleText(rule),
  ...(rule.purpose?.object && { object: rule.purpose.object }),
  ...(rule.purpose?.field && { field: rule.purpose.field }),
  why: why(rule, chain),
});

export function podHandle(network: Network, key: string): PodHandle {
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
  return {
    machine,
    sandbox,
    crash: (container = sandbox.pod.spec.containers[0]!.name) => machine.crash(sandbox, container),
    setHealthy: (healthy) => void (sandbox.sick = !healthy),
  };
}
