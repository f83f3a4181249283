/**
 * Both modes of kube-proxy on the same random clusters and packets: each end has the same
 * probability, or the modes mean to differ there.
 *
 *     STOPOVER_REQUESTS=10000 node test/dist/both-modes.test.js       default: 1,000
 */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { kubernetes } from "stopover/internal/objects/kubernetes";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { everyWay, toNumber } from "stopover/internal/net/choice";
import { endpoint } from "stopover/internal/net/ip";
import { Kernel, type Verdict } from "stopover/internal/net/kernel";
import { rollBack, type Walk } from "stopover/internal/net/passage";
import { configFor } from "stopover/internal/node/proxy/config";
import { readConfiguration } from "stopover/internal/node/proxy/configuration";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { iptablesMode } from "stopover/internal/node/proxy/iptables/backend";
import { KubeProxy } from "stopover/internal/node/proxy/kube-proxy";
import { nftablesMode } from "stopover/internal/node/proxy/nftables/backend";
import type { Service } from "stopover";
import { aim, cluster, shot, shown, type Cluster, type Sent } from "./oracle/clusters.js";
import { nodeAddresses, podRanges } from "./oracle/rig.js";
import { seed } from "./seed.js";

const requests = Number(process.env["STOPOVER_REQUESTS"] ?? 1000);
const each = 20;

const modes = { iptables: iptablesMode, nftables: nftablesMode };

function nodeIn(
  mode: keyof typeof modes,
  { family, node, services, slices, proxy }: Cluster,
  version?: string,
) {
  const clock = new VirtualClock(0);
  const read = readConfiguration(proxy);
  // each mode has a field of its own
  const { masqueradeAll } = read.iptables;
  const config = { ...read, nftables: { ...read.nftables, masqueradeAll } };
  const kernel = new Kernel({
    name: "node-a",
    clock,
    forwarding: true,
    routeLocalnet: true,
    interfaces: [
      { name: "eth0", addresses: [`${nodeAddresses.IPv4}/32`, `${nodeAddresses.IPv6}/128`] },
      { name: "pods", addresses: [] },
    ],
  });
  for (const to of ["0.0.0.0/0", "::/0"]) kernel.routes.add({ to, dev: "eth0" });
  for (const to of Object.values(podRanges)) kernel.routes.add({ to, dev: "pods" });
  const tables = {
    IPv4: new ServiceTable(configFor("IPv4", config, { kubernetes: kubernetes(version) })),
    IPv6: new ServiceTable(configFor("IPv6", config, { kubernetes: kubernetes(version) })),
  };
  for (const service of services)
    tables[family].setService(`default/${service.metadata.name}`, service);
  for (const slice of slices)
    tables[family].setEndpointSlice(`default/${slice.metadata.name}`, slice);
  new KubeProxy({ node, config, clock, kernel, services: tables, mode: modes[mode]() }).start();
  clock.settle();
  return kernel;
}

/** Each end with its probability. */
function endsOf(kernel: Kernel, { packet, from }: Sent): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { probability, result } of everyWay((choose) => {
    const walk: Walk = { choose, undo: [] };
    const verdict =
      from === "process" ? kernel.send(packet, walk) : kernel.receive(packet, from, walk);
    rollBack(walk);
    return verdict;
  })) {
    const end = endText(result);
    ends.set(end, (ends.get(end) ?? 0) + toNumber(probability));
  }
  return ends;
}

const endText = ({ kind, packet }: Verdict): string =>
  kind === "drop" || kind === "reject"
    ? kind
    : `${kind} ${packet.source} -> ${endpoint(packet.destination, packet.destinationPort)}`;

const isSame = (x: Map<string, number>, y: Map<string, number>): boolean =>
  x.size === y.size && [...x].every(([end, p]) => Math.abs((y.get(end) ?? 0) - p) < 1e-6);

type Ends = Map<string, number>;

const isAt = (address: string, { spec, status }: Service): boolean =>
  (spec.externalIPs ?? []).includes(address) ||
  (status?.loadBalancer?.ingress ?? []).some(({ ip }) => ip === address);

/**
 * Why the modes mean to differ, and where kube-proxy 1.35.4 does it; undefined: they should not.
 */
