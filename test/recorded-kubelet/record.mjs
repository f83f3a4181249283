#!/usr/bin/env node
/**
 * Records what Kubernetes' own kubelet makes of scene.yaml and volumes.json: `node
 * test/recorded-kubelet/record.mjs`, with Go. A file is added to a copy of package kubelet, by
 * which makeEnvironmentVariables can be called; the AtomicWriter of volumes writes into a folder of
 * its own. test/containers-given.test.ts makes the same in a cluster.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = new URL(".", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "stopover-kubelet-"));
const go = (/** @type {string[]} */ ...args) => {
  const { stdout, status } = spawnSync("go", args, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`go ${args.join(" ")} ended with ${status}`);
  return stdout.trim();
};
try {
  copyFileSync(join(here, "../../lib/objects/generate/go.mod"), join(folder, "go.mod"));
  copyFileSync(join(here, "record.go"), join(folder, "main.go"));
  const kubernetes = go("list", "-mod=mod", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes");
  const copy = join(folder, "kubernetes");
  mkdirSync(copy);
  for (const part of ["go.mod", "pkg", "third_party"])
    cpSync(join(kubernetes, part), join(copy, part), { recursive: true });
  chmodSync(join(copy, "pkg/kubelet"), 0o755);
  copyFileSync(join(here, "kubelet.go"), join(copy, "pkg/kubelet/scene.go"));
  go("mod", "edit", `-replace=k8s.io/kubernetes=${copy}`);
  const built = ["-mod=mod", "."];
  const recorded = go("run", ...built, join(here, "scene.yaml"), join(here, "volumes.json"));
  writeFileSync(join(here, "recorded.json"), `${recorded}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
