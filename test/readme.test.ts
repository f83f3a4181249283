/**
 * The README's promises: its sample compiles (strictly) and prints what it says, its picture is
 * what the library draws, its commands exist.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import ts from "typescript";
import { aws, createCluster, read } from "stopover";
import { map, moving } from "@stopover/diagrams";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const sample = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;

test("the sample compiles and prints what the README says", () => {
  const folder = mkdtempSync(join(root, "test", "dist", "readme-"));
  try {
    const file = join(folder, "sample.ts");
    writeFileSync(file, sample);
    const program = ts.createProgram([file], {
      strict: true,
      noEmitOnError: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      skipLibCheck: true,
    });
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics].map(
      (d) => ts.flattenDiagnosticMessageText(d.messageText, "\n"),
    );
    assert.equal(problems, []);
    const { stdout, stderr } = spawnSync(process.execPath, [join(folder, "sample.js")], {
      encoding: "utf8",
    });
    assert.is(stderr, "");
    assert.match(readme, `It prints \`${stdout.trim()}\``);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** `STOPOVER_UPDATE=1 node test/dist/readme.test.js` writes it anew. */
test("the picture is the article's cluster and a packet that moves, drawn by the library", () => {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
  cluster.apply(read(join(root, "notebooks/manifests")));
  cluster.settle();
  const drawn = moving(map(cluster, { journey: cluster.request("http://mynginx-app.com:8080/") }));
  const file = join(root, "diagrams/article.svg");
  if (process.env.STOPOVER_UPDATE) writeFileSync(file, drawn);
  assert.ok(
    drawn === readFileSync(file, "utf8"),
    "the picture has changed: look at it, then write it with STOPOVER_UPDATE=1",
  );
  assert.is(drawn.match(/<animateMotion/g)?.length, 2, "there and back");
  assert.match(readme.split("\n## ")[0]!, /\(diagrams\/article\.svg\)/, "on the first screen");
});

test("its npm scripts and links exist", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const [, name] of readme.matchAll(
    /npm (?:run )?(start|test|build|dev|bench|book|notebooks:update)\b/g,
  ))
    assert.ok(scripts[name!], name);
  for (const [, link] of readme.matchAll(/\]\(([^)#]+)\)/g))
    assert.ok(existsSync(join(root, link!)), link);
});

test.run();
