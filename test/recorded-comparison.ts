/**
 * What controllers made of the recorded scenario, compared with what the real ones made of it.
 *
 * What may differ, since it differs between two runs of the real ones, and what is done about it:
 *
 * - uids, resourceVersions, managedFields: left out, as in the recording.
 * - Moments: each is "<time>".
 * - The letters that stand for a Pod template in names and labels: upstream hashes Go's own dump of
 *   a struct. Each is replaced by the place of that template among the recording's.
 * - The random end of the names of Pods, EndpointSlices and Events.
 * - Which node the scheduler draws for a Pod that any may run, hence the Pod's node, zone and
 *   address: replaced where all of them are of one node; and where an endpoint is named, replaced
 *   only if its address, node and zone are those of the Pod that it names.
 * - What an allocator draws: cluster IPs, node ports, the nodes' Pod CIDRs (which are given out in
 *   the order in which nodes are seen).
 * - Endpoints within a slice, and Events: upstream walks a Go map, or writes side by side.
 * - The host of which the scheduler's events tell.
 * - null, {} and [] are left out: so Go writes what is not set, for some types.
 * - metadata.generation of EndpointSlices: how many Pods were told of in one write.
 */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import type { Dump } from "./recorded-scenario.js";

const recording = new URL("../conformance/kube-controller-manager.json.br", import.meta.url);
const { steps } = JSON.parse(brotliDecompressSync(readFileSync(recording)).toString("utf8")) as {
  steps: Record<string, Dump>;
};

type Fields = Record<string, unknown>;
interface Named {
  metadata: { name: string; labels?: Record<string, string>; generateName?: string };
}

type PodLike = Named & { spec: Fields; status?: Fields };

const lists = ["deployments", "replicasets", "pods", "slices", "endpoints", "services"] as const;

/** A template's text -> its number, in the order of the recording. */
const templates = new Map<string, number>();

/** The letters that stand for templates in these dumps -> "<template 3>". */
function lettersIn(dumps: Iterable<Dump>): Map<string, string> {
  const letters = new Map<string, string>();
  for (const { replicasets = [] } of dumps)
    for (const { metadata, spec } of replicasets as (Named & { spec: Fields })[]) {
      const hash = metadata.labels!["pod-template-hash"]!;
      const { spec: template } = spec["template"] as { spec: Fields };
      const text = JSON.stringify(sorted({ ...template }));
      if (!templates.has(text)) templates.set(text, templates.size + 1);
      letters.set(hash, `<template ${templates.get(text)}>`);
    }
  return letters;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}

const leftOut = new Set(["uid", "resourceVersion", "managedFields"]);
/** Go's JSON has null, {} or [] where nothing was set, for some types and not for others. */
const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.keys(value).length === 0);
const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** A dump's objects as texts that are the same in every run, by what they are called. */
class Comparable {
  readonly objects: { title: string; value: unknown }[] = [];
  readonly #pods: readonly PodLike[];

  constructor(
    dump: Dump,
    private readonly letters: ReadonlyMap<string, string>,
  ) {
    this.#pods = (dump["pods"] ?? []) as PodLike[];
    for (const list of [...lists, "events", "nodes"] as const)
      for (const object of (dump[list] ?? []) as Named[]) this.#add(list, object);
    if (dump["answer"]) this.#add("answer", dump["answer"] as Named);
  }

