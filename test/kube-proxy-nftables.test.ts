/**
 * kube-proxy 1.35.4's own words in nftables mode: what `nft list ruleset` (1.0.6) showed where the
 * real one had run, beside what ours gives its node's kernel for the same objects. One of them
 * lived through 16 changes.
 */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "stopover";
import { preflight } from "stopover/internal/doors/lab/preflight";
import { kubernetes } from "stopover/internal/objects/kubernetes";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { fromBits } from "stopover/internal/net/ip";
import { Kernel } from "stopover/internal/net/kernel";
import { configFor } from "stopover/internal/node/proxy/config";
import { readConfiguration } from "stopover/internal/node/proxy/configuration";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { KubeProxy } from "stopover/internal/node/proxy/kube-proxy";
import { nftablesMode } from "stopover/internal/node/proxy/nftables/backend";
import { received } from "stopover/internal/objects/received";
import type { EndpointSlice, KubeObject, Node, Service } from "stopover";
import { needs } from "./needs.js";
import { seed } from "./seed.js";

interface Recording {
  about: string[];
  cases: { name: string; objects: string; kubeProxy: string; ruleset: string }[];
  steps: { step: string; ruleset: string }[];
}

const file = new URL("../conformance/kube-proxy-nftables.json.br", import.meta.url);
const { cases, steps } = JSON.parse(
  brotliDecompressSync(readFileSync(file)).toString("utf8"),
) as Recording;

const families = ["IPv4", "IPv6"] as const;

/** A kube-proxy of node-a that is given objects, and what its kernel then holds. */
class Living {
  readonly #clock = new VirtualClock(0);
  readonly #tables: Record<(typeof families)[number], ServiceTable>;
  readonly #proxy: KubeProxy;
  #held: ReadonlyMap<string, KubeObject> = new Map();

