/** What `nft list ruleset` showed where a real kube-proxy had written, by the cases' names. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

interface Recording {
  cases: { name: string; ruleset: string }[];
  steps: { step: string; ruleset: string }[];
}

const file = new URL("../conformance/kube-proxy-nftables.json.br", import.meta.url);
const { cases, steps } = JSON.parse(
  brotliDecompressSync(readFileSync(file)).toString("utf8"),
) as Recording;

export const recordedNftables: ReadonlyMap<string, string> = new Map([
  ...cases.map(({ name, ruleset }) => [name, ruleset] as const),
  ...steps.map(({ step, ruleset }) => [step, ruleset] as const),
]);

export const recorded = (name: string): string => recordedNftables.get(name)!;
