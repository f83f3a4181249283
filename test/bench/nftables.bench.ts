// The same figures in nftables mode, each beside iptables' of the same run.
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { seeded } from "stopover/internal/net/choice";
import { iptables } from "stopover/internal/net/iptables/walk";
import { Kernel } from "stopover/internal/net/kernel";
import { ruleSetOf } from "stopover/internal/net/nftables/ruleset";
import { nftables } from "stopover/internal/net/nftables/walk";
import { packet, type Packet } from "stopover/internal/net/packet";
import { rollBack, type Walk } from "stopover/internal/net/passage";
import { configFor, defaults, nftablesConfigFor } from "stopover/internal/node/proxy/config";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { NodeRules } from "stopover/internal/node/proxy/iptables/node-rules";
import { sharedRules as sharedXtables } from "stopover/internal/node/proxy/iptables/shared";
import { KubeProxy } from "stopover/internal/node/proxy/kube-proxy";
import "stopover/internal/node/proxy/nftables/load";
import { NodeTable } from "stopover/internal/node/proxy/nftables/node-table";
import { sharedRules } from "stopover/internal/node/proxy/nftables/shared";
import { transactionText } from "stopover/internal/node/proxy/nftables/transaction";
import type { Node } from "stopover/internal/objects/types";
import {
  bestOfThree,
  cluster,
  name,
  objects,
  programmed,
  seconds,
  service,
  slice,
  thousands,
  view,
} from "./rules.bench.js";

const modes = ["iptables", "nftables"] as const;
type Mode = (typeof modes)[number];

const config = { ...defaults, clusterCIDR: "10.0.0.0/8" };
const tableOf = (rules: ServiceTable): NodeTable =>
  new NodeTable(
    sharedRules(rules, () => nftablesConfigFor("IPv4", config)),
    rules.version,
    view,
  );

function fullRuleSet(): string {
  const given = objects(10_000); // what informers hold already
  let rules!: ServiceTable;
  let count = 0;
  const built = bestOfThree(() => {
    rules = programmed(given);
    count = 0;
    const table = tableOf(rules);
    for (const chain of table.chains()) count += chain.rules.length;
  });
  let text = "";
  const written = bestOfThree(() => (text = transactionText(tableOf(rules))));
  return `${thousands(count)} rules built in ${built.toFixed(2)} s of CPU (goal: 1), ${(text.length / 1e6).toFixed(0)} MB written as a transaction in ${written.toFixed(2)} s (goal: 0.5; best of three)`;
}

const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: view.name },
  spec: {},
  status: { addresses: [{ type: "InternalIP", address: view.nodeIP }] },
};
const machine = (clock: { now(): number }): Kernel => {
  const kernel = new Kernel({
    name: view.name,
    clock,
    forwarding: true,
    interfaces: [{ name: "eth0", addresses: [`${view.nodeIP}/24`] }],
  });
  kernel.routes.add({ to: "default", dev: "eth0" });
  return kernel;
};

let state = 1;
const choose = seeded(() => (state = (state * 16807) % 2147483647) / 2147483647);
const to = (i: number): Packet => packet("10.1.1.2:40000", `${service(i).spec.clusterIP}:80`);

/** A cluster in which one EndpointSlice changes again and again. */
class Changing {
  readonly #clock = new VirtualClock(0);
  readonly #rules: ServiceTable;
  readonly #kernel = machine(this.#clock);
  #round = 0;

