/** sed and awk at a place beside the real ones. (recorded-tools/record-filters.mjs) */
import { readFileSync } from "node:fs";
import { createCluster } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";

interface Recorded {
  input: string;
  scripts: Record<string, { stdout: string; exitCode: number }>;
}
const { input, scripts } = JSON.parse(
  readFileSync(new URL("../recorded-tools/filters.json", import.meta.url), "utf8"),
) as Recorded;

const test = suite("sed and awk, beside the real ones");
const { internet } = createCluster({ nodes: 1, seed: 1 });

for (const [script, real] of Object.entries(scripts))
  test(script, async () => {
    const given = "cat > in; rm -f out c";
    await internet.sh(given, { input });
    const { stdout, exitCode } = await internet.sh(script);
    assert.is(stdout, real.stdout);
    assert.is(exitCode, real.exitCode);
  });

test("what they do not know is said", async () => {
  const said = async (script: string): Promise<string> => (await internet.sh(script)).stderr;
  assert.is(await said("sed 'k' in"), "sed: -e expression #1, char 1: unknown command: `k'\n");
  assert.is(
    await said("sed 's/a/b/w x' in"),
    "sed: -e expression #1, char 6: the flag w of `s' is not modelled here\n",
  );
  assert.is(await said("awk '{getline}' in"), "awk: getline is not modelled here\n");
  assert.is(await said("awk 'function f(x) {}' in"), "awk: function is not modelled here\n");
  assert.is(await said("awk '{print | \"sort\"}' in"), "awk: | is not modelled here\n");
});

test("loops without end are ended", async () => {
  for (const script of [
    "awk 'BEGIN {while (1) {}}'",
    "sed ':a;ba' in",
    "awk 'BEGIN {for (;;) x = x \"y\"}'",
  ]) {
    const { exitCode, stopped } = await internet.sh(script, { timeout: "1h" });
    assert.ok(exitCode !== 0, `${script}: ${stopped}`);
  }
});

test.run();
