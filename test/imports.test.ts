/**
 * Imports go one way (lib/README.md): each room may see only the rooms that it names here. The core
 * imports nothing of Node.js. And nobody but one file touches the machine's own time or chance.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const lib = fileURLToPath(new URL("../../lib", import.meta.url));

/** room -> the rooms (or single files) that its files may import from, beside their own. */
const sees: Record<string, string[]> = {
  net: [],
  objects: ["net/ip.ts"],
  api: ["objects", "net/ip.ts", "net/printable.ts"],
  store: ["api", "objects"],
  apiserver: ["api", "objects", "store", "net/ip.ts"],
  machinery: ["api", "objects"],
  controllers: ["api", "objects", "machinery", "net/ip.ts"],
  cloud: ["api", "objects", "machinery", "net"],
  node: ["api", "objects", "machinery", "net"],
  journey: ["net", "node"],
  shell: ["api", "journey", "machinery", "net", "node", "objects"],
  programs: ["api", "machinery", "net", "node", "objects", "shell"],
  why: ["api", "journey", "net", "node", "objects", "cloud/external-dns.ts"],
  // The files that wire a cluster, a dump or pasted rules out of all rooms but the doors.
  ".": [
    "api",
    "apiserver",
    "cloud",
    "controllers",
    "journey",
    "machinery",
    "net",
    "node",
    "objects",
    "programs",
    "shell",
    "store",
    "why",
  ],
};
/** Each door sees the whole core, and of the other doors what is named here. */
const doors: Record<string, string[]> = {
  doors: [],
  "doors/cli": ["doors", "doors/dump", "doors/serve", "doors/lab"],
  "doors/dump": ["doors"],
  "doors/lab": ["doors"],
  "doors/serve": ["doors"],
};

const files = readdirSync(lib, { recursive: true })
  .map((file) => String(file).replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts") && !/(^|\/)(dist|node_modules)\//.test(file));
const roomOf = (file: string): string => /^(doors\/[^/]+|[^/]+)\//.exec(file)?.[1] ?? ".";

function importsOf(file: string): string[] {
  const text = readFileSync(join(lib, file), "utf8");
  return [...text.matchAll(/(?:from|import|import\()\s*"(\.[^"]+)"/g)].map(([, path]) =>
    relative(lib, join(lib, dirname(file), path!))
      .replaceAll("\\", "/")
      .replace(/\.js$/, ".ts"),
  );
}

const strangers = (room: string, allowed: readonly string[]): string[] =>
  files
    .filter((file) => roomOf(file) === room)
    .flatMap((file) =>
      importsOf(file)
        .filter((to) => ![room, ...allowed].includes(roomOf(to)) && !allowed.includes(to))
        .map((to) => `${file} imports ${to}`),
    );

test("every file is in a room that is known", () => {
  const rooms = new Set(files.map(roomOf));
  assert.equal([...rooms].sort(), [...Object.keys(sees), ...Object.keys(doors)].sort());
});

for (const [room, allowed] of Object.entries(sees)) {
  test(`${room} imports only from ${allowed.join(", ") || "itself"}`, () => {
    assert.equal(strangers(room, allowed), []);
  });
}

for (const [room, others] of Object.entries(doors)) {
  test(`${room} imports from the core${others.map((other) => ` and ${other}`).join("")}`, () => {
    assert.equal(strangers(room, [...Object.keys(sees), ...others]), []);
  });
}

/**
 * Files whose types know each other, and that nobody reads apart: a packet, the kernel that it is
 * in and who looks at it there; a rule of nftables, what it is compiled to and its text; a server
 * and its client.
 */
const together = [
  ["apiserver/apiserver.ts", "apiserver/local-client.ts"],
  ["net/dataplane.ts", "net/kernel.ts", "net/passage.ts"],
  ["compile", "expressions", "lookup", "memory", "order", "reading", "ruleset", "text"].map(
    (name) => `net/nftables/${name}.ts`,
  ),
];

test("no files import each other in a ring", () => {
  const reached = new Map(files.map((file) => [file, reachedFrom(file)]));
  const ringOf = (file: string): string[] =>
    [...reached.get(file)!].filter((other) => reached.get(other)?.has(file)).sort();
  const rings = files.map(ringOf).filter(({ length }) => length > 1);
  const found = new Set(rings.map((ring) => ring.join(" ")));
  assert.equal([...found].sort(), together.map((ring) => ring.join(" ")).sort());
});

/** All files that a file imports, and that those import. */
function reachedFrom(file: string): Set<string> {
  const reached = new Set<string>();
  const open = [file];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const to of files.includes(next) ? importsOf(next) : [])
      if (!reached.has(to)) {
        reached.add(to);
        open.push(to);
      }
  return reached;
}

test("the core imports nothing of Node.js", () => {
  const strange = files
    .filter((file) => !file.startsWith("doors/"))
    .filter((file) =>
      /(?:from|import|import\()\s*"node:/.test(readFileSync(join(lib, file), "utf8")),
    );
  assert.equal(strange, []);
});

test("net knows packets, and nothing of what Kubernetes does with them", () => {
  const words = /kube|\b(Pod|Node|Service|EndpointSlice|NodePort|ClusterIP)s?\b|loadBalancerSource/;
  const strange = files
    .filter((file) => roomOf(file) === "net")
    .flatMap((file) =>
      readFileSync(join(lib, file), "utf8")
        .split("\n")
        .filter((line) => words.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
  assert.equal(strange, []);
});

test("nobody looks for a chain's name outside kube-proxy's iptables mode", () => {
  const repository = join(lib, "..");
  const drawing = readdirSync(join(repository, "diagrams"))
    .filter((file) => /\.m?ts$/.test(file))
    .map((file) => `diagrams/${file}`);
  const strange = [...files.map((file) => `lib/${file}`), ...drawing]
    .filter((file) => !file.startsWith("lib/node/proxy/iptables/"))
    .filter((file) => readFileSync(join(repository, file), "utf8").includes("KUBE-"));
  assert.equal(strange, []);
});

test("components take time from the clock and chance from the generator", () => {
  const allowed = new Set(["machinery/real-clock.ts"]);
  const strange = files
    .filter((file) => !allowed.has(file) && !file.startsWith("doors/"))
    .filter((file) =>
      /\b(setTimeout|setInterval|Date\.now|Math\.random|performance\.now)\s*\(|new Date\(\)/.test(
        readFileSync(join(lib, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""),
      ),
    );
  assert.equal(strange, []);
});

test("text leaves for a terminal in one file, which makes it printable", () => {
  const allowed = new Set([
    "doors/terminal.ts",
    "doors/lab/client.ts", // a process of the lab's own, which answers in JSON
  ]);
  const strange = files
    .filter((file) => !allowed.has(file))
    .filter((file) =>
      /\bprocess\.std(out|err)\b|^[^*]*\bconsole\.(log|error|warn|info|debug)\b/m.test(
        readFileSync(join(lib, file), "utf8"),
      ),
    );
  assert.equal(strange, []);
});

test.run();