  constructor(kubeProxy: string, objects: readonly KubeObject[], version?: string) {
    const features = { kubernetes: kubernetes(version) };
    const config = readConfiguration(parse(kubeProxy).kubeProxy!);
    this.#tables = {
      IPv4: new ServiceTable(configFor("IPv4", config, features)),
      IPv6: new ServiceTable(configFor("IPv6", config, features)),
    };
    this.#give(objects);
    this.#proxy = new KubeProxy({
      node: objects.find(({ metadata }) => metadata.name === "node-a") as Node,
      config,
      clock: this.#clock,
      kernel: new Kernel({ name: "node-a", clock: this.#clock, interfaces: [] }),
      services: this.#tables,
      mode: nftablesMode(),
    });
    this.#proxy.start();
    this.#clock.settle();
  }

  /** The objects are others now: first EndpointSlices go, then all else; and some seconds pass. */
  become(objects: readonly KubeObject[]): void {
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    const left = [...this.#held.values()].filter(
      ({ kind, metadata }) => kind !== "EndpointSlice" || names.has(metadata.name),
    );
    this.#give(left);
    this.#clock.advance(10);
    this.#give(objects);
    this.#clock.advance(3490);
  }

  /** Which objects kube-proxy watches: proxies of another name take the others. */
  #give(objects: readonly KubeObject[]): void {
    const others = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"];
    const watched = objects.filter(
      ({ metadata: { labels = {} } }) => !others.some((label) => label in labels),
    );
    const next = new Map(
      watched.map((each) => [
        `${each.kind} ${each.metadata.namespace ?? "default"}/${each.metadata.name}`,
        each,
      ]),
    );
    for (const id of new Set([...this.#held.keys(), ...next.keys()]))
      if (JSON.stringify(next.get(id)) !== JSON.stringify(this.#held.get(id)))
        this.#set(id, next.get(id));
    this.#held = next;
  }

  #set(id: string, object: KubeObject | undefined): void {
    const [kind, key = ""] = id.split(" ");
    for (const table of Object.values(this.#tables))
      if (kind === "Service") table.setService(key, object as Service | undefined);
      else if (kind === "EndpointSlice")
        table.setEndpointSlice(key, object as EndpointSlice | undefined);
  }

  get listed(): string {
    return families.map((family) => this.#proxy.tables.text(family)).join("");
  }

  get transaction(): string {
    return families.map((family) => this.#proxy.tables.restoreText(family)).join("");
  }
}

const objectsOf = (text: string): KubeObject[] =>
  parse(text, { as: "dump" }).manifests.map(({ object }) => received(object));

/** The blocks of a listing, each as it is, sorted: kube-proxy goes through Services by chance. */
const blocks = (text: string): string =>
  text
    .split(/\n\n|\n(?=table)/)
    .map((block) => block.replace(/\n}\s*$/, ""))
    .sort()
    .join("\n\n");

const recorded = suite("kube-proxy 1.35.4, nftables mode");

/** Those with more than one service port, or with endpoints of two kinds: in another order. */
const byChance = new Set([
  "clusterip-multiport",
  "nodeport-tcp-udp-sctp",
  "r2-lb-udp-sctp",
  "terminating-local-only",
  "two-services-two-namespaces",
]);

for (const { name, objects, kubeProxy, ruleset } of cases)
  recorded(`${name}: the node's rules are the real kube-proxy's, byte for byte`, () => {
    const ours = new Living(kubeProxy, objectsOf(objects)).listed.trim();
    assert.is(blocks(ours), blocks(ruleset.trim()));
    if (!byChance.has(name)) assert.is(ours, ruleset.trim());
  });

/** The objects of a step; two of the steps are of cases that are not among these. */
function objectsAt(step: string): KubeObject[] {
  const name = step.replace(/^\d+-/, "");
  const of = (wanted: string): string => cases.find((each) => each.name === wanted)!.objects;
  const everybody = of("lb-source-ranges-all");
  switch (name) {
    case "lb-cluster":
      return objectsOf(everybody.replace(/.*loadBalancerSourceRanges.*\n/, ""));
    case "lb-source-ranges":
      return objectsOf(everybody.replace("0.0.0.0/0", "203.0.113.0/24, 198.51.100.0/24"));
    default:
      return objectsOf(of(name));
  }
}

recorded("one kube-proxy lives through 16 changes: emptied chains stay until a later sync", () => {
  const { kubeProxy } = cases.find(({ name }) => name === "clusterip-three")!;
  const living = new Living(kubeProxy, objectsAt(steps[0]!.step));
  for (const { step, ruleset } of steps) {
    living.become(objectsAt(step));
    assert.is(blocks(living.listed.trim()), blocks(ruleset.trim()), step);
  }
});

const judged = suite("the real nft");

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((word) => fromBits("IPv4", word).text);
/** Some that lie in each other, touch, or are a single address, and the node's own. */
const ranges = fc.oneof(
  fc.tuple(address, fc.integer({ min: 8, max: 32 })).map(([text, length]) => `${text}/${length}`),
  fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/24", "192.168.1.0/24", "10.9.8.7/32"),
);
const policy = fc.constantFrom("Cluster", "Local");
const service = fc.record({
  clusterIP: address,
  type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
  externalIPs: fc.array(address, { maxLength: 2 }),
  balancers: fc.array(address, { maxLength: 2 }),
  loadBalancerSourceRanges: fc.array(ranges, { maxLength: 4 }),
  externalTrafficPolicy: policy,
  internalTrafficPolicy: policy,
  sessionAffinity: fc.constantFrom("None", "ClientIP"),
  protocol: fc.constantFrom("TCP", "UDP", "SCTP"),
  port: fc.integer({ min: 1, max: 65535 }),
  endpoints: fc.array(fc.integer({ min: 2, max: 250 }), { maxLength: 4 }),
});
const configuration = fc.constantFrom(
  "clusterCIDR: 10.1.0.0/16",
  "nodePortAddresses: [192.168.0.0/16, 127.0.0.0/8]",
  "nodePortAddresses: [0.0.0.0/0]",
  "detectLocalMode: BridgeInterface, detectLocal: {bridgeInterface: cni0}",
  "nftables: {masqueradeAll: true, masqueradeBit: 31}",
);

type Drawn = typeof service extends fc.Arbitrary<infer T> ? T : never;

const node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-a" },
  spec: { podCIDRs: ["10.1.1.0/24"] },
  status: {
    addresses: ["192.168.0.1", "192.168.7.200", "192.168.10.3"].map((address) => ({
      type: "InternalIP",
      address,
    })),
  },
};

function objectsFor(
  { endpoints, balancers, protocol, port, type, ...spec }: Drawn,
  index: number,
): object[] {
  const [name, namespace] = [`web${index}`, "default"];
  const isExternal = type !== "ClusterIP";
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: {
        ...spec,
        type,
        clusterIPs: [spec.clusterIP],
        ports: [{ name: "http", protocol, port, ...(isExternal && { nodePort: 30000 + index }) }],
      },
      status: { loadBalancer: { ingress: balancers.map((ip) => ({ ip })) } },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${name}-x`,
        namespace,
        labels: { "kubernetes.io/service-name": name },
      },
      addressType: "IPv4",
      endpoints: endpoints.map((last) => ({
        addresses: [`10.1.${last % 3}.${last}`],
        nodeName: last % 3 === 1 ? "node-a" : "node-b",
        conditions: { ready: true },
      })),
      ports: [{ name: "http", port: 8080, protocol }],
    },
  ];
}

if (needs(judged, "the real nft takes what is sent, and lists it in our words", preflight()))
  judged("takes what is sent, and lists it in our words", () => {
    const property = fc.property(
      fc.array(service, { minLength: 1, maxLength: 4 }),
      configuration,
      fc.constantFrom("1.35", "1.36", "1.37"),
      (services, config, version) => {
        const objects = [node, ...services.flatMap(objectsFor)].map((each) =>
          received(each as KubeObject),
        );
        const document = `{apiVersion: kubeproxy.config.k8s.io/v1alpha1, kind: KubeProxyConfiguration, ${config}}`;
        const living = new Living(document, objects, version);
        const listed = execFileSync("unshare", ["-n", "sh", "-c", "nft -f - && nft list ruleset"], {
          input: living.transaction,
          encoding: "utf8",
        });
        assert.is(living.listed, listed);
      },
    );
    fc.assert(property, { seed, numRuns: 40 });
  });

recorded.run();
judged.run();
