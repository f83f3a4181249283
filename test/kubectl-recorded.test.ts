/**
 * What kubectl printed on a real cluster of 1.35.4 (conformance/kubectl.json), and what it prints
 * on `stopover serve`: the same commands, in order.
 *
 * What two runs of a real cluster differ in (drawn names, addresses, times, the order of Pods)
 * becomes a word in both. What else differs stands in conformance/kubectl-differences.json with its
 * reason.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { lacking, needs } from "./needs.js";

interface Recorded {
  command: string;
  input?: string;
  code: number;
  output: string;
}
/** Lines that match are left out on both sides. */
interface Difference {
  command: string;
  lines: string[];
  reason: string;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../conformance/${name}`, import.meta.url), "utf8"));
const { commands } = read("kubectl.json") as { commands: Recorded[] };
const differences = read("kubectl-differences.json") as Difference[];

const kubectl = process.env["KUBECTL"] ?? "kubectl";
const root = fileURLToPath(new URL("../../", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "stopover-kubectl-recorded-"));
const test = suite("kubectl-recorded");
let server: ChildProcess | undefined;
let url = "";

async function start(): Promise<void> {
  const options = ["--port", "0", "--service-cidr", "10.96.0.0/12"];
  server = spawn(process.execPath, [join(root, "lib/cli.mjs"), "serve", "/dev/null", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let line = "";
  for await (const chunk of server.stdout!) if ((line += String(chunk)).includes("\n")) break;
  url = /http:\/\/[\d.:]+/.exec(line)![0];
}

/** The command with its own server, and both of its outputs as a terminal shows them. */
function run({ command, input }: Recorded): Promise<{ code: number; output: string }> {
  const line = command.replace(/^kubectl/, `"$KUBECTL" --server "$SERVER"`);
  return new Promise((resolve) => {
    const child = execFile(
      "sh",
      ["-c", `${line} 2>&1`],
      {
        env: { PATH: process.env["PATH"], HOME: home, KUBECTL: kubectl, SERVER: url },
        timeout: 60_000,
      },
      (error, output) => resolve({ code: error ? Number(error.code ?? 1) : 0, output }),
    );
    child.stdin!.end(input ?? "");
  });
}

// ---- comparing ----------------------------------------------------------------------------------

/** What is drawn, allocated, or the time, and what it becomes. */
const drawn: readonly [what: RegExp, word: string][] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UID"],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME"],
  [/\w{3}, \d+ \w{3} \d{4} [\d:]+ \+0000/g, "TIME"],
  [/resourceVersion: "\d+"/g, 'resourceVersion: "RV"'],
  [/\bweb-[a-z0-9]{8,10}-[a-z0-9]{5}\b/g, "POD"],
  [/\bweb-[a-z0-9]{8,10}\b/g, "REPLICASET"],
  [/\b(web|webnp)-[a-z0-9]{5}\b/g, "$1-SLICE"],
  [/pod-template-hash([=:]) ?[a-z0-9]{8,10}/g, "pod-template-hash$1HASH"],
  [/\b10\.1\.\d+\.\d+\b/g, "POD-IP"],
  [/\b10\.(9[6-9]|1[01]\d)\.\d+\.\d+\b/g, "CLUSTER-IP"],
  [/\b192\.168\.0\.\d\b/g, "NODE-IP"],
  [/\b3[0-2]\d{3}\b/g, "NODE-PORT"],
  [/\b(\d+m)?\d+s\b/g, "AGE"],
  [/\bnode-[abc]\b/g, "NODE"],
  [/\b(zone-|ap-south-1)[abc]\b/g, "ZONE"],
  [/^ *topology.kubernetes.io\/region=\S+\n/gm, ""], // the recording's nodes had zones only
  [/topology.kubernetes.io\/region=[^,]+,/g, ""],
  [/ \(x\d+ over AGE\)/g, ""],
  [/ +/g, " "], // columns are as wide as the names in them
];

const plain = (text: string): string =>
  drawn.reduce((so, [what, word]) => so.replace(what, word), text);

/** Where rows and their numbers are of chance, what is compared is which rows there are. */
const isOfRows = (command: string) => /\b(events|get pods|label pods|describe pod)\b/.test(command);
const isOfProgress = (command: string) => command.includes("rollout status");

function comparable(command: string, output: string): string {
  const lines = plain(output)
    .split("\n")
    .map((line) => line.trimEnd());
  const left = differences
    .filter((one) => one.command === command)
    .flatMap((one) => one.lines.map((pattern) => new RegExp(pattern)));
  const kept = lines.filter((line) => !left.some((pattern) => pattern.test(line)));
  if (isOfProgress(command)) return kept.filter((line) => !/^Waiting/.test(line)).join("\n");
  return isOfRows(command) ? [...new Set(kept)].sort().join("\n") : kept.join("\n");
}

const isReading = (command: string) => / (get|describe|history|events) ?/.test(command);
const PATIENCE = 10; // seconds until what controllers do must be seen

/** Controllers take their time: what is read is read again until it is as recorded. */
async function asRecorded(recorded: Recorded): Promise<{ code: number; output: string }> {
  const wanted = comparable(recorded.command, recorded.output);
  for (let left = PATIENCE * 4; ; left--) {
    const got = await run(recorded);
    const agrees = comparable(recorded.command, got.output) === wanted;
    if (agrees || left === 0 || !isReading(recorded.command)) return got;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

if (needs(test, "kubectl", lacking(kubectl))) {
  const said = String(spawnSync(kubectl, ["version", "--client"]).stdout);
  const [, first, second] = /GitVersion:"v1\.(\d+)|Client Version: v1\.(\d+)/.exec(said) ?? [];
  const isOld = Number(first ?? second) < 32; // whose words are others
  if (!isOld) {
    await start();
    for (const recorded of commands)
      test(recorded.command, async () => {
        const got = await asRecorded(recorded);
        const { command, output, code } = recorded;
        assert.is(comparable(command, got.output), comparable(command, output));
        assert.is(got.code, code);
      });
  } else needs(test, "kubectl 1.32", [`kubectl is older than 1.32, which was recorded: ${said}`]);
}

test.after(() => {
  server?.kill();
  rmSync(home, { recursive: true, force: true });
});
test.run();
