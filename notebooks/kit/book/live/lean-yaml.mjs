// js-yaml without what nobody asks of it, a tenth of what a page's thread would load otherwise.

import { readFile } from "node:fs/promises";

/**
 * A bundler keeps what a module makes as it is loaded (its tags of YAML 1.1, the patterns of its
 * writer), since making might do something else besides. It does not, and here the bundler is told.
 * @type {import("esbuild").Plugin}
 */
export const leanYaml = {
  name: "js-yaml without what is unused",
  setup(build) {
    build.onLoad({ filter: /\/js-yaml\.mjs$/ }, async ({ path }) => ({
      contents: pure(await readFile(path, "utf8")),
    }));
  },
};

/** Values at the top of the module, up to the semicolon before the next statement. */
const values = /^var ([\w$]+) = (?!class|\/\*|["'\d-])([^]*?);$(?=\n(?:\S|$))/gm;

/** @param {string} yaml */
function pure(yaml) {
  let count = 0;
  const marked = yaml.replaceAll(values, (_, name, value) => {
    count++;
    return `var ${name} = /* @__PURE__ */ (() => (${value}))();`;
  });
  if (count < 100) throw new Error("js-yaml.mjs is not as it was");
  return marked;
}
