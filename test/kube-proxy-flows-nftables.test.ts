/**
 * The packet-flow cases of kube-proxy's iptables tests (test/conformance), through the rules of its
 * nftables mode and a whole kernel's walk. Where the two modes mean to differ, the row says why.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { everyWay } from "stopover/internal/net/choice";
import { Kernel } from "stopover/internal/net/kernel";
import { endpoint } from "stopover/internal/net/ip";
import { packet, type Transport } from "stopover/internal/net/packet";
import { rollBack, type Walk } from "stopover/internal/net/passage";
import { configFor, defaults } from "stopover/internal/node/proxy/config";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { KubeProxy } from "stopover/internal/node/proxy/kube-proxy";
import { nftablesMode } from "stopover/internal/node/proxy/nftables/backend";
import type { Node } from "stopover";
import { recordedFlows, type Case, type Proxier, type SyncStep } from "./recorded-flows.js";

/** The node of the cases, with its rules. */
function nodeOf(proxier: Proxier, step: SyncStep): Kernel {
  const { ipFamily, nodeName, nodeIP, interfaceAddresses } = proxier;
  const clock = new VirtualClock(0);
  const config = {
    ...defaults,
    clusterCIDR: proxier.localDetector.cidr,
    nodePortAddresses: proxier.nodePortAddresses,
    nftables: { ...defaults.nftables, masqueradeAll: proxier.masqueradeAll },
  };
  const services = {
    IPv4: new ServiceTable(configFor("IPv4", config)),
    IPv6: new ServiceTable(configFor("IPv6", config)),
  };
  for (const service of step.services)
    services[ipFamily].setService(
      `${service.metadata.namespace}/${service.metadata.name}`,
      service,
    );
  for (const slice of step.endpointSlices)
    services[ipFamily].setEndpointSlice(
      `${slice.metadata.namespace}/${slice.metadata.name}`,
      slice,
    );
  const kernel = new Kernel({
    name: nodeName,
    clock,
    forwarding: true,
    interfaces: [{ name: "eth0", addresses: interfaceAddresses }],
  });
  for (const to of ["0.0.0.0/0", "::/0"]) kernel.routes.add({ to, dev: "eth0" });
  // a Node's addresses are those of its interfaces here; the first is its primary one
  const others = interfaceAddresses.map((each) => each.split("/")[0]!);
  const isPlain = (each: string): boolean => !each.startsWith("127.") && each !== "::1";
  const addresses = [...new Set([nodeIP, ...others])].filter(isPlain);
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName },
    spec: {},
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  } as unknown as Node;
  const proxy = new KubeProxy({ node, config, clock, kernel, services, mode: nftablesMode() });
  proxy.start();
  clock.settle();
  return kernel;
}

/** Every end, as kube-proxy's tests write it, and whether the source became the node's. */
function traced(kernel: Kernel, { sourceIP, destIP, destPort, protocol = "tcp" }: Case) {
  const ends = new Set<string>();
  const from = endpoint(sourceIP, 40_000);
  const to = endpoint(destIP, destPort);
  let masq = false;
  for (const { result } of everyWay((choose) => {
    const walk: Walk = { choose, undo: [] };
    const sent = packet(from, to, protocol.toUpperCase() as Transport);
    const isOwn = kernel.interfaces.some(({ addresses }) =>
      addresses.some((each) => each.split("/")[0] === sourceIP),
    );
    const verdict = isOwn ? kernel.send(sent, walk) : kernel.receive(sent, "eth0", walk);
    rollBack(walk);
    return verdict;
  })) {
    const { kind } = result;
    const { destination, destinationPort, source } = result.packet;
    if (kind === "drop" || kind === "reject") ends.add(kind.toUpperCase());
    else if (destination !== destIP || destinationPort !== destPort)
      ends.add(endpoint(destination, destinationPort));
    masq ||= source !== sourceIP;
  }
  return { expect: [...ends].sort().join(", "), masq };
}

const sorted = (text: string): string => text.split(", ").sort().join(", ");

/** What nftables' mode does otherwise: which case, how it ends, and why. */
const otherwise: readonly [name: RegExp, expect: string, why: string][] = [
  [
    /TCP-only port does not match UDP|svc1 does not accept svc2's ports/,
    "REJECT",
    "undefined ports of an active ClusterIP are rejected (pkg/proxy/nftables/proxier.go, setupNFTables: cluster-ips-check)",
  ],
  [
    /ACCEPT \(NodePortHealthCheck\)/,
    "",
    "health check ports are opened by iptables' mode alone (pkg/proxy/iptables/proxier.go, syncProxyRules: KUBE-NODEPORTS of the filter table)",
  ],
  [
    /localhost to nodePort gets masqueraded/,
    "",
    "nobody answers for NodePorts on 127.0.0.1 (pkg/proxy/nftables/proxier.go, setupNFTables: addresses of loopback are left out; KEP-3866)",
  ],
  [
    /localhost-nodeports (enabled|disabled): external to nodePort on secondary IP/,
    "",
    "without --nodeport-addresses, the primary address alone answers (cmd/kube-proxy/app/server_linux.go, platformApplyDefaults; KEP-3866)",
  ],
];

const flows = suite("kube-proxy's packet-flow cases in nftables mode");
for (const { test, variant, proxier, steps } of recordedFlows.tests)
  for (const [number, step] of steps.entries()) {
    if (step.cases.length === 0) continue;
    const kernel = nodeOf(proxier, step);
    const title = [test, variant, steps.length > 1 ? `step ${number}` : ""]
      .filter(Boolean)
      .join(", ");
    for (const each of step.cases) {
      const name = `${title}: ${each.name}`;
      flows(name, () => {
        const [, expect, why] = otherwise.find(([pattern]) => pattern.test(name)) ?? [];
        const seen = traced(kernel, each);
        assert.is(seen.expect, expect ?? sorted(each.expect), why ?? "the same in both modes");
        // who refuses translates nothing; the node's own address stays when it is masqueraded
        const isOwn = proxier.interfaceAddresses.some(
          (address) => address.split("/")[0] === each.sourceIP,
        );
        const isTold = !isOwn && why === undefined && !/DROP|REJECT/.test(each.expect);
        if (isTold) assert.is(seen.masq, each.masq, "masqueraded");
      });
    }
  }
flows.run();
