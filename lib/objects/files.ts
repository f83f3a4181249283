/**
 * Manifests from files, folders and standard input. In Node.js they are the machine's files; in a
 * browser those that the page carries:
 *
 *     carryFiles({ "manifests/service.yaml": "kind: Service …" });
 */
import {
  isConfiguration,
  ManifestError,
  readManifests,
  type Manifest,
  type ManifestOptions,
  type Notice,
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
  /** What was not taken as it is. */
  notices?: readonly Notice[];
}

export interface ReadOptions extends Omit<ManifestOptions, "source" | "onNotice"> {
  /** Whether a folder's folders are read, too, after its files (kubectl -R). Default: false. */
  recursive?: boolean;
}

/**
 * Reads YAML or JSON files, folders of them (files by name), or standard
 * input ("-"). Throws ManifestError, which names file, document, field, what came and what is
 * allowed.
 */
export function read(paths: string | readonly string[], options: ReadOptions = {}): Documents {
  const files = [paths].flat().flatMap((path) => filesOf(path, options.recursive));
  return gathered(options, (heard) =>
    files.flatMap((file) => {
      const source = file === "-" ? "standard input" : file;
      return readManifests(textOf(file), { ...heard, source });
    }),
  );
}

/** The same for a text that is at hand. */
export function parse(
  text: string,
  options: ReadOptions & Pick<ManifestOptions, "source"> = {},
): Documents {
  return gathered(options, (heard) => readManifests(text, heard));
}

function gathered(
  { recursive: _, ...options }: ReadOptions,
  read: (heard: ManifestOptions) => Manifest[],
): Documents {
  const notices: Notice[] = [];
  const all = read({ ...options, onNotice: (notice) => notices.push(notice) });
  return { ...documentsOf(all), ...((options.partial || notices.length > 0) && { notices }) };
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

function filesOf(path: string, recursive = false): string[] {
  if (path === "-") return ["-"];
  const found = source().look(path);
  if (!found)
    throw new ManifestError(path, undefined, undefined, "there is no such file or folder");
  if ("bytes" in found) return [path];
  const files = filesIn(path, found.names, recursive);
  if (!files.length)
    throw new ManifestError(
      path,
      undefined,
      undefined,
      "the folder holds no .yaml, .yml or .json file",
    );
  return files;
}

/** Of a folder, its files first; hidden ones are left out. */
function filesIn(folder: string, names: readonly string[], recursive: boolean): string[] {
  const shown = [...names]
    .sort()
    .filter((name) => !name.startsWith(".") && name !== "node_modules")
    .map((name) => `${folder.replace(/\/+$/, "")}/${name}`);
  const files = shown.filter((path) => /\.(ya?ml|json)$/i.test(path));
  if (!recursive) return files;
  const below = shown.flatMap((path) => {
    const found = source().look(path);
    return found && "names" in found ? filesIn(path, found.names, true) : [];
  });
  return [...files.filter((path) => "bytes" in (source().look(path) ?? {})), ...below];
}

/** A file's text, or standard input's ("-"). */
export const readText = (path: string): string => textOf(path);

function textOf(file: string): string {
  const found = file === "-" ? undefined : source().look(file);
  if (found && !("bytes" in found))
    throw new ManifestError(file, undefined, undefined, "it is a folder, not a file");
  return source().text(file);
}

/** Where files are. `look` tells a file by its size from a folder by the names in it. */
export interface FileSource {
  look(path: string): { bytes: number } | { names: string[] } | undefined;
  /** "-" is standard input. */
  text(path: string): string;
}

const carried = new Map<string, string>();

/** Gives `read` files by their paths, for a page that has no file system. They go before others. */
export function carryFiles(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) carried.set(path, text);
}

let machine: FileSource | undefined;

/** The machine's own files: who imports machine-files.ts has them. */
export const filesAre = (files: FileSource | undefined): void => void (machine = files);

function source(): FileSource {
  return carried.size > 0 || !machine ? page : machine;
}

const page: FileSource = {
  look(path) {
    const text = carried.get(path);
    if (text !== undefined) return { bytes: text.length };
    const folder = `${path.replace(/\/+$/, "")}/`;
    const names = [...carried.keys()]
      .filter((name) => name.startsWith(folder))
      .map((name) => name.slice(folder.length).split("/")[0]!);
    return names.length > 0 ? { names: [...new Set(names)] } : undefined;
  },
  text: (path) => carried.get(path) ?? "",
};
