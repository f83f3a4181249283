// kube-proxy's own packet-flow cases (test/conformance), by evaluating the rules as its test's
// tracer does.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  configFor,
  defaults,
  type FamilyConfig,
  type NodeView,
} from "stopover/internal/node/proxy/config";
import { NodeRules } from "stopover/internal/node/proxy/iptables/node-rules";
import { hash16 } from "stopover/internal/node/proxy/iptables/program";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { sharedRules } from "stopover/internal/node/proxy/iptables/shared";
import { endpoint, parseAddress } from "stopover/internal/net/ip";
import { compile } from "stopover/internal/net/iptables/match";
import {
  restoreProbability,
  restoreRule,
  saveProbability,
} from "stopover/internal/net/iptables/text";
import type { Rule } from "stopover/internal/net/iptables/rule";
import type { RuleSet } from "stopover/internal/net/iptables/syntax";
import type { TableName } from "stopover/internal/net/iptables/tables";
import { recordedFlows, type Case, type Proxier } from "./recorded-flows.js";

const configOf = (proxier: Proxier): FamilyConfig => ({
  ...configFor(
    proxier.ipFamily,
    {
      ...defaults,
      clusterCIDR: proxier.localDetector.cidr,
      nodePortAddresses: proxier.nodePortAddresses,
      conntrack: { tcpBeLiberal: proxier.conntrackTCPLiberal },
      iptables: {
        ...defaults.iptables,
        masqueradeAll: proxier.masqueradeAll,
        localhostNodePorts: proxier.localhostNodePorts,
      },
    },
    { randomFully: proxier.randomFully, nfacct: proxier.nfacct },
  ),
});
const viewOf = (proxier: Proxier): NodeView => ({
  name: proxier.nodeName,
  nodeIP: proxier.nodeIP,
  addresses: proxier.interfaceAddresses,
});

/**
 * Follows a packet as kube-proxy's own test does: every endpoint is listed, mark and ctstate
 * matches never hold.
 */
function trace(rules: RuleSet, packet: Case): { expect: string; masq: boolean; matched: string[] } {
  const outputs: string[] = [];
  const matched: string[] = [];
  let masq = false;
  const local = new Set([
    "127.0.0.1",
    "::1",
    "192.168.0.2",
    "192.168.1.2",
    "192.168.99.11",
    "2001:db8::1",
    "2001:db8:1::2",
  ]);
  let destination = packet.destIP;
  const never = (rule: Rule): boolean =>
    rule.matches.some(
      ({ kind, ...rest }) =>
        kind === "mark" ||
        kind === "conntrack" ||
        (kind === "recent" && (rest as { action: string }).action === "rcheck"),
    );
  const matches = (rule: Rule): boolean =>
    compile(
      rule.matches.filter(
        ({ kind }) => kind !== "statistic" && kind !== "recent" && kind !== "nfacct",
      ),
    )({
      protocol: (packet.protocol ?? "tcp").toUpperCase(),
      source: parseAddress(packet.sourceIP),
      destination: parseAddress(destination),
      sourcePort: 40000,
      destinationPort: packet.destPort,
      in: "",
      out: "",
      mark: 0,
      state: 0,
      choose: undefined as never,
      undo: undefined,
      kernel: {
        addressType: ({ text }) => (local.has(text) ? "LOCAL" : "UNICAST"),
        conntrack: undefined as never,
      },
    });
  const run = (table: TableName, name: string): boolean => {
    for (const rule of rules.chain(table, name)?.rules ?? []) {
      const { target } = rule;
      if (!target || never(rule) || !matches(rule)) continue;
      matched.push(restoreRule(rule, name));
      if (target.kind === "jump" && target.chain === "KUBE-MARK-MASQ") masq = true;
      else if (target.kind === "jump") {
        if (run(table, target.chain) && !rule.matches.some(({ kind }) => kind === "statistic"))
          return true;
      } else {
        outputs.push(target.kind === "DNAT" ? endpoint(target.address!, target.low!) : target.kind);
        return true;
      }
    }
    return false;
  };
  run("nat", "PREROUTING");
  if (outputs.length > 0) destination = outputs[0]!.replace(/^\[?(.*?)\]?:\d+$/, "$1");
  for (const chain of [
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-FIREWALL",
  ])
    run("filter", chain);
  return { expect: outputs.join(", "), masq, matched };
}

/** Upstream's tests call the mark so, and kube-proxy itself 0x00004000 (NewProxier: %#08x). */
const withShortMark = (text: string): string => text.replaceAll("0x00004000", "0x4000");

