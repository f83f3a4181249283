// tar in a container: against the real one, and what `kubectl cp` makes of it.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCluster } from "stopover";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tooOld } from "./channel-client.js";
import { until } from "./etcd-harness.js";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const test = suite("tar");
const { internet } = createCluster({ nodes: 1, seed: 1 });
const long = `${"folder/".repeat(20)}file`;

const made =
  `cd /tmp; mkdir -p d/e; echo one > d/a; printf 'no end' > d/e/b; ln -s a d/l; chmod 600 d/a; ` +
  `mkdir -p $(dirname ${long}); echo deep > ${long}; `;

for (const [says, script, expected] of [
  [
    "what goes in comes out",
    "tar cf x.tar d; mkdir o; tar xf x.tar -C o; cat o/d/a o/d/e/b",
    "one\nno end",
  ],
  ["names", "tar cf - d | tar t", "d/\nd/e/\nd/e/b\nd/a\nd/l\n"],
  ["a part of it", "tar cf x.tar d; rm -r d; tar -xvf x.tar d/e; ls d", "d/e/\nd/e/b\ne\n"],
  ["a long name", `tar cf - folder | tar xf - -C d; cat d/${long}`, "deep\n"],
  [
    "a folder less",
    "tar cf x.tar d; mkdir o; tar xf x.tar -C o --strip-components=1; ls o",
    "a\ne\nl\n",
  ],
  [
    "modes and links",
    "tar cf x.tar d; mkdir o; tar xf x.tar -C o; stat -c %a o/d/a; readlink o/d/l",
    "600\na\n",
  ],
] as const)
  test(says, async () => {
    const { stdout, stderr } = await internet.sh(`${made} ${script}; cd /; rm -r /tmp/*`);
    assert.equal([stdout, stderr], [expected, ""]);
  });

for (const [says, script, stderr, code] of [
  [
    "nothing to do",
    "tar f x",
    "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\n",
    2,
  ],
  ["nothing to put in", "tar cf x", "tar: Cowardly refusing to create an empty archive\n", 2],
  [
    "no such file",
    "tar cf x nope",
    "tar: nope: Cannot stat: No such file or directory\ntar: Exiting with failure status due to previous errors\n",
    2,
  ],
  [
    "no archive",
    "echo hello | tar x",
    "tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors\n",
    2,
  ],
  [
    "more than there is room for",
    "head -c 6000000 /dev/zero > a; tar cf b a; mv a c; tar xf b; rm a b c",
    "tar: a: Cannot write: No space left on device\ntar: Exiting with failure status due to previous errors\n",
    0,
  ],
] as const)
  test(`refused: ${says}`, async () => {
    const result = await internet.sh(`cd /tmp; ${script}`);
    assert.equal([result.stderr, result.exitCode], [stderr, code]);
  });

if (needs(test, "the real tar", lacking("tar"))) {
  test("the real tar reads it, and is read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "stopover-tar-"));
    try {
      const { stdout } = await internet.sh(`${made} tar cf - d folder | base64 -w 0`);
      writeFileSync(join(folder, "x.tar"), Buffer.from(stdout, "base64"));
      const real = (...args: string[]): string =>
        execFileSync("tar", ["-C", folder, ...args], { encoding: "utf8" });
      real("-xf", join(folder, "x.tar"));
      assert.is(readFileSync(join(folder, "d/l"), "utf8"), "one\n");
      assert.is(readFileSync(join(folder, long), "utf8"), "deep\n");
      for (const format of ["gnu", "pax", "ustar"]) {
        const bytes = execFileSync("tar", [
          "-C",
          folder,
          `--format=${format}`,
          "-cf",
          "-",
          "d",
          "folder",
        ]);
        const back = await internet.sh(
          "mkdir /tmp/r; cd /tmp/r; base64 -d | tar xf -; find . -type f | sort | xargs cat; rm -r /tmp/r",
          { input: bytes.toString("base64") },
        );
        assert.equal([back.stdout, back.stderr], ["one\nno enddeep\n", ""], format);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

const kubectl = process.env["KUBECTL"] ?? "kubectl";
if (needs(test, "kubectl cp", [...lacking(kubectl), ...tooOld(kubectl)])) {
  test("kubectl cp, there and back", async () => {
    const served = await Served.start("--nodes", "1");
    const folder = mkdtempSync(join(tmpdir(), "stopover-cp-"));
    try {
      const name = await until("a Pod runs", 60_000, async () => {
        const { body } = await served.ask("GET", "/api/v1/namespaces/default/pods");
        const items = body["items"] as { metadata: { name: string }; status: { phase: string } }[];
        return items.find(({ status }) => status.phase === "Running")?.metadata.name;
      });
      const run = (...args: string[]): Promise<[unknown, string, string]> =>
        new Promise((resolve) => {
          const all = ["--server", served.url, ...args];
          execFile(kubectl, all, { timeout: 30_000 }, (error, out, err) =>
            resolve([error?.code ?? 0, out, err]),
          );
        });
      const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) & 255));
      writeFileSync(join(folder, "there"), bytes);
      const to = await run("cp", join(folder, "there"), `${name}:/tmp`);
      assert.equal(to, [0, "", ""]);
      assert.equal(
        (await run("exec", name, "--", "wc", "-c", "/tmp/there"))[1],
        "200000 /tmp/there\n",
      );
      const [code, , err] = await run("cp", `${name}:/tmp/there`, join(folder, "back"));
      assert.is(code, 0, err);
      assert.ok(bytes.equals(readFileSync(join(folder, "back"))));
    } finally {
      rmSync(folder, { recursive: true });
      served.process.kill();
    }
  });
}
test.run();