function reason({ packet, from }: Sent, world: Cluster, x: Ends, y: Ends): string | undefined {
  const { destination, destinationPort, flags, protocol } = packet;
  const [old, young] = [[...x.keys()].join(), [...y.keys()].join()];
  const unchanged = `-> ${endpoint(destination, destinationPort)}`;
  const isOpening = protocol !== "TCP" || flags === undefined || flags === "SYN";
  if (old === "drop" && (!isOpening || packet.outOfWindow))
    return "iptables' mode drops what conntrack calls INVALID (pkg/proxy/iptables/proxier.go, syncProxyRules: KUBE-FORWARD); nftables' has no such rule";
  const isCluster = world.services.some(({ spec }) => spec.clusterIPs?.includes(destination));
  if (isCluster && young === "reject" && old.endsWith(unchanged))
    return "undefined ports of an active ClusterIP are rejected (pkg/proxy/nftables/proxier.go, setupNFTables: cluster-ips-check)";
  const isOwn = destination.startsWith("127.") || destination === "::1" || isNode(destination);
  if (isOwn && (young.endsWith(unchanged) || old.endsWith(unchanged)))
    return "NodePorts are answered, dropped and rejected on the addresses of nodeport-ips alone (pkg/proxy/nftables/proxier.go, setupNFTables)";
  const isRefused = young === "reject" || young === "drop";
  if (from === "process" && isRefused && old.endsWith(unchanged))
    return "a node's own packets to external addresses are checked in nftables' mode alone (pkg/proxy/nftables/proxier.go, nftablesJumpChains: filter-output; pkg/proxy/iptables/proxier.go, iptablesJumpChains: KUBE-EXTERNAL-SERVICES from INPUT and FORWARD)";
  if (old === "reject" && young === "drop")
    return "nftables' mode asks for source ranges before endpoints (pkg/proxy/nftables/proxier.go, nftablesBaseChains: filter-prerouting-pre-dnat; pkg/proxy/nftables/README.md)";
  const rivals = world.services.filter(
    (service) =>
      isAt(destination, service) &&
      service.spec.ports?.some(({ port }) => port === destinationPort),
  );
  if (rivals.length > 1)
    return "two Services at one address: the first rule wins, and the last element of a map (pkg/proxy/nftables/proxier.go, nftElementStorage.ensureElem)";
  return undefined;
}

const isNode = (address: string): boolean => Object.values<string>(nodeAddresses).includes(address);

test(`both modes agree on ${requests} requests`, () => {
  const worlds = fc.sample(cluster, { numRuns: Math.ceil(requests / each), seed });
  const shots = fc.sample(fc.array(shot, { minLength: each, maxLength: each }), {
    numRuns: worlds.length,
    seed,
  });
  const differ: string[] = [];
  const meant = new Map<string, number>();
  for (const [i, world] of worlds.entries()) {
    const [old, young] = [nodeIn("iptables", world), nodeIn("nftables", world)];
    for (const [number, one] of shots[i]!.entries()) {
      const sent = aim(world, one, 1024 + number);
      const [x, y] = [endsOf(old, sent), endsOf(young, sent)];
      if (isSame(x, y)) continue;
      const why = reason(sent, world, x, y);
      if (why !== undefined) {
        meant.set(why, (meant.get(why) ?? 0) + 1);
        continue;
      }
      differ.push(
        `${one.from} to ${one.to} ${shown(sent)}\n  iptables ${JSON.stringify([...x])}\n  nftables ${JSON.stringify([...y])}`,
      );
    }
  }
  for (const [why, count] of meant) console.log(`both modes: ${count} times: ${why}`);
  console.log(`both modes: seed ${seed}: ${differ.length} of ${requests} differ`);
  assert.is(differ.join("\n"), "");
});

/**
 * Since 1.36 a node masquerades the hairpins of its own Pods alone: whose source comes by eth0 is
 * another node's Pod. (kubernetes 1.36, pkg/proxy/nftables/proxier.go: hairpinConnectionsSet)
 */
function withoutHairpinsOfOthers(ends: Ends, { from, packet: { source } }: Sent): Ends {
  if (from !== "eth0") return ends;
  return new Map(
    [...ends].map(([end, p]) => [
      end.includes(`-> ${endpoint(source, 0).slice(0, -1)}`) ? end.replace(/ .* -> /, " -> ") : end,
      p,
    ]),
  );
}

test("what 1.36 and 1.37 write otherwise in nftables' mode sends nobody elsewhere", () => {
  const worlds = fc.sample(cluster, { numRuns: Math.ceil(requests / each / 2), seed: seed + 1 });
  const shots = fc.sample(fc.array(shot, { minLength: each, maxLength: each }), {
    numRuns: worlds.length,
    seed: seed + 1,
  });
  const differ: string[] = [];
  for (const [i, world] of worlds.entries()) {
    const kernels = ["1.35", "1.36", "1.37"].map((version) => nodeIn("nftables", world, version));
    for (const [number, one] of shots[i]!.entries()) {
      const sent = aim(world, one, 1024 + number);
      const [usual, ...others] = kernels.map((kernel) =>
        withoutHairpinsOfOthers(endsOf(kernel, sent), sent),
      );
      for (const ends of others)
        if (!isSame(usual!, ends))
          differ.push(
            `${shown(sent)}\n  ${JSON.stringify([...usual!])}\n  ${JSON.stringify([...ends])}`,
          );
    }
  }
  assert.is(differ.join("\n"), "");
});

test.run();