/** The test's normal form of a restore input; see goldenSemantics in the JSON. */
function normal(text: string): string {
  const tables = withShortMark(text)
    .split(/(?<=^COMMIT\n)/m)
    .filter(Boolean)
    .sort();
  const rank = (chain: string): string =>
    ({ "KUBE-NODEPORTS": "0", "KUBE-SERVICES": "1" })[chain] ?? `2${chain}`;
  return tables
    .map((table) => {
      const lines = table.trimEnd().split("\n");
      const chainOf = (line: string): string => line.split(/[: ]/)[1]!;
      const by =
        <T>(key: (line: string) => T) =>
        (x: string, y: string) =>
          key(x) < key(y) ? -1 : key(x) > key(y) ? 1 : 0;
      const service = (line: string): string =>
        line.includes("must be the last rule")
          ? "~"
          : (/^-A KUBE-(NODEPORTS|SERVICES) -m comment --comment "?([^ "]+)/.exec(line)?.[2] ?? "");
      const chains = lines
        .filter((line) => line.startsWith(":"))
        .sort(by((line) => rank(chainOf(line))));
      const rules = lines
        .filter((line) => line.startsWith("-A"))
        .sort(by((line) => `${rank(line.split(" ")[1]!)} ${service(line)}`));
      return [
        lines[0],
        ...chains,
        ...rules,
        ...lines.filter((line) => line.startsWith("-X")).sort(),
        "COMMIT",
        "",
      ].join("\n");
    })
    .join("");
}

const cases = suite("kube-proxy's packet-flow cases");
for (const { test, variant, proxier, steps } of recordedFlows.tests) {
  const services = new ServiceTable(configOf(proxier));
  for (const [number, step] of steps.entries()) {
    for (const service of step.services)
      services.setService(`${service.metadata.namespace}/${service.metadata.name}`, service);
    for (const slice of step.endpointSlices)
      services.setEndpointSlice(`${slice.metadata.namespace}/${slice.metadata.name}`, slice);
    const rules = new NodeRules(sharedRules(services), services.version, viewOf(proxier));
    const title = [test, variant, steps.length > 1 ? `step ${number}` : ""]
      .filter(Boolean)
      .join(", ");
    for (const each of step.cases) {
      cases(`${title}: ${each.name}`, () => {
        const { matched, ...seen } = trace(rules, each);
        assert.equal(
          seen,
          { expect: each.expect, masq: each.masq },
          `matched:\n${matched.join("\n")}`,
        );
      });
    }
    if (step.goldenRestoreSorted)
      cases(`${title}: the golden restore input`, () =>
        assert.fixture(normal(rules.restoreText()), normal(step.goldenRestoreSorted!)),
      );
    for (const { table, chain, lines } of step.chainEquals ?? [])
      cases(`${title}: chain ${chain}`, () =>
        assert.equal(
          rules.chain(table, chain)!.rules.map((rule) => withShortMark(restoreRule(rule, chain))),
          lines,
        ),
      );
    for (const address of step.natServicesHasDest ?? [])
      cases(`${title}: KUBE-SERVICES answers ${address}`, () =>
        assert.ok(
          rules
            .chain("nat", "KUBE-SERVICES")!
            .rules.some((rule) =>
              rule.matches.some((match) => match.kind === "destination" && match.cidr === address),
            ),
        ),
      );
  }
}
cases.run();

const vectors = suite("kube-proxy's vectors");
vectors("chain hashes", () => {
  for (const [text, hash] of Object.entries(recordedFlows.vectors.hash16.samples))
    assert.is(hash16(text), hash);
});
vectors("probabilities as restore and save write them", () => {
  const [restore, save] = Object.entries(recordedFlows.vectors.probability).map(
    ([, table]) => table,
  );
  assert.is(restoreProbability(2, 7), "0.2857142857", "and remembers it as no other's");
  assert.is(restoreProbability(1, 7), "0.1428571429");
  for (const [n, text] of Object.entries(restore!))
    assert.is(restoreProbability(1, Number(n)), text);
  for (const [n, text] of Object.entries(save!)) assert.is(saveProbability(1, Number(n)), text);
  assert.is(
    restoreProbability(1, 2048),
    "0.0004882812",
    "a half goes to the even digit, as Go prints it",
  );
});
vectors("jumps from the built-in chains", () => {
  const rules = new NodeRules(sharedRules(new ServiceTable(configFor("IPv4", defaults))), 0, {
    name: "a",
    addresses: [],
  });
  const expected = new Map<string, string[]>();
  for (const { table, from, args } of recordedFlows.vectors.jumpRules)
    expected.set(`${table} ${from}`, [
      `-A ${from} ${args}`,
      ...(expected.get(`${table} ${from}`) ?? []),
    ]);
  for (const [key, lines] of expected) {
    const [table, chain] = key.split(" ") as [TableName, string];
    assert.equal(
      rules.chain(table, chain)!.rules.map((rule) => withShortMark(restoreRule(rule, chain))),
      lines,
    );
  }
});
vectors.run();