  #add(list: string, object: Named): void {
    const { apiVersion: _, kind: __, ...rest } = object as unknown as Fields;
    const value = this.#value(list === "answer" ? object : rest) as Named & Fields;
    if (list === "pods") this.#withoutPlace(object, value);
    if (list === "slices") this.#slice(object, value);
    if (list === "endpoints") this.#endpoints(object, value);
    if (list === "services") withoutNumbers(value);
    if (list === "nodes") withoutRange(value);
    if (list === "events") this.#event(object, value);
    const title = `${list} ${value.metadata?.name ?? (value["message"] as string)}`;
    this.objects.push({ title, value });
  }

  /** Fields in order, without what every run has its own of. */
  #value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#value(one));
    if (typeof value === "string") return this.#text(value);
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value)
      .filter(([key, part]) => !leftOut.has(key) && !isEmpty(part))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(fields.map(([key, part]) => [this.#text(key), this.#value(part)]));
  }

  #text(text: string): string {
    if (isMoment.test(text)) return "<time>";
    let result = text;
    for (const [letters, template] of this.letters)
      result = result
        .replace(new RegExp(`-${letters}-[a-z0-9]{5}\\b`, "g"), `-${template}-<pod>`)
        .replaceAll(letters, template);
    return result;
  }

  // ---- what a drawn node brings with it

  /** The parts of a Pod that follow from its node. */
  #withoutPlace(object: Named, value: Fields): void {
    const { spec, status, metadata } = object as PodLike;
    const { nodeName } = spec as { nodeName?: string };
    if (!nodeName) return;
    const letter = nodeName.slice(-1);
    const number = "abc".indexOf(letter) + 1;
    const own = value as { spec: Fields; status: Fields; metadata: { labels?: Fields } };
    const { hostIP, hostIPs, podIP, podIPs } = (status ?? {}) as Record<string, unknown>;
    if (String(podIP).startsWith(`10.1.${number}.`)) own.status["podIP"] = "<ip>";
    if (same(podIPs, [{ ip: podIP }])) own.status["podIPs"] = "<ips>";
    if (!metadata.generateName) return; // one that could go nowhere else
    const zone = "topology.kubernetes.io/zone";
    own.spec["nodeName"] = "<node>";
    if (metadata.labels?.[zone] === `zone-${letter}`) own.metadata.labels![zone] = "<zone>";
    if (hostIP === `192.168.0.${number}`) own.status["hostIP"] = "<host>";
    if (same(hostIPs, [{ ip: hostIP }])) own.status["hostIPs"] = "<hosts>";
  }

  /** Whether all that is said of an address is of the Pod that it is said of. */
  #isOf(pod: string, ip: unknown, node: unknown): boolean {
    const found = this.#pods.find(({ metadata }) => metadata.name === pod);
    return found?.status?.["podIP"] === ip && found?.spec["nodeName"] === node;
  }

  #slice(object: Named, value: Named & Fields): void {
    const slice = object as unknown as { endpoints: Endpoint[] | null };
    const own = value as unknown as { endpoints: Fields[] | null };
    value.metadata.name = value.metadata.name.replace(/-[a-z0-9]{5}$/, "-<slice>");
    delete (value.metadata as Fields)["generation"];
    for (const [i, { addresses, targetRef, nodeName, zone }] of (slice.endpoints ?? []).entries()) {
      const isPods = this.#isOf(targetRef?.name ?? "", addresses[0], nodeName);
      if (!isPods || zone !== nodeName?.replace("node", "zone")) continue;
      const text = JSON.stringify(own.endpoints![i])
        .replaceAll(`"${addresses[0]}"`, '"<ip>"')
        .replaceAll(`"${nodeName}"`, '"<node>"')
        .replaceAll(`"${zone}"`, '"<zone>"');
      own.endpoints![i] = JSON.parse(text) as Fields;
    }
    own.endpoints?.sort(byText);
  }

  #endpoints(object: Named, value: Fields): void {
    const { subsets = [] } = object as unknown as { subsets?: Record<string, Address[]>[] };
    const own = (value["subsets"] ?? []) as Record<string, Fields[]>[];
    for (const [i, subset] of subsets.entries())
      for (const list of ["addresses", "notReadyAddresses"])
        for (const [j, { ip, nodeName, targetRef }] of (subset[list] ?? []).entries())
          if (this.#isOf(targetRef?.name ?? "", ip, nodeName))
            Object.assign(own[i]![list]![j]!, { ip: "<ip>", nodeName: "<node>" });
  }

  #event(object: Named, value: Named & Fields): void {
    value.metadata.name = value.metadata.name.replace(/\.[0-9a-f]{14,17}$/, ".<time>");
    for (const field of ["reportingComponent", "reportingInstance"])
      if (value[field] === "") delete value[field];
    const instance = value["reportingInstance"] as string | undefined;
    if (instance)
      value["reportingInstance"] = instance.replace(/^(default-scheduler)-.+/, "$1-<host>");
    const { name } = (object as unknown as { involvedObject: { name: string } }).involvedObject;
    if (this.#text(name) === name) return; // its node was not drawn
    value["message"] = (value["message"] as string).replace(/to node-[abc]$/, "to <node>");
  }
}

