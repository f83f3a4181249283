/** Reads the corpus of faults (why-corpus/README.md) and makes each of its clusters. */
import { readFileSync } from "node:fs";
import { load, loadAll } from "js-yaml";
import {
  aws,
  createCluster,
  gcp,
  openSnapshot,
  parse,
  type Cluster,
  type Diagnosis,
  type KubeObject,
  type Snapshot,
} from "stopover";
import { kinds } from "stopover/internal/objects/kinds";

type Patches = Record<string, object>;
export type Form = "manifest" | "dump";

export interface Fault {
  fault: string;
  says: string;
  change?: Patches;
  add?: KubeObject[];
  remove?: string[];
  forms?: Form[];
  inDump?: Patches;
  cloud?: "aws" | "gcp" | "none";
  kubeProxy?: object;
  ask?: { service?: string; url?: string; from?: string };
  expect: { door: string; cause: { object: string; field: string; value?: unknown } };
}

export interface Pair {
  faults: [string, string];
  door: string;
  causes: string[];
}

const folder = new URL("../why-corpus/", import.meta.url);
const text = (name: string): string => readFileSync(new URL(name, folder), "utf8");

export const faults = [
  ...(load(text("faults.yaml")) as Fault[]),
  ...(load(text("blind.yaml")) as Fault[]),
  ...(load(text("blind-again.yaml")) as Fault[]),
  ...(load(text("brought.yaml")) as Fault[]),
];
export const pairs = load(text("pairs.yaml")) as Pair[];
const shop = loadAll(text("shop.yaml")) as KubeObject[];

/** Both faults in one cluster. */
export function together({ faults: [x, y] }: Pair): Fault {
  const [one, other] = [x, y].map((name) => faults.find((each) => each.fault === name));
  if (!one || !other) throw new Error(`there is no fault ${x} or ${y}`);
  const kubeProxy = { ...one.kubeProxy, ...other.kubeProxy };
  return {
    ...one,
    ...other,
    fault: `${x} and ${y}`,
    change: mergedInto(one.change ?? {}, other.change ?? {}) as Patches,
    inDump: { ...one.inDump, ...other.inDump },
    add: [...(one.add ?? []), ...(other.add ?? [])],
    remove: [...(one.remove ?? []), ...(other.remove ?? [])],
    cloud: one.cloud ?? other.cloud ?? "aws",
    ask: one.ask ?? other.ask ?? {},
    forms: (one.forms ?? both).filter((form) => (other.forms ?? both).includes(form)),
    ...(Object.keys(kubeProxy).length > 0 && { kubeProxy }),
  };
}

export const both: Form[] = ["manifest", "dump"];

/** The last cluster that was made: both forms of a fault begin with the same one. */
let last: { fault: Fault; cluster: Cluster } | undefined;

/** The cluster of a fault, and what `why` says of it. */
export function diagnosisOf(fault: Fault, form: Form): Diagnosis {
  if (last?.fault !== fault) last = { fault, cluster: clusterOf(fault) };
  const { cluster } = last;
  const asked = form === "manifest" ? cluster : dumpOf(cluster, fault);
  const { url, from, service = "default/web" } = fault.ask ?? {};
  return asked.why(url ?? service, { from });
}

function clusterOf({
  change = {},
  add = [],
  remove = [],
  cloud = "aws",
  kubeProxy,
}: Fault): Cluster {
  const cluster = createCluster({
    nodes: 3,
    cloud: cloud === "none" ? undefined : { aws, gcp }[cloud](),
    domains: {},
    ...(kubeProxy && { kubeProxy: configuration(kubeProxy) }),
  });
  const objects = changed([...shop, ...add], change).filter(
    (each) => !remove.includes(nameOf(each)),
  );
  cluster.apply(parse(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects })));
  cluster.settle();
  cluster.advance("40s");
  return cluster;
}

const configuration = (fields: object): KubeObject =>
  ({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    ...fields,
  }) as unknown as KubeObject;

/** The objects of a fault's cluster, as a dump holds them. */
export const objectsOf = (fault: Fault): KubeObject[] => dumped(clusterOf(fault), fault);

function dumped(cluster: Cluster, { inDump = {}, kubeProxy }: Fault): KubeObject[] {
  const items = changed(
    kinds
      .filter(({ kind }) => kind !== "Event" && kind !== "Lease")
      .flatMap(({ kind }) => [...cluster.list(kind)]),
    inDump,
  );
  return kubeProxy ? [...items, configuration(kubeProxy)] : items;
}

function dumpOf(cluster: Cluster, fault: Fault): Snapshot {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: dumped(cluster, fault) });
  return openSnapshot(parse(list, { as: "dump" }), { domains: {} });
}

// ---- patches ----

const nameOf = ({ kind, metadata }: KubeObject): string =>
  kind === "Node"
    ? `${kind} ${metadata.name}`
    : `${kind} ${metadata.namespace ?? "default"}/${metadata.name}`;

export const fits = (pattern: string, name: string): boolean =>
  new RegExp(`^${pattern.split("*").map(escaped).join(".*")}$`).test(name);
const escaped = (plain: string): string => plain.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function changed(objects: readonly KubeObject[], patches: Patches): KubeObject[] {
  for (const pattern of Object.keys(patches))
    if (!objects.some((each) => fits(pattern, nameOf(each))))
      throw new Error(`nothing is called ${pattern}: ${objects.map(nameOf).join(", ")}`);
  return objects.map(
    (object) =>
      Object.entries(patches)
        .filter(([pattern]) => fits(pattern, nameOf(object)))
        .reduce<unknown>((merged, [, patch]) => mergedInto(merged, patch), object) as KubeObject,
  );
}

/** RFC 7396; null takes away only from what is there. */
function mergedInto(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(target as object) };
  for (const [key, value] of Object.entries(patch))
    if (value === null && target !== undefined) delete merged[key];
    else merged[key] = mergedInto(merged[key], value);
  return merged;
}
