/**
 * Conversations with kube-apiserver 1.35.4, in order: requests with its answers. The first (636) is
 * about Services, Deployments, Pods and what serves them; the second (1922) asks all verbs of all
 * kinds, and odd things; the third (904) asks the kinds and fields that are seldom used; the fourth
 * and the fifth (610 together) ask what no other does, several wrong things at a time, the fifth of
 * a cluster with two families; the sixth (90) was recorded when ours answered all these. Ours is
 * asked the same. What differs between two runs of the real one too (uids, revisions, allocated
 * numbers) is left out of the comparison. What differs besides stands with its reason in
 * kube-apiserver-differences.json: one that is not there fails, and so does one that is gone.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { serve } from "stopover/serve";

interface Recorded {
  name: string;
  method: string;
  path: string;
  contentType?: string;
  headers?: Record<string, string>;
  /** A text is sent as it is. `{ $repeat: n, of: item }` stands for a list of n items. */
  body?: unknown;
  code: number;
  message?: string;
  spec?: unknown;
}

const conformance = (name: string) =>
  readFileSync(new URL(`../conformance/${name}`, import.meta.url));
interface Conversation {
  /** Ranges of ClusterIPs; default: one of IPv4. */
  serviceCIDRs?: string[];
  requests: Recorded[];
}

const read = (text: string) => JSON.parse(text) as Conversation;
const unpacked = (name: string) => read(brotliDecompressSync(conformance(name)).toString());

const conversations = [
  read(conformance("kube-apiserver.json").toString()),
  unpacked("kube-apiserver-all-kinds.json.br"),
  unpacked("kube-apiserver-seldom-asked.json.br"),
  unpacked("kube-apiserver-combined.json.br"),
  unpacked("kube-apiserver-two-families.json.br"),
  unpacked("kube-apiserver-afterwards.json.br"),
];

/** Numbers that the conversations name are compared; those that an allocator chose are not. */
const named = JSON.stringify(
  conversations.flatMap(({ requests }) => requests.map(({ path, body }) => [path, body])),
);

// ---- asking -------------------------------------------------------------------------------------

const written = (body: unknown): string | undefined =>
  body === undefined || typeof body === "string"
    ? body
    : JSON.stringify(body, (_, value: unknown) => {
        const { $repeat, of } = (value ?? {}) as { $repeat?: number; of?: unknown };
        return $repeat === undefined ? value : Array.from({ length: $repeat }, () => of);
      });

type Answers = Record<string, unknown>;

/** {{svc l2.metadata.resourceVersion}}: out of the answer to "svc l2". */
const filled = (text: string, answers: Answers): string =>
  text.replace(/\{\{(.+?)\}\}/g, (whole, place: string) => {
    const [name] = Object.keys(answers)
      .filter((one) => place.startsWith(`${one}.`))
      .sort((a, b) => b.length - a.length);
    if (name === undefined) return whole;
    const path = place.slice(name.length + 1).split(".");
    const value = path.reduce<unknown>((at, key) => (at as Answers)?.[key], answers[name]);
    return (value as string | undefined) ?? whole;
  });

