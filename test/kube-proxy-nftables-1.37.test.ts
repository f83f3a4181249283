/**
 * What kube-proxy 1.37.0 writes in nftables mode, recorded from its own code: 40 drawn sets of
 * objects, each with the transaction of a first sync. The recorder is a test beside upstream's
 * (conformance/kube-proxy-nftables-1.37.go.txt, in pkg/proxy/nftables of the Go module
 * k8s.io/kubernetes v1.37.0), which drives the Proxier with knftables' fake of nft.
 */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { received } from "stopover/internal/objects/received";
import type { KubeObject, Node } from "stopover/internal/objects/types";
import { LivingKubeProxy } from "./living-kube-proxy.js";

const record = new URL("../conformance/kube-proxy-nftables-1.37.json.br", import.meta.url);
const { cases } = JSON.parse(String(brotliDecompressSync(readFileSync(record)))) as {
  cases: { objects: KubeObject[]; transaction: string }[];
};

/** As upstream's tests have it. */
const document =
  "{apiVersion: kubeproxy.config.k8s.io/v1alpha1, kind: KubeProxyConfiguration, clusterCIDR: 10.0.0.0/8, nodePortAddresses: [192.168.0.2/32]}";
const node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "test-node" },
  spec: {},
  status: { addresses: [{ type: "InternalIP", address: "192.168.0.2" }] },
} as Node;

const site = {
  node: "test-node",
  serviceCIDRs: ["172.30.0.0/16"],
  interfaces: [{ name: "eth0", addresses: ["192.168.0.2/24"] }],
};

function transactionFor(objects: readonly KubeObject[]): string {
  const all = [node, ...objects.map((one) => received(one))];
  return new LivingKubeProxy(document, all, "1.37", site).transactionOf("IPv4");
}

/**
 * Line by line: Go walks the Services in any order. The fake deletes a counter by its handle, and
 * its line goes on into the next one; a real nft gets the name. (knftables, Counter.writeOperation)
 */
const lines = (text: string): string[] =>
  text
    .trim()
    .replaceAll(
      /(add counter ip kube-proxy (\S+)\n)delete counter ip kube-proxy handle \d+/g,
      "$1delete counter ip kube-proxy $2\n",
    )
    .split("\n")
    .sort();

test("there are forty cases", () => assert.is(cases.length, 40));

for (const [i, { objects, transaction }] of cases.entries())
  test(`case ${i}: ${objects.map(({ metadata }) => metadata.name).join(", ")}`, () =>
    assert.equal(lines(transactionFor(objects)), lines(transaction)));

test.run();
