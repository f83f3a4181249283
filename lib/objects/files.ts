/** Manifests from files, folders and standard input. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  isConfiguration,
  ManifestError,
  readManifests,
  type Manifest,
  type ManifestOptions,
} from "./manifest.js";
import type { KubeObject } from "./types.js";

/**
 * What one or more manifests hold: the objects in order, and a kube-proxy's configuration where one
 * is among them.
 */
export interface Documents {
  manifests: readonly Manifest[];
  /** A KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), as it was written. */
  kubeProxy?: KubeObject;
}

/** The article's Deployment and Service, in the kit's notebooks/manifests. */
export const articleManifests = fileURLToPath(
  new URL("../../../notebooks/manifests", import.meta.url),
);

/** Larger files are refused before they are read. Bytes. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Reads YAML or JSON files, folders of them (not their sub-folders; files by name), or standard
 * input ("-"). Throws ManifestError, which names file, document, field, what came and what is
 * allowed.
 */
export function read(
  paths: string | readonly string[],
  options: Omit<ManifestOptions, "source"> = {},
): Documents {
  const files = [paths].flat().flatMap(filesOf);
  return documentsOf(
    files.flatMap((file) =>
      readManifests(textOf(file), { ...options, source: file === "-" ? "standard input" : file }),
    ),
  );
}

/** The same for a text that is at hand. */
export function parse(text: string, options: ManifestOptions = {}): Documents {
  return documentsOf(readManifests(text, options));
}

function documentsOf(all: readonly Manifest[]): Documents {
  const configurations = all.filter(({ object }) => isConfiguration(object));
  const [first, second] = configurations;
  if (second)
    throw new ManifestError(
      second.source,
      second.document,
      undefined,
      `a KubeProxyConfiguration is in ${first!.source} already; one kube-proxy has one configuration`,
    );
  return {
    manifests: all.filter((each) => !configurations.includes(each)),
    ...(first && { kubeProxy: first.object }),
  };
}

function filesOf(path: string): string[] {
  if (path === "-") return ["-"];
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats)
    throw new ManifestError(path, undefined, undefined, "there is no such file or folder");
  if (!stats.isDirectory()) return [path];
  const files = readdirSync(path)
    .filter((name) => /\.(ya?ml|json)$/i.test(name))
    .sort()
    .map((name) => join(path, name));
  if (!files.length)
    throw new ManifestError(
      path,
      undefined,
      undefined,
      "the folder holds no .yaml, .yml or .json file",
    );
  return files;
}

function textOf(file: string): string {
  const size = file === "-" ? 0 : statSync(file).size;
  if (size > maxBytes)
    throw new ManifestError(
      file,
      undefined,
      undefined,
      `the file has ${size} bytes; at most ${maxBytes} are read. Split it into several files`,
    );
  return readFileSync(file === "-" ? 0 : file, "utf8");
}
