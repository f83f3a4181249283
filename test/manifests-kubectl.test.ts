/** The same manifests (manifests/) as kubectl applies them to `stopover serve`. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { read } from "stopover";
import { lacking, needs } from "./needs.js";
import { Served } from "./serve-harness.js";

const kubectl = process.env["KUBECTL"] ?? "kubectl";
const test = suite("manifests by kubectl");
const folder = fileURLToPath(new URL("../manifests/", import.meta.url));

/**
 * What configures kube-proxy is no object of the API. Of fields that the API description here has
 * no types for (openapi.ts: "any"), kubectl says that it goes by its own types.
 */
const known = /KubeProxyConfiguration|ensure CRDs|^Warning|unable to find api field/;

if (needs(test, "kubectl", lacking(kubectl))) {
  // dual-stack, and the range that kubeadm gives Services
  const ranges = "10.96.0.0/12,fd00:10:96::/112";
  const server = await Served.start("--no-controllers", "--service-cidr", ranges);
  const run = (...words: string[]) => {
    const args = ["--server", server.url, ...words];
    const { stdout, stderr } = spawnSync(kubectl, args, { encoding: "utf8" });
    return { out: stdout, err: stderr };
  };

  for (const file of readdirSync(folder)) {
    test(`kubectl apply -f ${file}`, () => {
      const { manifests } = read(folder + file);
      const namespaces = new Set(
        manifests.flatMap(({ object }) => object.metadata.namespace ?? []),
      );
      for (const name of namespaces) run("create", "namespace", name);
      // a definition's objects are known once it is there, as with a real API server
      const isDefined = manifests.some(({ object }) => object.kind === "CustomResourceDefinition");
      if (isDefined) run("apply", "-f", folder + file);
      const { out, err } = run("apply", "-f", folder + file);
      const said = err.split("\n").filter((line) => line && !known.test(line));
      assert.equal(said, []);
      const objects = manifests.filter(({ object: { kind } }) => kind !== "KubeProxyConfiguration");
      assert.is(out.trim().split("\n").length, objects.length, out);
      assert.not.match(run("diff", "-f", folder + file).out, /^[+-] /m);
      run("delete", "--wait=false", "--ignore-not-found", "-f", folder + file);
    });
  }
  test.after(() => void server.process.kill());
}

test.run();
