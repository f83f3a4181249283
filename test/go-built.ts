/**
 * Kubernetes' own programs, built by Go out of the Go module k8s.io/kubernetes: once, into the
 * user's cache folder ($XDG_CACHE_HOME/stopover, or ~/.cache/stopover), outside the repository.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lacking } from "./needs.js";

/** The one that the recordings are of, too. */
export const kubernetesVersion = "v1.35.4";

const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "stopover");
const goMod = fileURLToPath(new URL("../../lib/objects/generate/go.mod", import.meta.url));

/** Kubernetes' own tests are a program, too, which `go test` builds. */
type Program = "kube-apiserver" | "kube-proxy" | "e2e.test";

/** The program's file. Throws an Error whose message says what is missing. */
export function builtByGo(program: Program): string {
  const folder = join(cache, `${program}-${kubernetesVersion}`);
  const binary = join(folder, program);
  if (existsSync(binary)) return binary;
  const go = ["go", "/usr/local/go/bin/go"].find((one) => lacking(one).length === 0);
  if (!go)
    throw new Error(`Go is not here: it builds ${program} (1.25 or later, https://go.dev/dl)`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(goMod, join(folder, "go.mod"));
  console.log(`building ${program} ${kubernetesVersion} in ${folder}: ten minutes or so`);
  const at = "k8s.io/component-base/version";
  const stamps = [`gitVersion=${kubernetesVersion}`, "gitMajor=1", "gitMinor=35"];
  const flags = stamps.map((one) => `-X ${at}.${one}`).join(" ");
  const args =
    program === "e2e.test"
      ? ["test", "-vet=off", "-mod=mod", "-c", "-o", binary, testsImported(folder)]
      : ["build", "-mod=mod", "-o", binary, "-ldflags", flags, `k8s.io/kubernetes/cmd/${program}`];
  const { status } = spawnSync(go, args, { cwd: folder, stdio: "inherit" });
  if (status !== 0) throw new Error(`${program} could not be built`);
  return binary;
}

/** A file that imports the tests: else the module would not be one of the build's. */
function testsImported(folder: string): string {
  const name = "k8s.io/kubernetes/test/e2e";
  const text = `//go:build tools\n\npackage tools\n\nimport _ ${JSON.stringify(name)}\n`;
  writeFileSync(join(folder, "doc.go"), text);
  return name;
}
