/**
 * `stopover dump`: what a verdict on a cluster's Services rests on, read with the reader's own
 * kubectl, which is asked for nothing but `get`.
 */
import { execFileSync } from "node:child_process";
import { isRecord } from "../../objects/freeze.js";
import type { KubeObject } from "../../objects/types.js";
import { disguiseFor } from "./disguise.js";
import { keptOf } from "./kept.js";

/** The kinds that decide where traffic goes, and those that make Pods. */
const everywhere = [
  "nodes",
  "namespaces",
  "pods",
  "services",
  "endpointslices.discovery.k8s.io",
  "endpoints",
  "networkpolicies.networking.k8s.io",
  "deployments.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "replicasets.apps",
];
/** Where kubeadm, EKS and others keep kube-proxy's configuration. */
const configurations = ["kube-proxy", "kube-proxy-config"];

/** kubectl's answer of a large cluster has some hundred megabytes. */
const maxBuffer = 1024 * 1024 * 1024;

export interface Connection {
  kubeconfig?: string;
  context?: string;
}

export interface Read {
  objects: KubeObject[];
  /** What could not be read, a line each: "pods: Error from server (Forbidden): …" */
  problems: string[];
}

/** Throws where nothing at all could be read. */
export function readCluster(connection: Connection, tell: (what: string) => void): Read {
  const found: Read = { objects: [], problems: [] };
  const ask = (what: string, words: string[]) => {
    tell(what);
    try {
      found.objects.push(...itemsOf(kubectl([...words, ...wordsOf(connection)])));
    } catch (error) {
      found.problems.push(`${what}: ${reasonOf(error)}`);
    }
  };
  for (const kind of everywhere) ask(kind, ["get", kind, "--all-namespaces"]);
  for (const name of configurations)
    ask(`configmap ${name}`, ["get", "configmap", name, "--namespace", "kube-system"]);
  if (found.objects.length === 0)
    throw new Error(
      `nothing could be read with kubectl (${found.problems[0] ?? "nothing is there"})`,
    );
  return found;
}

const kubectl = (words: string[]): string =>
  execFileSync("kubectl", [...words, "--ignore-not-found", "--output", "json"], {
    maxBuffer,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

const wordsOf = ({ kubeconfig, context }: Connection): string[] => [
  ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
  ...(context === undefined ? [] : ["--context", context]),
];

function itemsOf(text: string): KubeObject[] {
  if (text.trim() === "") return [];
  const answer: unknown = JSON.parse(text);
  if (!isRecord(answer)) return [];
  const { items } = answer;
  return (Array.isArray(items) ? items : [answer]) as KubeObject[];
}

function reasonOf(error: unknown): string {
  const { code, stderr, message } = error as { code?: string; stderr?: string; message: string };
  if (code === "ENOENT") return "there is no kubectl on the PATH";
  return stderr?.trim().split("\n").at(-1) ?? message;
}

/** A List, one object a line. */
export function dumpText(objects: readonly KubeObject[]): string {
  const lines = objects.map((object) => JSON.stringify(object));
  return `{"apiVersion": "v1", "kind": "List", "items": [\n${lines.join(",\n")}\n]}`;
}

/** What goes out of the house. `key`: other names and addresses, always the same under one key. */
export function dumpOf(
  objects: readonly KubeObject[],
  key?: string,
): { objects: KubeObject[]; names: ReadonlyMap<string, string> } {
  const kept = objects.flatMap((object) => keptOf(object) ?? []);
  if (key === undefined) return { objects: kept, names: new Map() };
  const disguise = disguiseFor(kept, key);
  return { objects: kept.map((object) => disguise.object(object)), names: disguise.told };
}
