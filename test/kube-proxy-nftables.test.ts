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
import { fromBits } from "stopover/internal/net/ip";
import { received } from "stopover/internal/objects/received";
import type { KubeObject } from "stopover";
import { LivingKubeProxy } from "./living-kube-proxy.js";
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
    const ours = new LivingKubeProxy(kubeProxy, objectsOf(objects)).listed.trim();
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
  const living = new LivingKubeProxy(kubeProxy, objectsAt(steps[0]!.step));
  for (const { step, ruleset } of steps) {
    living.become(objectsAt(step));
    assert.is(blocks(living.listed.trim()), blocks(ruleset.trim()), step);
  }
});

const changes = suite("what nft is given after a change");

const webSlice = (index: number, ...hosts: number[]): object => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `web${index}-x`,
    namespace: "default",
    labels: { "kubernetes.io/service-name": `web${index}` },
  },
  addressType: "IPv4",
  endpoints: hosts.map((host) => ({
    addresses: [`10.1.2.${host}`],
    nodeName: "node-b",
    conditions: { ready: true },
  })),
  ports: [{ port: 8080, protocol: "TCP" }],
});
const webService = (index: number, spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: `web${index}`, namespace: "default" },
  spec: {
    type: "ClusterIP",
    clusterIPs: [`10.96.0.${index + 1}`],
    ports: [{ protocol: "TCP", port: 80 }],
    ...spec,
  },
});
const asReceived = (object: object): KubeObject => received(object as KubeObject);

/** A kube-proxy with so many Services of two endpoints each. */
const serving = (count: number): LivingKubeProxy => {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const objects = [
    node,
    ...indexes.flatMap((index) => [webService(index), webSlice(index, 2, 3)]),
  ].map(asReceived);
  return new LivingKubeProxy(configurationOf("clusterCIDR: 10.1.0.0/16"), objects);
};

/** Its texts since it started, without the words that every line has, and with short names. */
function givenAfter(living: LivingKubeProxy, ...objects: object[]): string[] {
  const before = living.sent.IPv4.length;
  for (const object of objects) living.change(asReceived(object));
  assert.is(living.sent.IPv6.length, 1, "nothing is written in the other family");
  return living.sent.IPv4.slice(before).map((text) =>
    text
      .replaceAll(" ip kube-proxy", "")
      .replace(/-[A-Z2-7]{8}-default/g, "-")
      .trim(),
  );
}

changes("of one slice among many Services, its Service's chains are written again", () => {
  assert.equal(givenAfter(serving(40), webSlice(7, 3, 4)), [
    `add chain endpoint-/web7/tcp/__10.1.2.3/8080
flush chain endpoint-/web7/tcp/__10.1.2.3/8080
add chain endpoint-/web7/tcp/__10.1.2.4/8080
flush chain endpoint-/web7/tcp/__10.1.2.4/8080
add chain service-/web7/tcp/
flush chain service-/web7/tcp/
add rule service-/web7/tcp/ ip daddr 10.96.0.8 ip saddr != 10.1.0.0/16 jump mark-for-masquerade
add rule service-/web7/tcp/ numgen random mod 2 vmap { 0 : goto endpoint-/web7/tcp/__10.1.2.3/8080 , 1 : goto endpoint-/web7/tcp/__10.1.2.4/8080 }
add rule endpoint-/web7/tcp/__10.1.2.3/8080 ip saddr 10.1.2.3 jump mark-for-masquerade
add rule endpoint-/web7/tcp/__10.1.2.3/8080 meta l4proto tcp dnat to 10.1.2.3:8080
add rule endpoint-/web7/tcp/__10.1.2.4/8080 ip saddr 10.1.2.4 jump mark-for-masquerade
add rule endpoint-/web7/tcp/__10.1.2.4/8080 meta l4proto tcp dnat to 10.1.2.4:8080
flush chain endpoint-/web7/tcp/__10.1.2.2/8080`,
  ]);
});

