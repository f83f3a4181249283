/**
 * Every export of the packages that notebooks import has a docstring: it is what autocompletion and
 * the API's pages show.
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import ts from "typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));

for (const entry of [
  "lib/dist/index.d.ts",
  "diagrams/dist/index.d.ts",
  "notebooks/exercises/dist/index.d.ts",
]) {
  test(`every export of ${entry.replace("/dist/index.d.ts", "")} is documented`, () => {
    const file = join(root, entry);
    const program = ts.createProgram([file], {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      skipLibCheck: true,
      types: [],
    });
    const checker = program.getTypeChecker();
    const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!;
    const exports = checker.getExportsOfModule(module);
    assert.ok(exports.length > 0);
    const bare = exports
      .map((symbol) =>
        symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
      )
      .filter(
        (symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() === "",
      )
      .map((symbol) => symbol.name);
    assert.equal(bare, []);
  });
}

/** The methods that a reader calls most: each has a sentence too. */
test("every public method of Cluster is documented", () => {
  const file = join(root, "lib/dist/cluster.d.ts");
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const Cluster = checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!)
    .find((symbol) => symbol.name === "Cluster")!;
  const members = checker
    .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(Cluster))
    .filter(
      (member) =>
        member.flags & ts.SymbolFlags.Method &&
        !member.name.startsWith("#") &&
        !member.name.startsWith("__"),
    );
  assert.ok(members.length > 10);
  assert.equal(
    members
      .filter(
        (member) => ts.displayPartsToString(member.getDocumentationComment(checker)).trim() === "",
      )
      .map((member) => member.name),
    [],
  );
});

test.run();
