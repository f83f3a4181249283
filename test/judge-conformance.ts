/**
 * npm run conformance [-- GROUP] [-- --focus PATTERN]: Kubernetes' own conformance tests against
 * `stopover serve`. GROUP: network (default), apps, api-machinery, cli, or all of them.
 *
 * Go builds the tests of Kubernetes 1.35.4 out of the Go module k8s.io/kubernetes the first time:
 * ten minutes or so on two cores, 180 MB, kept in the user's cache folder. They need a kubectl that
 * speaks WebSocket (1.31 or later; KUBECTL names another one). What they say of themselves is read
 * from their own JSON report, and one that skips itself has failed. A line for each group, at its
 * end: `network: 47 of 47 pass`.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtByGo } from "./go-built.js";
import { lacking } from "./needs.js";
import { Served } from "./serve-harness.js";

const groups: Readonly<Record<string, string>> = {
  network: "\\[sig-network\\].*\\[Conformance\\]",
  apps: "\\[sig-apps\\] (Deployment|ReplicaSet) .*\\[Conformance\\]",
  "api-machinery":
    "\\[sig-api-machinery\\] (Watchers|Garbage collector|FieldValidation|Namespaces) .*\\[Conformance\\]",
  cli: "\\[sig-cli\\] Kubectl (client|logs) .*\\[Conformance\\]",
};

/** Images that tests take to be nowhere; here each image is somewhere unless its name says so. */
const missingImages = ["webserver:404"];

const args = process.argv.slice(2);
const focused = args.includes("--focus") ? args[args.indexOf("--focus") + 1] : undefined;
const group = args[0] !== undefined && !args[0].startsWith("--") ? args[0] : "network";
const kubectl = process.env["KUBECTL"] ?? "kubectl";
/** What is judged: its name, and the pattern of its tests. */
const asked: readonly (readonly [name: string, pattern: string])[] =
  focused !== undefined
    ? [["focused", focused]]
    : Object.entries(groups).filter(([name]) => group === "all" || group === name);

function giveUp(why: string): never {
  console.error(`conformance: ${why}`);
  process.exit(2);
}

/** What a spec's report says, as far as it is read here. (ginkgo: types.SpecReport) */
interface Spec {
  ContainerHierarchyTexts: string[] | null;
  LeafNodeType: string;
  LeafNodeText: string;
  State: string;
  RunTime: number;
  Failure?: { Message?: string; Location?: { FileName: string; LineNumber: number } };
}

const nameOf = ({ ContainerHierarchyTexts, LeafNodeText }: Spec): string =>
  [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(" ");

async function judge(name: string, pattern: string): Promise<number> {
  const binary = builtByGo("e2e.test");
  const folder = mkdtempSync(join(tmpdir(), "stopover-conformance-"));
  const report = join(folder, "report.json");
  const served = await Served.start(...missingImages.flatMap((one) => ["--missing-image", one]));
  try {
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, kubeconfigFor(served.url));
    await run(binary, [
      ...["--kubeconfig", kubeconfig, "--kubectl-path", kubectl, "--provider=skeleton"],
      ...["--allowed-not-ready-nodes=10", "--ginkgo.no-color", "--ginkgo.timeout=2h"],
      ...[`--ginkgo.focus=${pattern}`, `--ginkgo.json-report=${report}`],
    ]);
    const [suite] = JSON.parse(readFileSync(report, "utf8")) as { SpecReports: Spec[] }[];
    return verdict(name, suite!.SpecReports, new RegExp(pattern));
  } finally {
    served.process.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function verdict(name: string, specs: readonly Spec[], pattern: RegExp): number {
  const meant = specs.filter((one) => one.LeafNodeType === "It" && pattern.test(nameOf(one)));
  const failed = meant.filter(({ State }) => State !== "passed");
  for (const one of failed) console.log(`  ${one.State}: ${nameOf(one)}${whereOf(one)}`);
  console.log(`${name}: ${meant.length - failed.length} of ${meant.length} pass`);
  return failed.length === 0 && meant.length > 0 ? 0 : 1;
}

/** Why, and on which line of Kubernetes' own. */
function whereOf({ Failure }: Spec): string {
  if (!Failure) return "";
  const { Message = "", Location } = Failure;
  const file = Location?.FileName.replace(/^.*\/test\/e2e\//, "test/e2e/");
  return `\n    ${firstLine(Message)}${file ? ` (${file}:${Location!.LineNumber})` : ""}`;
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!.slice(0, 200);

const kubeconfigFor = (url: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "stopover", cluster: { server: url } }],
    contexts: [{ name: "stopover", context: { cluster: "stopover", user: "anybody" } }],
    users: [{ name: "anybody", user: {} }],
    "current-context": "stopover",
  });

/** What it says goes to standard error, for it takes long. */
function run(program: string, words: string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ["ignore", process.stderr, process.stderr] });
    child.on("exit", () => resolve());
  });
}

if (asked.length === 0)
  giveUp(`no group "${group}"; there are ${Object.keys(groups).join(", ")}, and all of them: all`);
const missing = lacking(kubectl);
if (missing.length > 0) giveUp(missing.join("; "));
try {
  for (const [name, pattern] of asked)
    process.exitCode = (await judge(name, pattern)) || process.exitCode || 0;
} catch (error) {
  giveUp((error as Error).message);
}