changes("an emptied chain is deleted by the next sync, in a transaction of its own", () => {
  const given = givenAfter(serving(2), webSlice(0, 3), webSlice(1, 2));
  assert.is(given.length, 3);
  assert.is(given[1], "delete chain endpoint-/web0/tcp/__10.1.2.2/8080");
  assert.not.match(given[2]!, /web0/);
});

changes("a Service without endpoints leaves its map, and is refused; its ClusterIP stays", () => {
  const [given] = givenAfter(serving(3), webSlice(1));
  assert.equal(given!.split("\n"), [
    'add element no-endpoint-services { 10.96.0.2 . tcp . 80 comment "default/web1" : goto reject-chain }',
    "flush chain endpoint-/web1/tcp/__10.1.2.2/8080",
    "flush chain endpoint-/web1/tcp/__10.1.2.3/8080",
    "flush chain service-/web1/tcp/",
    "delete element service-ips { 10.96.0.2 . tcp . 80 }",
  ]);
});

changes("another verdict takes the place of an element's own; sets that nobody needs go", () => {
  const sticky = webService(1, { sessionAffinity: "ClientIP" });
  const [first, second] = givenAfter(serving(3), sticky, webService(1));
  assert.match(
    first!,
    /^add set affinity-\/web1\/tcp\/__10\.1\.2\.2\/8080 \{ type ipv4_addr ; flags/m,
  );
  assert.match(second!, /^delete set affinity-\/web1\/tcp\/__10\.1\.2\.3\/8080$/m);
  const local = webService(1, { internalTrafficPolicy: "Local" });
  const [none] = givenAfter(serving(3), local);
  assert.match(none!, /^add element no-endpoint-services \{ 10\.96\.0\.2 \. tcp .*: drop \}$/m);
  const [drop] = givenAfter(serving(3), local, webSlice(1)).slice(-1);
  assert.match(
    drop!,
    /^delete element no-endpoint-services .*\nadd element .*goto reject-chain \}/m,
  );
});

