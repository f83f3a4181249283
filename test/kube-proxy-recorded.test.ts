/**
 * kube-proxy 1.35.4's own words: what iptables-save showed where the real one had run, beside what
 * ours gives its node's kernel for the same objects.
 */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openSnapshot, parse } from "stopover";

interface Recording {
  name: string;
  "objects.yaml": string;
  "kube-proxy.yaml": string;
  "iptables-save.txt": string;
  "ip6tables-save.txt": string;
}

const file = new URL("../conformance/kube-proxy-iptables-save.json", import.meta.url);
const { save } = JSON.parse(readFileSync(file, "utf8")) as { save: Recording[] };

for (const recording of save)
  test(`${recording.name}: the node's rules are the real kube-proxy's, line by line`, () => {
    const documents = `${recording["objects.yaml"]}\n---\n${recording["kube-proxy.yaml"]}`;
    const { rules } = openSnapshot(parse(documents), { nfacct: true }).node("node-a");
    assert.is(rules.text("IPv4").trim(), recording["iptables-save.txt"].trim());
    assert.is(rules.text("IPv6").trim(), recording["ip6tables-save.txt"].trim());
  });

test.run();