interface Endpoint {
  addresses: string[];
  targetRef?: { name: string };
  nodeName?: string;
  zone?: string;
}

interface Address {
  ip: string;
  nodeName?: string;
  targetRef?: { name: string };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

function withoutNumbers(value: Fields): void {
  const spec = value["spec"] as Fields & { ports?: Fields[] };
  const { clusterIP, clusterIPs } = spec;
  if (typeof clusterIP === "string" && clusterIP.startsWith("10.")) {
    spec["clusterIP"] = "<ip>";
    if (same(clusterIPs, [clusterIP])) spec["clusterIPs"] = ["<ip>"];
  }
  for (const port of spec.ports ?? []) if (port["nodePort"]) port["nodePort"] = "<port>";
}

function withoutRange(value: Fields): void {
  const spec = value["spec"] as Fields;
  if (!/^10\.1\.\d+\.0\/24$/.test(String(spec["podCIDR"]))) return;
  if (same(spec["podCIDRs"], [spec["podCIDR"]])) spec["podCIDRs"] = ["<cidr>"];
  spec["podCIDR"] = "<cidr>";
}

// ---- what differs ------------------------------------------------------------------------------

/** Paths at which two values differ: "status.conditions", "metadata.annotations.x". */
function paths(ours: unknown, real: unknown, at = ""): string[] {
  if (same(ours, real)) return [];
  const areFields = [ours, real].every(
    (one) => typeof one === "object" && one !== null && !Array.isArray(one),
  );
  if (!areFields || at.split(".").length > 2) return [at];
  const [a, b] = [ours as Fields, real as Fields];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return keys.flatMap((key) => paths(a[key], b[key], at ? `${at}.${key}` : key));
}

/** One object that differs. */
export interface Found {
  line: string;
  ours?: unknown;
  real?: unknown;
}

/** Equal ones are put aside; the others are compared with the most alike of the same title. */
function compareStep(step: string, ours: Comparable, real: Comparable): Found[] {
  const left = [...ours.objects];
  const unmatched = real.objects.filter(({ title, value }) => {
    const i = left.findIndex((one) => one.title === title && same(one.value, value));
    if (i >= 0) left.splice(i, 1);
    return i < 0;
  });
  const found = unmatched.map(({ title, value }): Found => {
    const alike = left.filter((one) => one.title === title);
    const [best] = alike.sort(
      (a, b) => paths(a.value, value).length - paths(b.value, value).length,
    );
    if (!best) return { line: `${step} ${title}: missing`, real: value };
    left.splice(left.indexOf(best), 1);
    const fields = paths(best.value, value).join(", ");
    return { line: `${step} ${title}: ${fields}`, ours: best.value, real: value };
  });
  const more = left.map(({ title, value }) => ({
    line: `${step} ${title}: too much`,
    ours: value,
  }));
  return [...found, ...more];
}

/** How many objects and events there are, and which differ. */
export function compared(ours: ReadonlyMap<string, Dump>): { all: number; found: Found[] } {
  const lettersOfReal = lettersIn(Object.values(steps));
  const lettersOfOurs = lettersIn(ours.values());
  let all = 0;
  const found: Found[] = [];
  for (const [step, dump] of Object.entries(steps)) {
    const real = new Comparable(dump, lettersOfReal);
    const own = new Comparable(ours.get(step) ?? {}, lettersOfOurs);
    found.push(...compareStep(step, own, real));
    all += Math.max(real.objects.length, own.objects.length);
  }
  return { all, found };
}
