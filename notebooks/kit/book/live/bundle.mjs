// The scripts of a living page, bundled for browsers as classic scripts: a page from the disk may
// load no module, and start no worker from a file. So the worker's script comes as a text.

import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { leanYaml } from "./lean-yaml.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** @type {import("esbuild").BuildOptions} */
const forBrowsers = {
  bundle: true,
  format: "iife",
  platform: "browser",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "error",
  write: false,
};

/** What runs in the thread beside the page. @param {import("esbuild").Plugin[]} [plugins] */
export async function workerScript(plugins = []) {
  const needs = await allNeeds();
  const lent = [...needs.keys()].map(
    (path, i) => `import * as m${i} from ${JSON.stringify(path)};`,
  );
  const names = [...needs].map(([path, used], i) => {
    const getters = [...used].map((name) => `get ${name}() { return m${i}.${name}; }`);
    return `${JSON.stringify(nameOf(path))}: ${used.has("*") ? `m${i}` : `{ ${getters.join()} }`}`;
  });
  return await bundled(undefined, {
    stdin: {
      contents: `import "./worker.mjs";\n${lent.join("\n")}\nglobalThis.stopoverCore = { ${names.join()} };`,
      resolveDir: here,
    },
    define,
    plugins: [leanYaml, withoutNftables, withoutMachine, ...plugins],
  });
}

/**
 * A thread without the part `nftables` says where it is.
 * @type {import("esbuild").Plugin}
 */
const withoutNftables = {
  name: "without nftables",
  setup(build) {
    build.onLoad({ filter: /\/dist\/node\/proxy\/nftables\/load\.js$/ }, ({ path }) => ({
      contents: `import { isNftables } from "../../../net/nftables/looks.js";
        import { addMode } from "../modes.js";
        import { addReader } from "../opened.js";
        const elsewhere = () => {
          throw new Error('nftables comes with the pages that use it alone: chapter 17, "Your cluster"');
        };
        addMode("nftables", elsewhere);
        addReader({ isMine: isNftables, open: elsewhere });`,
      resolveDir: dirname(path),
    }));
  },
};

const define = {
  "import.meta.url": '"file:///page"',
  "process.env.STOPOVER_LAB": "undefined",
  "process.execPath": '""',
};

/** The checks of the exercises, a file for each chapter. */
const exercises = join(here, "../../../exercises/dist");
const numbers = readdirSync(exercises).flatMap((file) => /^ch(\d\d)\.js$/.exec(file)?.[1] ?? []);

/**
 * What few chapters need comes with their pages alone: their threads go on with such a part. Its
 * own modules are those named here; all others it has of the thread. @type {Record<string, { own:
 * RegExp, code: string }>}
 */
export const parts = {
  clouds: library(
    "clouds",
    /\/dist\/(clouds|compare-clouds|cloud\/(clouds|nlb|gcp-negs|octavia|announced|metallb|kube-vip|endpoint-targets|hash-order))\.js$/,
  ),
  lab: library("lab", /\/dist\/doors\/lab\/[\w-]+\.js$/),
  nftables: library(
    "nftables",
    /\/dist\/(nftables|net\/nftables\/(anonymous|contradictions|draft|json|parse|parse-rule|parts|read|rejections|tidy|time|tokens|variables)|node\/proxy\/nftables\/(backend|base|load|node-table|opened|program|rows|shared|transaction))\.js$/,
  ),
  ...Object.fromEntries(
    numbers.map((number) => [
      `exercises/${number}`,
      {
        own: /\/dist\/ch\d\d\.js$/,
        code: `import { ch${number} } from "./ch${number}.js"; import { bring } from "./check.js"; bring(ch${number});`,
      },
    ]),
  ),
};

/**
 * What a page loads when somebody first asks for it, and its thread goes on with then: shells.
 * @type {typeof parts}
 */