changes(
  "of two Services that claim an address, the other one has it once the first lets go",
  () => {
    const claim = { externalIPs: ["203.0.113.9"] };
    const living = serving(3);
    for (const index of [0, 1]) living.change(asReceived(webService(index, claim)));
    const [given] = givenAfter(living, webService(1));
    assert.match(
      given!,
      /delete element service-ips \{ 203\.0\.113\.9 \. tcp \. 80 \}\nadd element service-ips \{ 203\.0\.113\.9 \. tcp \. 80 : goto external-\/web0/,
    );
  },
);

changes("an address that is a Service's twice is taken out once: nft has it once", () => {
  const outside = "203.0.113.9";
  const twice = {
    ...webService(1, { type: "LoadBalancer", externalIPs: [outside] }),
    status: { loadBalancer: { ingress: [{ ip: outside }] } },
  };
  const living = serving(2);
  living.change(asReceived(twice));
  living.change(asReceived(webSlice(1)));
  const [given] = givenAfter(living, webSlice(1, 4)).slice(-1);
  assert.is(
    given!.split(`delete element no-endpoint-services { ${outside} . tcp . 80 }`).length,
    2,
  );
});

changes("of two Services with the same Pods of the node, a hairpin stays while one has it", () => {
  const onNode = (index: number, ...hosts: number[]): object => {
    const slice = webSlice(index, ...hosts) as { endpoints: object[] };
    return { ...slice, endpoints: slice.endpoints.map((one) => ({ ...one, nodeName: "node-a" })) };
  };
  const objects = [node, ...[0, 1].flatMap((i) => [webService(i), onNode(i, 2, 3)])];
  const living = new LivingKubeProxy(
    configurationOf("clusterCIDR: 10.1.0.0/16"),
    objects.map(asReceived),
    "1.37",
  );
  const [first, second] = givenAfter(living, onNode(0, 3), onNode(1, 3));
  assert.not.match(first!, /hairpin-connections/, "the other Service has 10.1.2.2, too");
  assert.match(second!, /^delete element hairpin-connections \{ 10\.1\.2\.2 \. 10\.1\.2\.2 /m);
  const both = givenAfter(living, onNode(0, 2, 3)).join();
  assert.match(both, /^add element hairpin-connections \{ 10\.1\.2\.2 \. 10\.1\.2\.2 /m);
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

const configurationOf = (fields: string): string =>
  `{apiVersion: kubeproxy.config.k8s.io/v1alpha1, kind: KubeProxyConfiguration, ${fields}}`;

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
        const living = new LivingKubeProxy(configurationOf(config), objects, version);
        const listed = execFileSync("unshare", ["-n", "sh", "-c", "nft -f - && nft list ruleset"], {
          input: living.transaction,
          encoding: "utf8",
        });
        assert.is(living.listed, listed);
      },
    );
    fc.assert(property, { seed, numRuns: 40 });
  });

/** Addresses that several Services may claim, and one of them twice. */
const shared = { externalIPs: clashing(), balancers: clashing() };
function clashing(): fc.Arbitrary<string[]> {
  return fc.uniqueArray(fc.constantFrom("203.0.113.7", "203.0.113.8"));
}
const claims = fc
  .tuple(service, fc.record(shared), fc.constantFrom(80, 443))
  .map(([drawn, outside, port]) => ({ ...drawn, ...outside, port }));
const several = fc
  .array(claims, { minLength: 1, maxLength: 3 })
  .map((all) => all.map((each, i) => ({ ...each, clusterIP: `10.96.0.${i + 1}` })));

if (needs(judged, "the real nft takes each change, and lists it in our words", preflight()))
  judged("takes each change, and lists it in our words", () => {
    const drawn = fc.array(several, { minLength: 2, maxLength: 4 });
    const version = fc.constantFrom("1.35", "1.36", "1.37");
    const property = fc.property(drawn, configuration, version, (steps, config, version) => {
      const [first, ...later] = steps.map((services) =>
        [node, ...services.flatMap(objectsFor)].map((each) => received(each as KubeObject)),
      );
      const living = new LivingKubeProxy(configurationOf(config), first!, version);
      const [texts, listed] = [[living.sent.IPv4], [living.listed]];
      for (const objects of later) {
        const before = living.sent.IPv4.length;
        living.become(objects);
        texts.push(living.sent.IPv4.slice(before));
        listed.push(living.listed);
      }
      const real = listedAfter(
        texts.map((each, i) => (i > 0 ? each : [living.sent.IPv4[0]!, living.sent.IPv6[0]!])),
      );
      for (const [i, text] of real.entries())
        assert.is(blocks(listed[i]!.trim()), blocks(text.trim()));
    });
    fc.assert(property, { seed, numRuns: 25, includeErrorInReport: true });
  });

/** Gives all to one nft, and answers what it lists after each of the steps. */
function listedAfter(steps: readonly (readonly string[])[]): string[] {
  const end = "==== end of a step ====";
  const script = steps.map(
    (texts) =>
      `${texts.map((text) => `nft -f - <<'TEXT'\n${text}TEXT\n`).join("")}nft list ruleset\necho '${end}'\n`,
  );
  const listed = execFileSync("unshare", ["-n", "sh", "-e"], {
    input: script.join(""),
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  return listed.split(`${end}\n`).slice(0, -1);
}

if (needs(judged, "what each change sends leads to what was recorded", preflight()))
  judged("what each change sends leads to what was recorded", () => {
    const { kubeProxy } = cases.find(({ name }) => name === "clusterip-three")!;
    const living = new LivingKubeProxy(kubeProxy, objectsAt(steps[0]!.step));
    let told = { IPv4: 0, IPv6: 0 };
    const given = steps.map(({ step }) => {
      living.become(objectsAt(step));
      const { IPv4, IPv6 } = living.sent;
      const texts = [...IPv4.slice(told.IPv4), ...IPv6.slice(told.IPv6)];
      told = { IPv4: IPv4.length, IPv6: IPv6.length };
      return texts;
    });
    const listed = listedAfter(given);
    for (const [i, { step, ruleset }] of steps.entries())
      assert.is(blocks(listed[i]!.trim()), blocks(ruleset.trim()), step);
  });

recorded.run();
changes.run();
judged.run();