  constructor(
    mode: Mode,
    readonly services: number,
  ) {
    this.#rules = cluster(services);
    const [clock, kernel] = [this.#clock, this.#kernel];
    const proxied = { IPv4: this.#rules };
    new KubeProxy({ node, config, clock, kernel, services: proxied, mode }).start();
    clock.settle();
  }

  /** Milliseconds of CPU from the change until kube-proxy has written it; of so many, the mean. */
  syncs(rounds: number): number {
    const changing = this.services >> 1;
    let taken = 0;
    for (let i = 0; i < rounds; i++) {
      taken += seconds(() => {
        const changed = slice(changing, 10, this.#round++ % 200);
        this.#rules.setEndpointSlice(`default/${name(changing)}-x`, changed);
        this.#clock.settle();
      });
      this.#clock.advance(2000);
    }
    return (taken / rounds) * 1000;
  }

  /** The same of the packet after it, to the Service that iptables' rules begin with. */
  nextPackets(rounds: number): number {
    const walk: Walk = { choose, undo: [] };
    const first = to(0);
    let taken = 0;
    for (let i = 0; i < rounds; i++) {
      this.syncs(1);
      taken += seconds(() => {
        if (this.#kernel.receive(first, "eth0", walk).kind !== "forward")
          throw new Error("the packet was not forwarded");
        rollBack(walk);
      });
    }
    return (taken / rounds) * 1000;
  }
}

interface Costs {
  sync: number;
  packet: number;
}

/** Both clusters in turn, so that they meet the same load, and the best of several times. */
function changes(mode: Mode): Record<"few" | "many", Costs> {
  const [few, many] = [100, 10_000].map((services) => new Changing(mode, services)) as [
    Changing,
    Changing,
  ];
  const best = (once: (of: Changing) => number): [number, number] => {
    const least: [number, number] = [Infinity, Infinity];
    for (let round = 0; round < 10; round++)
      [few, many].forEach((each, i) => (least[i] = Math.min(least[i]!, once(each))));
    return least;
  };
  for (const each of [few, many]) each.syncs(300); // until V8 has compiled it
  const [fewSync, manySync] = best((each) => each.syncs(100));
  const [fewPacket, manyPacket] = best((each) => each.nextPackets(10));
  return {
    few: { sync: fewSync, packet: fewPacket },
    many: { sync: manySync, packet: manyPacket },
  };
}

function change(): string {
  const lines = modes.map((mode) => {
    const { few, many } = changes(mode);
    const told = (of: keyof Costs): string =>
      `${few[of].toFixed(3)} ms among 100 Services, ${many[of].toFixed(3)} among 10,000`;
    return { few, many, text: `${mode}: sync ${told("sync")}; the next packet ${told("packet")}` };
  });
  const [xtables, nft] = lines.map(({ many }) => many.sync) as [number, number];
  const grown = lines[1]!.many.sync / lines[1]!.few.sync;
  return `one changed EndpointSlice: ${lines.map(({ text }) => text).join("; ")}; a sync of nftables takes ${(nft / xtables).toFixed(2)} times as long as one of iptables (goal: at most 1.5), among 10,000 ${grown.toFixed(2)} times as long as among 100 (goal: 1)`;
}

/** Looks at what a packet to the last of `services` ClusterIPs touches. */
function touched(mode: Mode, services: number): { rules: number; elements: number } {
  const rules = cluster(services);
  const kernel = machine({ now: () => 0 });
  let elements = 0;
  if (mode === "iptables")
    iptables(kernel).rules.IPv4 = new NodeRules(sharedXtables(rules), rules.version, view);
  else {
    const table = tableOf(rules);
    const find = table.element.bind(table);
    table.element = (...asked) => (elements++, find(...asked));
    nftables(kernel).rules = ruleSetOf(table);
  }
  const walk: Walk = { choose, undo: [], rules: 0 };
  if (kernel.receive(to(services - 1), "eth0", walk).kind !== "forward")
    throw new Error("the packet was not forwarded");
  rollBack(walk);
  return { rules: walk.rules!, elements };
}

function packets(): string {
  const lines = [1, 100, 10_000].map((services) => {
    const [xtables, nft] = modes.map((mode) => touched(mode, services));
    return `    ${String(services).padStart(6)} Services: iptables ${xtables!.rules} rules; nftables ${nft!.rules} rules, ${nft!.elements} elements`;
  });
  return ["one packet to the last ClusterIP looks at:", ...lines].join("\n");
}

/** The article's Service: three Pods behind a NodePort. */
function articles(mode: Mode): Kernel {
  const own = { ...defaults, clusterCIDR: "10.1.0.0/16" };
  const rules = new ServiceTable(configFor("IPv4", own));
  const metadata = { name: "nginx", namespace: "default" };
  rules.setService("default/nginx", {
    ...service(0),
    metadata,
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.2.1.1",
      ports: [{ name: "http", port: 8080, targetPort: 80, nodePort: 30519, protocol: "TCP" }],
    },
  });
  const labels = { "kubernetes.io/service-name": "nginx" };
  rules.setEndpointSlice("default/nginx-x", {
    ...slice(0, 3),
    metadata: { name: "nginx-x", namespace: "default", labels },
  });
  const clock = new VirtualClock(0);
  const kernel = machine(clock);
  new KubeProxy({ node, config: own, clock, kernel, services: { IPv4: rules }, mode }).start();
  clock.settle();
  return kernel;
}

function walks(): string {
  const sent = packet("203.0.113.9:40000", `${view.nodeIP}:30519`);
  const kernels = modes.map(articles);
  const walk: Walk = { choose, undo: [] };
  const run = (kernel: Kernel, n: number): void => {
    for (let i = 0; i < n; i++) {
      kernel.receive(sent, "eth0", walk);
      rollBack(walk);
    }
  };
  for (const kernel of kernels) run(kernel, 20_000);
  const best = [0, 0];
  // in turn, so that both meet the same load
  for (let round = 0; round < 6; round++)
    for (const [i, kernel] of kernels.entries())
      best[i] = Math.max(best[i]!, 50_000 / seconds(() => run(kernel, 50_000)));
  const [xtables, nft] = best as [number, number];
  return `walks of a packet through the article's rules: iptables ${thousands(xtables)} a second, nftables ${thousands(nft)}, ${(nft / xtables).toFixed(2)} times as many (goal: at least 1)`;
}

export const benches = [
  { name: "nftables: rules of 10,000 Services x 10 endpoints", run: fullRuleSet },
  { name: "nftables: one change", run: change },
  { name: "nftables: cost of a packet", run: packets },
  { name: "nftables: walks", run: walks },
];