export const later = {
  shell: {
    own: /\/unbash\/|\/live\/terminals\.mjs$|\/dist\/(shell-parts|shell\/.+|node\/kubelet\/containers\/.+|programs\/(?!registry\b).+|machinery\/(act|pipe)|net\/iptables\/list|journey\/socket)\.js$/,
    code: `import * as shell from "stopover/internal/shell-parts";
      import * as terminals from "../../kit/book/live/terminals.mjs";
      globalThis.stopoverParts = { ...globalThis.stopoverParts, shell: { ...shell, ...terminals } };`,
  },
};

/** What `stopover/NAME` is. @param {string} name @param {RegExp} own */
function library(name, own) {
  return {
    own,
    code: `import * as part from "stopover/${name}"; globalThis.stopoverParts = { ...globalThis.stopoverParts, ${name}: part };`,
  };
}

/** The script of a part. @param {string} name */
export const partScript = async (name) => (await partOf(name)).script;

/**
 * The modules that the thread lends, and which of their names: what nobody uses need not come with
 * a page.
 */
async function allNeeds() {
  /** @type {Needs} */
  const all = new Map();
  for (const { needs } of await Promise.all(Object.keys({ ...parts, ...later }).map(partOf)))
    for (const [path, names] of needs) all.set(path, new Set([...(all.get(path) ?? []), ...names]));
  return all;
}

/**
 * Modules, and the names that are used of them; "*": all.
 * @typedef {Map<string, Set<string>>} Needs
 */
/** @type {Map<string, Promise<{ script: string, needs: Needs }>>} */
const known = new Map();

/** A part's script, and the modules of the thread's that it needs. @param {string} name */
function partOf(name) {
  const made = known.get(name) ?? makePart(name);
  known.set(name, made);
  return made;
}

/** @param {string} name */
async function makePart(name) {
  /** @type {Needs} */
  const needs = new Map();
  const part = parts[name] ?? later[name];
  /** @type {import("esbuild").Plugin} */
  const borrowing = {
    name: "borrowing from the thread",
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, importer }) => {
        const found = join(resolveDir, path).replaceAll("\\", "/");
        if (part?.own.test(found)) return undefined;
        const used = name in later ? namesUsed(importer, path) : ["*"];
        needs.set(found, new Set([...(needs.get(found) ?? []), ...used]));
        return { path: `${nameOf(found)}.cjs`, namespace: "thread" };
      });
      build.onLoad({ filter: /.*/, namespace: "thread" }, ({ path }) => ({
        contents: `module.exports = globalThis.stopoverCore[${JSON.stringify(path.replace(/\.cjs$/, ""))}];`,
      }));
    },
  };
  const script = await bundled(undefined, {
    stdin: { contents: part?.code ?? "", resolveDir: exercises },
    define,
    plugins: [withoutMachine, borrowing],
  });
  return { script, needs };
}

/**
 * What a module of the library's imports from another.
 * @param {string} module
 * @param {string} from as it says
 */
function namesUsed(module, from) {
  const imports = /^(?:import|export) \{([^}]*)\} from "([^"]*)";$/gm;
  const names = [...readFileSync(module, "utf8").matchAll(imports)]
    .filter(([, , path]) => path === from)
    .flatMap(([, names = ""]) => names.split(","))
    .map((name) => name.replace(/ as .*/s, "").trim())
    .filter(Boolean);
  return names.length ? names : ["*"]; // it says so in another way
}

/** A page's terminal, which it loads when the first one is opened. */
export const terminalScript = () => bundled("terminal.mjs", { loader: { ".css": "text" } });

