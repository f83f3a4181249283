/**
 * Imports go one way (lib/README.md): each room may see only those before it. And nobody but two
 * files touches the machine's own time or chance.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const lib = fileURLToPath(new URL("../../lib", import.meta.url));
const seams = [
  "machinery/clock.ts",
  "machinery/client.ts",
  "machinery/history.ts",
  "machinery/random.ts",
];

/** room -> the rooms that its files may import from, beside their own and the seams. */
const sees: Record<string, string[]> = {
  net: [],
  objects: [],
  store: ["objects"],
  apiserver: ["objects", "store"],
  machinery: ["objects", "apiserver"],
  controllers: ["objects", "machinery", "apiserver"],
  cloud: ["objects", "machinery", "net"],
  node: ["objects", "machinery", "net"],
  journey: ["net", "node"],
};

const files = (readdirSync(lib, { recursive: true }) as string[]).filter(
  (file) => file.endsWith(".ts") && !file.startsWith("dist") && !file.includes("node_modules"),
);
const room = (file: string): string | undefined =>
  file.includes("/") ? file.split("/")[0] : undefined;

function importsOf(file: string): string[] {
  const text = readFileSync(join(lib, file), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, path]) =>
    relative(lib, join(lib, dirname(file), path!)).replace(/\.js$/, ".ts"),
  );
}

test("every room is known", () => {
  const rooms = new Set(files.map(room).filter((name) => name !== undefined && name !== "lab"));
  assert.equal([...rooms].sort(), Object.keys(sees).sort());
});

for (const [name, allowed] of Object.entries(sees)) {
  test(`${name} imports only from ${allowed.join(", ") || "itself"}`, () => {
    const strange = files
      .filter((file) => room(file) === name)
      .flatMap((file) =>
        importsOf(file)
          .filter(
            (target) =>
              room(target) !== name &&
              !allowed.includes(room(target) ?? "") &&
              !seams.includes(target),
          )
          .map((target) => `${file} imports ${target}`),
      );
    assert.equal(strange, []);
  });
}

test("components take time from the clock and chance from the generator", () => {
  const allowed = new Set(["machinery/real-clock.ts"]);
  const strange = files
    .filter((file) => !allowed.has(file) && room(file) !== "lab")
    .filter((file) =>
      /\b(setTimeout|setInterval|Date\.now|Math\.random|performance\.now)\s*\(|new Date\(\)/.test(
        readFileSync(join(lib, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""),
      ),
    );
  assert.equal(strange, []);
});

test.run();