async function ask(url: string, recorded: Recorded, answers: Answers) {
  const { method, path, contentType, headers = {} } = recorded;
  const body = written(recorded.body);
  const answer = await fetch(url + filled(path, answers), {
    method,
    headers: {
      accept: "application/json",
      ...(contentType && { "content-type": contentType }),
      ...headers,
    },
    ...(body !== undefined && { body: filled(body, answers) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.text();
  let said: unknown = text;
  try {
    said = JSON.parse(text);
  } catch {} // a watch, YAML or a page of text
  answers[recorded.name] = said;
  return { code: answer.status, said: said as { message?: string; spec?: unknown } };
}

// ---- comparing ----------------------------------------------------------------------------------

const leftOut = new Set([
  "uid",
  "creationTimestamp",
  "managedFields",
  "resourceVersion",
  "generation",
  "priority",
  "preemptionPolicy",
  "selfLink",
]);

/** What is the same in every run. */
function comparable(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => comparable(one, key));
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value)
      .filter(([name]) => !leftOut.has(name))
      .map(([name, part]) => [name, comparable(part, name)] as const)
      .filter(([, part]) => part !== null && !(Array.isArray(part) && part.length === 0))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(fields);
  }
  if (typeof value === "number") return comparableNumber(value, key);
  return typeof value === "string" ? comparableText(value) : value;
}

const uuid = /[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/g;

/** An address that an allocator chose, in a message. */
const drawn = /"(10\.(9[6-9]|1[01]\d)\.\d+\.\d+|fd00:10:96:[0-9a-f:]+)"/g;

const comparableNumber = (value: number, key: string) =>
  /[pP]ort$/.test(key) && value >= 30000 && value <= 32767 && !named.includes(String(value))
    ? "<np>"
    : value;

const comparableText = (text: string) =>
  /^(10\.(9[6-9]|1[01]\d)\.\d+\.\d+$|fd00:10:96:)/.test(text) && !named.includes(`"${text}"`)
    ? "<ip>"
    : text
        .replace(drawn, (quoted) => (named.includes(quoted) ? quoted : '"<ip>"'))
        .replace(/^gen-[a-z0-9]{5}$/, "gen-<xxxxx>")
        .replace(uuid, "<uid>")
        .replace(/(resource ?version(?: in record)?: |current: )\d+/gi, "$1<rv>")
        .replace(/(UID in object meta: )[0-9a-f-]{36}/, "$1<uid>")
        .replace(/\(\d+\)/g, "(<n>)")
        .replace(/(record|precondition) \([0-9a-f-]{36}\)/g, "$1 (<uid>)");

const shown = (value: unknown) => JSON.stringify(comparable(value)) ?? "nothing";

type Aspect = "code" | "message" | "spec";

/** Requests of which something differs, and why that is left so. */
interface Difference {
  reason: string;
  /** "code: lease ok" */
  where: string[];
}

const known = JSON.parse(
  conformance("kube-apiserver-differences.json").toString(),
) as Difference[][];

class Tally {
  #all = 0;
  readonly differ = new Map<string, string>();

  constructor(readonly aspect: Aspect) {}

  note(name: string, ours: string, theirs: string): void {
    this.#all++;
    if (ours !== theirs)
      this.differ.set(`${this.aspect}: ${name}`, `ours: ${ours}\n  real: ${theirs}`);
  }

  /** `share`: how many in 100 must agree. */
  check(share: number): void {
    const agree = this.#all - this.differ.size;
    const text = `${this.aspect}: ${agree} of ${this.#all} agree; ${share} in 100 are needed`;
    assert.ok(agree / this.#all >= share / 100, text);
  }
}

const aspects = ["code", "spec", "message"] as const;
/** How many in 100 must agree. */
const needed = { code: 98, spec: 95, message: 90 };

for (const [i, { serviceCIDRs, requests }] of conversations.entries())
  test(`${requests.length} requests: codes, stored specs and messages are the real one's, but for what is listed`, async () => {
    const random = new Random(1).next;
    const enableAdmissionPlugins = ["TaintNodesByCondition"]; // as `stopover serve` does
    const clock = new RealClock();
    const apiserver = new ApiServer({ clock, random, enableAdmissionPlugins, serviceCIDRs });
    const serving = await serve({ apiserver, port: 0 });
    const [codes, specs, messages] = aspects.map((aspect) => new Tally(aspect)) as [
      Tally,
      Tally,
      Tally,
    ];
    const answers: Answers = {};
    try {
      for (const recorded of requests) {
        const { name, code, message, spec } = recorded;
        const got = await ask(serving.url, recorded, answers);
        codes.note(name, String(got.code), String(code));
        if (message !== undefined) messages.note(name, shown(got.said.message), shown(message));
        if (spec !== undefined && code < 300) specs.note(name, shown(got.said.spec), shown(spec));
      }
    } finally {
      await serving.close();
    }
    const differ = new Map([codes, specs, messages].flatMap((tally) => [...tally.differ]));
    // SHOW=FILE node test/dist/kube-apiserver-recorded.test.js: all that differs
    const all = [...differ].map(([where, what]) => `${where}\n  ${what}`);
    if (process.env["SHOW"]) writeFileSync(`${process.env["SHOW"]}${i}`, all.join("\n"));
    const listed = new Set(known[i]!.flatMap(({ where }) => where));
    const unlisted = [...differ].filter(([where]) => !listed.has(where));
    assert.equal(unlisted, [], "differs from the real one, and is not listed");
    const gone = [...listed].filter((where) => !differ.has(where));
    assert.equal(gone, [], "is listed, and agrees");
    for (const tally of [codes, specs, messages]) tally.check(needed[tally.aspect]);
  });

test.run();