/** What the thread calls a module that it lends. @param {string} path */
const nameOf = (path) => path.replace(/^.*\/(dist|live)\//, "");

/**
 * A script as a text within a script: bundled ones are full of double quotes, which JSON escapes,
 * and a zipped page is shorter by three kilobytes without.
 * @param {string} script
 */
export const quoted = (script) =>
  `'${JSON.stringify(script).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

/** @param {string | undefined} entry @param {import("esbuild").BuildOptions} [options] */
export async function bundled(entry, options = {}) {
  const { outputFiles } = await build({
    ...forBrowsers,
    ...(entry && { entryPoints: [join(here, entry)] }),
    ...options,
  });
  return outputFiles?.[0]?.text ?? "";
}

/**
 * The lab and the drawing of PNGs ask for what only Node.js has, and never use it in a page: each
 * of these modules becomes one whose functions do nothing.
 * @type {import("esbuild").Plugin}
 */
const withoutMachine = {
  name: "without a machine",
  setup(build) {
    // each page brings its own chapter's
    build.onResolve({ filter: /^\.\/exercises\.js$/ }, ({ resolveDir }) =>
      resolveDir === exercises ? { path: "exercises", namespace: "nothing" } : undefined,
    );
    build.onResolve({ filter: /^\.\/draw\.js$/ }, ({ resolveDir }) =>
      /diagrams[\\/]dist$/.test(resolveDir) ? { path: "draw", namespace: "nothing" } : undefined,
    );
    build.onResolve({ filter: new RegExp(`^node:`) }, ({ path }) => ({
      path,
      namespace: "nothing",
    }));
    // a page carries its files
    build.onLoad({ filter: /\/dist\/objects\/machine-files\.js$/ }, () => ({ contents: "" }));
    // what builds a real lab
    build.onResolve({ filter: /^\.\/(build|client|namespaces|servers)\.js$/ }, (found) =>
      /doors[\\/]lab$/.test(found.resolveDir)
        ? { path: join(found.resolveDir, found.path), namespace: "nothing" }
        : undefined,
    );
    // a later part: worker.mjs says how a page loads it
    build.onResolve({ filter: /^\.\/shell-parts\.js$/ }, ({ path }) => ({ path, external: true }));
    build.onResolve({ filter: /\/HelperManager$/ }, () => ({
      path: "helpers",
      namespace: "nothing",
    }));
    build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) =>
      /sucrase[\\/]dist[\\/]esm/.test(resolveDir) && unused.test(path)
        ? { path: "sucrase", namespace: "nothing" }
        : undefined,
    );
    build.onLoad({ filter: /\/readWordTree\.js$/ }, async ({ path }) => ({
      contents: wordTree(await readFile(path, "utf8")),
      resolveDir: dirname(path),
    }));
    build.onLoad({ filter: /\/acorn\.mjs$/ }, async ({ path }) => ({
      contents: withoutTables(await readFile(path, "utf8")),
    }));
    build.onLoad({ filter: /.*/, namespace: "nothing" }, async ({ path }) => ({
      contents: await doingNothing(path),
      resolveDir: here,
    }));
  },
};

/**
 * Of sucrase only what strips types is asked for: no other dialect, no older language, no CommonJS,
 * no source map, and no check of its options, which are always the same here.
 */
const unused =
  /\/(Options|computeSourceMap|CJSImport\w+|(JSX|Flow|JestHoist|React\w+|Numeric\w+|Optional\w+)Transformer|flow|jsx\/index)$/;

/**
 * Sucrase's tree of words, made when it is needed: as it stands it is a table of 9,000 numbers. A
 * row is a beginning of words, in their order; its 27 numbers are the word's own, and where the row
 * is that goes on by a letter. @param {string} table
 */
function wordTree(table) {
  const rows = [...table.matchAll(/^\s*\/\/ "(\w*)"\n\s*(.*?),/gm)];
  const inOrder = rows.every(([, word = ""], i) => i === 0 || (rows[i - 1]?.[1] ?? "") < word);
  if (rows.length < 300 || !inOrder) throw new Error("readWordTree.js is not as it was");
  const words = rows.filter(([, , own]) => own !== "-1");
  const [head = ""] = table.split("// prettier-ignore");
  return `${head}
    const words = [${words.map(([, word, own]) => `["${word}", ${own}]`).join()}];
    const starts = [...new Set(words.flatMap(([w]) => [...w].map((_, i) => w.slice(0, i)).concat(w)))].sort();
    const rows = new Map(starts.map((start, i) => [start, i * 27]));
    export const READ_WORD_TREE = new Int32Array(starts.length * 27).fill(-1);
    for (const [word, own] of words) READ_WORD_TREE[rows.get(word)] = own;
    for (const [start, row] of rows) if (start)
      READ_WORD_TREE[rows.get(start.slice(0, -1)) + start.charCodeAt(start.length - 1) - 96] = row;`;
}

/**
 * Acorn without what a browser knows itself: which letters a name may have, and whether the pattern
 * of a regular expression is one, which shows when it runs.
 * @param {string} acorn
 */
function withoutTables(acorn) {
  const checker = `class RegExpValidationState { reset() {} }
    Parser.prototype.validateRegExpFlags = Parser.prototype.validateRegExpPattern = () => {};
    `;
  const [first, further] = ["/\\p{ID_Start}/u", "/[\\p{ID_Continue}\\u200c\\u200d]/u"];
  /** @type {[found: RegExp, instead: string][]} */
  const changes = [
    [/\/\/ This file contains Unicode properties[^]*(?=\/\/ Object type used to repr)/, checker],
    [/(?<=^var astralIdentifierCodes = ).*(?=;$)/m, further],
    [/(?<=^var astralIdentifierStartCodes = ).*(?=;$)/m, first],
    [/^var nonASCIIidentifier(Start)?Chars = .*;$/gm, ""],
    [/(?<=^var nonASCIIidentifierStart = ).*(?=;$)/m, first],
    [/(?<=^var nonASCIIidentifier = ).*(?=;$)/m, further],
    [
      /(?<=^function isInAstralSet\(code, set\) \{)[^]*?(?=^\})/m,
      // NaN stands at the end of a text
      "return code > 0xffff && set.test(String.fromCodePoint(code));",
    ],
  ];
  return changes.reduce((text, [found, instead]) => {
    if (text.search(found) < 0) throw new Error(`acorn.mjs is not as it was: no ${found.source}`);
    return text.replace(found, () => instead);
  }, acorn);
}

/** @type {Record<string, string[]>} */
const exported = {
  draw: ["png", "svg", "check", "warmUp"],
  sucrase: [
    "default",
    "validateOptions",
    "startsWithLowerCase",
    "flowAfterParseClassSuper",
    "flowAfterParseVarHead",
    "flowParseArrow",
    "flowParseAssignableListItemTypes",
    "flowParseExportDeclaration",
    "flowParseExportStar",
    "flowParseFunctionBodyAndFinish",
    "flowParseIdentifierStatement",
    "flowParseImportSpecifier",
    "flowParseMaybeAssign",
    "flowParseSubscript",
    "flowParseSubscripts",
    "flowParseTypeAnnotation",
    "flowParseTypeParameterDeclaration",
    "flowParseVariance",
    "flowShouldDisallowExportDefaultSpecifier",
    "flowShouldParseExportDeclaration",
    "flowShouldParseExportStar",
    "flowStartParseAsyncArrowFromCallExpression",
    "flowStartParseFunctionParams",
    "flowStartParseImportSpecifiers",
    "flowStartParseNewArguments",
    "flowStartParseObjPropValue",
    "flowTryParseExportDefaultExpression",
    "flowTryParseStatement",
    "jsxParseElement",
  ],
};

/** @param {string} module */
async function doingNothing(module) {
  if (module === "exercises") return "export const exercises = [];";
  // of sucrase: functions that only older languages need
  if (module === "helpers")
    return "export class HelperManager { emitHelpers() { return ''; } getHelperName(name) { return name; } }";
  const names = exported[module] ?? (await namesOf(module));
  const carried = module === "node:fs" ? ["readFileSync"] : [];
  return [
    ...carried.map((name) => `export { ${name} } from "./machine.mjs";`),
    "const nothing = () => ({ cache: {} });",
    ...names
      .filter((name) => !carried.includes(name))
      .map((name) => `export { nothing as ${name} };`),
  ].join("\n");
}

/** @param {string} module */
async function namesOf(module) {
  if (module.startsWith("node:") && !builtinModules.includes(module.slice("node:".length)))
    return [];
  return Object.keys(await import(module)).filter((name) => name !== "default");
}
