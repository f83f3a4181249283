/**
 * kube-proxy's packet-flow cases once more (test/kube-proxy-conformance.test.ts evaluates their
 * rules): each as a packet on the whole path, every way that it can go.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openSnapshot, type Journey, type KubeObject, type Snapshot } from "stopover";

interface Case {
  name: string;
  sourceIP: string;
  protocol?: "tcp" | "udp" | "sctp";
  destIP: string;
  destPort: number;
  output?: string;
  outputs?: string[];
  masq?: boolean;
}
interface SyncStep {
  services: KubeObject[];
  endpointSlices: KubeObject[];
  cases: Case[];
}
interface Proxier {
  nodeName: string;
  interfaceAddresses: string[];
  localDetector: { cidr: string };
  nodePortAddresses: string[];
  masqueradeAll: boolean;
  localhostNodePorts: boolean;
}

const file = new URL("../conformance/kube-proxy-packet-flows.json", import.meta.url);
const { tests } = JSON.parse(readFileSync(file, "utf8")) as {
  tests: { test: string; variant: string | null; proxier: Proxier; steps: SyncStep[] }[];
};

/**
 * Upstream's tracer stops at the filter rule that accepts; on the whole path the health server
 * behind it answers.
 */
const accepted = (outputs: string[]): boolean => outputs.length === 1 && outputs[0] === "ACCEPT";

function open(
  {
    nodeName,
    interfaceAddresses,
    localDetector,
    nodePortAddresses,
    masqueradeAll,
    localhostNodePorts,
  }: Proxier,
  { services, endpointSlices }: SyncStep,
): Snapshot {
  const addresses = interfaceAddresses
    .map((a) => a.split("/")[0]!)
    .filter((a) => !/^127\.|^::1$/.test(a))
    .map((address) => ({ type: "InternalIP", address }));
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName },
    spec: {},
    status: { addresses },
  } as KubeObject;
  const kubeProxy = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    metadata: { name: "" },
    clusterCIDR: localDetector.cidr,
    nodePortAddresses,
    iptables: { masqueradeAll, localhostNodePorts },
  } as KubeObject;
  return openSnapshot({
    manifests: [node, ...services, ...endpointSlices].map((object) => ({
      object,
      source: "conformance",
      document: 1,
    })),
    kubeProxy,
  });
}

/**
 * What upstream's tracer would call this end: the endpoint, REJECT, DROP, or "" where no rule
 * decided.
 */
function outputOf({ disposition, destination = "", hops }: Journey): string {
  if (disposition === "rejected") return "REJECT";
  if (disposition === "dropped") return "DROP";
  return hops.some((hop) => hop.steps.some(({ action }) => action === "dnat")) ? destination : "";
}

const marked = ({ hops }: Journey): boolean =>
  hops.some((hop) =>
    hop.steps.some(({ action, rule }) => action === "mark" && rule!.includes("0x4000/0x4000")),
  );
const rulesMet = ({ hops }: Journey): string =>
  hops
    .flatMap((hop) => hop.steps)
    .map(({ chain, rule }) => `  ${chain} ${rule}`)
    .join("\n");

let cases = 0;
for (const { test: name, variant, proxier, steps } of tests) {
  for (const [number, step] of steps.entries()) {
    if (!step.cases.length) continue;
    const snapshot = open(proxier, step);
    for (const each of step.cases) {
      cases++;
      test(`${name}${variant ? ` (${variant})` : ""}, step ${number + 1}: ${each.name}`, () => {
        const expected = (each.outputs ?? [each.output ?? ""])
          .filter((output) => output !== "")
          .sort();
        const to = each.destIP.includes(":")
          ? `[${each.destIP}]:${each.destPort}`
          : `${each.destIP}:${each.destPort}`;
        const protocol = (each.protocol ?? "tcp").toUpperCase() as "TCP" | "UDP" | "SCTP";
        const { outcomes } = snapshot.packetOutcomes({
          node: proxier.nodeName,
          from: each.sourceIP,
          to,
          protocol,
        });
        const story = outcomes
          .map((o) => `${o.disposition}: ${o.reason}\n${rulesMet(o)}`)
          .join("\n");
        if (accepted(expected))
          return assert.equal(
            outcomes.map((o) => o.disposition),
            ["delivered"],
            story,
          );
        assert.equal(
          [...new Set(outcomes.map(outputOf))].filter((output) => output !== "").sort(),
          expected,
          story,
        );
        assert.is(outcomes.some(marked), each.masq ?? false, `masquerade\n${story}`);
        assert.ok(Math.abs(outcomes.reduce((sum, o) => sum + o.probability, 0) - 1) < 1e-12);
      });
    }
  }
}

test("all 70 cases ran", () => assert.is(cases, 70));

test.run();
