import type { Clock } from "../machinery/clock.js";
import type { Client, DeleteOptions, List, ListOptions, Patch, WatchEvent, WatchOptions, WriteOptions } from "../machinery/client.js";
import type { HistoryEntry } from "../machinery/history.js";
import { defaulted } from "../objects/defaulting.js";
import { frozen, same } from "../objects/freeze.js";
import { kindInfo, kinds, storageKey, type KindInfo } from "../objects/kinds.js";
import { fields, labels, SelectorError, type FieldSelector } from "../objects/selectors.js";
import type { Kind, KubeObject, ObjectMeta, Pod, Service } from "../objects/types.js";
import { validate, type FieldError } from "../objects/validation.js";
import { MemoryStore } from "../store/memory.js";
import { CompactedError, type Entry, type Store } from "../store/store.js";
import { PortAllocator, type Claims } from "./allocators.js";
import { decoded, decodedAs } from "./decode.js";
import * as errors from "./errors.js";
import { History } from "./history.js";
import { LocalClient } from "./local-client.js";
import { patched } from "./patch.js";
import { scaled, scaleOf, type Scale } from "./scale.js";
import { prepareService, ServiceNumbers } from "./services.js";
import { WatchCache } from "./watch.js";

export interface ApiServerOptions {
  clock: Clock;
  /** Numbers in [0, 1): for uids, generated names and the allocators. Seed it. */
  random: () => number;
  /** Default: a new MemoryStore. */
  store?: Store;
  /** One CIDR for each IP family, the default family first. Default: 10.96.0.0/12, as kubeadm has it. */
  serviceCIDRs?: readonly string[];
  /** Default 30000 to 32767. */
  nodePortRange?: { from: number; to: number };
  /** Open pins: the first Service that leaves the choice to the allocator gets these, if they are free. */
  first?: { clusterIP?: string | readonly string[]; nodePort?: number };
  /** Calls and notifications kept for history(); default 100,000; 0 keeps none. */
  historyLimit?: number;
  /** Past events of a kind with which a watch can begin; default 10,000. */
  watchWindow?: number;
  /** Milliseconds after which history is forgotten, looked at as often; kube-apiserver takes 5 minutes. Default: it is kept. */
  compactEvery?: number;
}

/** The namespaces that every cluster has. */
export const systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"] as const;

/** (apiserver: pkg/admission/plugin/namespace/lifecycle) */
const immortal = new Set(["default", "kube-public", "kube-system"]);

/**
 * The API server: the one door to the store. Each write passes defaulting, the allocators, validation, and is then stored by
 * compare-and-set; readers and watchers share the stored objects. `client("kube-scheduler")` is how a component enters, and
 * what it does there is kept in `history()`. (kubernetes: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go)
 *
 * Left out: authentication, authorisation and admission plug-ins (but for default tolerations and the life of namespaces), the
 * Service default/kubernetes, and API groups beyond this story's.
 */
export class ApiServer {
  readonly store: Store;
  readonly clock: Clock;
  readonly #random: () => number;
  readonly #services: ServiceNumbers;
  readonly #watches = new Map<Kind, WatchCache>();
  readonly #history: History;
  readonly #window: number;

  constructor(options: ApiServerOptions) {
    const { clock, random, store = new MemoryStore(), serviceCIDRs = ["10.96.0.0/12"], nodePortRange = { from: 30_000, to: 32_767 }, first = {}, historyLimit = 100_000, watchWindow = 10_000, compactEvery } = options;
    this.clock = clock;
    this.store = store;
    this.#random = random;
    this.#history = new History(historyLimit);
    this.#window = watchWindow;
    const { from, to } = nodePortRange;
    this.#services = new ServiceNumbers(serviceCIDRs, new PortAllocator(from, to, random, first.nodePort, claimsIn(store, "/registry/ranges/servicenodeports/")), random, [first.clusterIP ?? []].flat(), claimsIn(store, "/registry/ipaddresses/"));
    for (const info of kinds) this.#listen(info);
    for (const { value } of store.range(infoOf("Service").prefix).entries) this.#services.adopt(value as Service);
    if (compactEvery !== undefined) this.#compactEvery(compactEvery, store.revision);
    for (const name of systemNamespaces) {
      if (!store.get(storageKey(infoOf("Namespace"), name, undefined))) this.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
  }

  /** Forgets, each time, what was before the time before. (apiserver: pkg/storage/etcd3/compact.go) */
  #compactEvery(interval: number, revision: number): void {
    this.clock.schedule(interval, () => {
      const now = this.store.revision;
      try {
        if (revision > 1) this.compact(revision);
      } catch (error) {
        if (!(error instanceof CompactedError)) throw error; // another API server on the same etcd was faster
      }
      this.#compactEvery(interval, now);
    }, { background: true });
  }

  /** The cluster as the component `who` sees it: "kubectl", "kube-scheduler", "kube-proxy/node-a". */
  client(who: string): Client {
    return new LocalClient(this, who, (entry) => this.#history.limit > 0 && this.#history.add(entry));
  }

  /** Who read, watched and wrote what, when; oldest first. */
  history(): HistoryEntry[] {
    return this.#history.entries();
  }

  get(kind: Kind, name: string, namespace?: string): KubeObject {
    return this.#entry(infoOf(kind), name, namespace).value;
  }

  /** `revision`: the objects as they were then. Throws 410 where the store has forgotten it. */
  list(kind: Kind, options: ListOptions & { revision?: number } = {}): List<KubeObject> {
    const info = infoOf(kind);
    const { wants } = filterOf(info, options);
    const from = options.continue ? parseContinue(options.continue) : undefined;
    const revision = from?.revision ?? options.revision;
    const prefix = prefixOf(info, options.namespace);
    if (!options.limit) {
      const { entries, revision: now } = this.#range(prefix, { ...(revision !== undefined && { revision }), ...(from && { from: from.key }) });
      const items = entries.map(({ value }) => value);
      return { items: wants ? items.filter(wants) : items, resourceVersion: String(revision ?? now) };
    }
    return this.#page(prefix, options.limit, wants, revision ?? this.#range(prefix, { limit: 1 }).revision, from?.key);
  }

  create<T extends KubeObject>(object: T, options: WriteOptions = {}): T {
    const info = infoOf(object.kind, object.apiVersion);
    object = decoded(info, object, options.fieldValidation, options.onWarning);
    for (let attempt = 1; ; attempt++) {
      const [fresh, problems] = this.#prepareCreate(info, object);
      try {
        return this.#write(info, fresh, undefined, problems, options) as T;
      } catch (error) {
        // A generated name may be taken: as upstream, try up to eight. (apiserver: registry/generic/registry/store.go, Create)
        const taken = error instanceof errors.ApiError && error.reason === "AlreadyExists";
        if (!taken || object.metadata.name || attempt === 8) throw error;
      }
    }
  }

  /** Replaces an object, or only its status. */
  update<T extends KubeObject>(object: T, options: WriteOptions = {}, subresource?: "status"): T {
    const info = infoOf(object.kind, object.apiVersion);
    object = decoded(info, object, options.fieldValidation, options.onWarning);
    const { name, namespace, uid, resourceVersion } = object.metadata;
    return this.#change(info, name, namespace, options, subresource, (old) => {
      if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw errors.conflict(info, name, errors.modified);
      if (uid && uid !== old.metadata.uid) throw errors.conflict(info, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`);
      return object;
    }) as T;
  }

  patch(kind: Kind, name: string, namespace: string | undefined, patch: Patch, options: WriteOptions & { subresource?: "status" | "scale" } = {}): KubeObject {
    const info = infoOf(kind);
    return this.#change(info, name, namespace, options, options.subresource, (old) => {
      const scale = options.subresource === "scale";
      const result = patched(scale ? "Scale" : kind, scale ? scaleOf(old) : old, patch);
      const next = decoded(info, scale ? scaled(old, decodedAs<Scale>("Scale", result)) : (result as KubeObject), options.fieldValidation, options.onWarning);
      if (next.kind !== old.kind || next.apiVersion !== old.apiVersion) throw errors.badRequest(`a patch cannot make a ${next.apiVersion} ${next.kind} of a ${old.apiVersion} ${old.kind}`);
      const { resourceVersion } = next.metadata;
      if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) throw errors.conflict(info, name, errors.modified);
      return next;
    });
  }

  /** Binds a Pod to a node: the one way in which spec.nodeName is set after creation. (pods/binding) */
  bind(name: string, namespace: string | undefined, node: string, options: WriteOptions = {}): Pod {
    const info = infoOf("Pod");
    const old = this.#entry(info, name, namespace).value as Pod;
    const refusal = old.metadata.deletionTimestamp ? `pod ${name} is being deleted, cannot be assigned to a host` : old.spec.nodeName ? `pod ${name} is already assigned to node ${JSON.stringify(old.spec.nodeName)}` : undefined;
    if (refusal) throw errors.conflict({ ...info, plural: "pods/binding" }, name, refusal);
    const scheduled = { type: "PodScheduled", status: "True" as const, lastTransitionTime: this.#now() };
    const others = old.status?.conditions?.filter(({ type }) => type !== "PodScheduled") ?? [];
    const next = { ...old, spec: { ...old.spec, nodeName: node }, status: { ...old.status, conditions: [...others, scheduled] } };
    return (options.dryRun ? frozen(next) : this.#put(info, next, this.#entry(info, name, namespace).modRevision)) as Pod;
  }

  /**
   * Removes an object, or marks it for removal while a finalizer or a Pod's grace period holds it. Answers what is left to be
   * seen: the marked object, or undefined where it is gone. (apiserver: pkg/registry/rest/delete.go, BeforeDelete)
   */
  delete(kind: Kind, name: string, namespace?: string, options: DeleteOptions = {}): KubeObject | undefined {
    const info = infoOf(kind);
    for (;;) {
      const { value: old, modRevision } = this.#entry(info, name, namespace);
      this.#checkPreconditions(info, old, options);
      const next = this.#markedForDeletion(old, options);
      if (next === old || options.dryRun) return next;
      if (next === undefined) {
        if (this.#remove(info, old, modRevision)) return undefined;
      } else {
        const entry = this.store.put(storageKey(info, name, old.metadata.namespace), next, modRevision);
        if (entry) return entry.value;
      }
    }
  }

  /** Events after `options.resourceVersion`; throws 410 (Expired) where they are no longer held: then list again. "" and "0" begin with what there is, as ADDED. */
  watch(kind: Kind, options: WatchOptions, on: (event: WatchEvent<KubeObject>, revision: number) => void): () => void {
    const info = infoOf(kind);
    const cache = this.#watches.get(kind)!;
    const { wants, selector } = filterOf(info, options);
    const fromNow = options.resourceVersion === "" || options.resourceVersion === "0";
    const { limit: _, continue: __, ...filter } = options;
    const { items: initial, resourceVersion } = fromNow ? this.list(kind, filter) : { items: [], resourceVersion: options.resourceVersion };
    const revision = parseRevision(resourceVersion);
    if (revision < cache.oldest) throw errors.gone(`too old resource version: ${revision} (${cache.oldest})`);
    return cache.add({ revision, value: selector?.exact(cache.trigger), wants: within(info.namespaced ? options.namespace : undefined, wants), on, initial, backlog: [], stopped: false });
  }

  /** What a bookmark says: the revision up to which all watchers of the kind have been told everything. */
  progress(kind: Kind): string {
    return String(this.#watches.get(kind)!.progress(this.store.immediate ? this.store.revision : undefined));
  }

  /** Forgets history before `revision`, as `etcdctl compact` does. */
  compact(revision: number): void {
    this.store.compact(revision);
    for (const cache of this.#watches.values()) cache.compact(revision);
  }

  /** Puts objects as they are, status and all: a dump of a real cluster. No defaulting, no validation, no allocation beyond what they hold. */
  restore(objects: readonly KubeObject[]): void {
    for (const object of objects) {
      const info = infoOf(object.kind, object.apiVersion);
      const namespace = info.namespaced ? (object.metadata.namespace ?? "default") : undefined;
      const stored = this.store.put(storageKey(info, object.metadata.name, namespace), { ...object, metadata: { ...object.metadata, ...(namespace && { namespace }) } });
      if (object.kind === "Service") this.#services.adopt(stored!.value as Service);
    }
  }

  // ---- the write path ---------------------------------------------------------------------------------------------

  #prepareCreate(info: KindInfo, object: KubeObject): [KubeObject, FieldError[]] {
    const { resourceVersion, uid, deletionTimestamp, deletionGracePeriodSeconds, ...meta } = object.metadata ?? {};
    if (resourceVersion) throw errors.badRequest("resourceVersion should not be set on objects to be created");
    const { namespace: _, ...rest } = meta;
    const metadata = {
      ...rest,
      name: meta.name || (meta.generateName ? meta.generateName.slice(0, 58) + this.#suffix() : ""),
      ...(info.namespaced && { namespace: meta.namespace || "default" }),
      uid: this.#uid(), creationTimestamp: this.#now(),
      ...(info.generation && { generation: 1 }),
    };
    if (info.namespaced) this.#checkNamespace(info, metadata.name, metadata.namespace!);
    const fresh = defaulted({ ...object, metadata: withoutEmpty(metadata) });
    if (fresh.kind === "Pod") return [{ ...fresh, status: newPodStatus(fresh as Pod) } as KubeObject, []];
    if (fresh.kind !== "Service") return [info.subresources.includes("status") && info.kind !== "Namespace" && info.kind !== "Node" ? { ...fresh, status: {} } as KubeObject : fresh, []];
    const { service, errors: problems } = prepareService({ ...fresh, status: { loadBalancer: {} } } as Service, this.#services.ips.map(({ family }) => family));
    return [service, problems];
  }

  /** Reads, changes, writes; again where somebody else wrote in between (only another process on the same etcd can). */
  #change(info: KindInfo, name: string, namespace: string | undefined, options: WriteOptions, subresource: "status" | "scale" | undefined, change: (old: KubeObject) => KubeObject): KubeObject {
    for (;;) {
      const { value: old, modRevision } = this.#entry(info, name, namespace);
      const [next, problems] = this.#prepareUpdate(info, old, change(old), subresource);
      if (same(next, old)) return old;
      if (released(next, old) && !options.dryRun) {
        if (this.#remove(info, next, modRevision)) return frozen(next);
        continue;
      }
      const written = this.#write(info, next, { value: old, modRevision }, problems, options);
      if (written) return written;
    }
  }

  #prepareUpdate(info: KindInfo, old: KubeObject, wanted: KubeObject, subresource: "status" | "scale" | undefined): [KubeObject, FieldError[]] {
    if (subresource === "status") return [defaulted({ ...old, status: (wanted as { status?: object }).status } as KubeObject), []];
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion, namespace } = old.metadata;
    const kept = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion, namespace };
    for (const key in kept) if (kept[key as keyof typeof kept] === undefined) delete kept[key as keyof typeof kept];
    const { deletionTimestamp: _1, deletionGracePeriodSeconds: _2, ...meta } = wanted.metadata;
    let next: KubeObject = defaulted({ ...wanted, metadata: withoutEmpty({ ...meta, ...kept }) });
    if (info.subresources.includes("status")) next = withStatus(next, (old as { status?: object }).status);
    const problems: FieldError[] = [];
    if (next.kind === "Service") {
      const prepared = prepareService(next as Service, this.#services.ips.map(({ family }) => family), old as Service);
      [next] = [prepared.service, problems.push(...prepared.errors)];
    }
    if (info.generation && !sameBut(next, old)) next = { ...next, metadata: { ...next.metadata, generation: (generation ?? 0) + 1 } };
    return [next, problems];
  }

  /** Allocates, validates, stores, in Kubernetes' order. Undefined where an update lost the race. */
  #write(info: KindInfo, next: KubeObject, old: { value: KubeObject; modRevision: number } | undefined, problems: readonly FieldError[], options: WriteOptions): KubeObject | undefined {
    const { name } = next.metadata;
    if (problems.length > 0) throw errors.invalid(info, name, problems);
    const claim = next.kind === "Service" && specOf(next) !== specOf(old?.value) ? this.#services.claim(next as Service, old?.value as Service | undefined) : undefined;
    let written: KubeObject | undefined;
    try {
      const ready = claim?.service ?? next;
      const found = [...(claim?.errors ?? []), ...(claim?.errors.length ? [] : validate(ready, old?.value))];
      if (found.length > 0) throw errors.invalid(info, name, found);
      if (options.dryRun) return this.#dry(info, ready, old);
      return (written = this.#put(info, ready, old?.modRevision ?? 0));
    } finally {
      if (written) claim?.commit();
      else claim?.undo();
    }
  }

  #put(info: KindInfo, next: KubeObject, expected: number): KubeObject | undefined {
    const { name, namespace } = next.metadata;
    const entry = this.store.put(storageKey(info, name, namespace), next, expected);
    if (!entry && expected === 0) throw errors.alreadyExists(info, name);
    return entry?.value;
  }

  #dry(info: KindInfo, next: KubeObject, old: unknown): KubeObject {
    if (!old && this.store.get(storageKey(info, next.metadata.name, next.metadata.namespace))) throw errors.alreadyExists(info, next.metadata.name);
    return frozen(next);
  }

  #remove(info: KindInfo, object: KubeObject, modRevision: number): boolean {
    const removed = this.store.delete(storageKey(info, object.metadata.name, object.metadata.namespace), modRevision);
    if (removed && object.kind === "Service") this.#services.release(object as Service);
    return removed !== undefined;
  }

  // ---- deletion ---------------------------------------------------------------------------------------------------

  #checkPreconditions(info: KindInfo, { metadata }: KubeObject, { uid, resourceVersion }: DeleteOptions): void {
    if (uid && uid !== metadata.uid) throw errors.conflict(info, metadata.name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`);
    if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
      throw errors.conflict(info, metadata.name, `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion}`);
    }
    if (info.kind === "Namespace" && immortal.has(metadata.name)) {
      throw errors.forbidden(info, metadata.name, "this namespace may not be deleted");
    }
  }

  /** The object as the deletion leaves it: itself if nothing changes, undefined if it goes at once. */
  #markedForDeletion(old: KubeObject, options: DeleteOptions): KubeObject | undefined {
    const grace = old.kind === "Pod" ? podGrace(old as Pod, options.gracePeriodSeconds) : 0;
    const finalizers = finalizersFor(old, options.propagationPolicy);
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = old.metadata;
    if (grace === 0 && finalizers.length === 0 && !finalizing(old)) return undefined;
    if (deletionTimestamp && grace >= deletionGracePeriodSeconds && same(finalizers, old.metadata.finalizers ?? [])) return old;
    const metadata = {
      ...old.metadata, ...(finalizers.length > 0 && { finalizers }),
      deletionTimestamp: this.#now(grace), deletionGracePeriodSeconds: grace,
      ...(old.metadata.generation && { generation: old.metadata.generation + 1 }),
    };
    return { ...old, metadata, ...(old.kind === "Namespace" && { status: { phase: "Terminating" } }) } as KubeObject;
  }

  #checkNamespace(info: KindInfo, name: string, namespace: string): void {
    const found = this.store.get(storageKey(infoOf("Namespace"), namespace, undefined))?.value;
    if (!found) throw errors.notFound(infoOf("Namespace"), namespace);
    if (found.metadata.deletionTimestamp) throw errors.forbidden(info, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  #entry(info: KindInfo, name: string, namespace: string | undefined): Entry {
    const entry = this.store.get(storageKey(info, name, namespace));
    if (!entry) throw errors.notFound(info, name);
    return entry;
  }

  #range(prefix: string, options: { revision?: number; limit?: number; from?: string }) {
    try {
      return this.store.range(prefix, options);
    } catch (error) {
      if (error instanceof CompactedError) throw errors.gone("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.");
      if (error instanceof RangeError) throw errors.badRequest(error.message);
      throw error;
    }
  }

  /** One page: up to `limit` objects that the filter lets through, all as of one revision. */
  #page(prefix: string, limit: number, wants: Wants, revision: number, from: string | undefined): List<KubeObject> {
    const items: KubeObject[] = [];
    let start = from;
    for (;;) {
      const { entries, more, count } = this.#range(prefix, { revision, limit: limit + 1, ...(start && { from: start }) });
      let read = 0;
      for (const { value } of entries) {
        if (items.length === limit) break;
        read++;
        if (!wants || wants(value)) items.push(value);
      }
      const next = entries[read]?.key;
      if (next === undefined && !more) return { items, resourceVersion: String(revision) };
      start = next ?? `${entries[read - 1]!.key}\0`;
      if (items.length === limit) {
        return { items, resourceVersion: String(revision), continue: continueToken(revision, start), ...(!wants && { remainingItemCount: count - read }) };
      }
    }
  }

  #listen(info: KindInfo): void {
    const cache = new WatchCache(info.kind, this.store.revision, this.clock, this.#window);
    this.#watches.set(info.kind, cache);
    this.store.watch(info.prefix, this.store.revision, (changes) => cache.note(changes));
  }

  // ---- names and times --------------------------------------------------------------------------------------------

  #lastTime = { second: NaN, text: "" };

  /** Kubernetes' time: UTC, whole seconds. What is made in the same second shares the text. */
  #now(secondsFromNow = 0): string {
    const second = Math.floor(this.clock.now() / 1000) + secondsFromNow;
    if (second !== this.#lastTime.second) this.#lastTime = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
    return this.#lastTime.text;
  }

  /** A version 4 UUID. */
  #uid(): string {
    const word = () => Math.floor((1 + this.#random()) * 0x1_0000_0000).toString(16).slice(1); // the leading 1 keeps the zeros
    const hex = word() + word() + word() + word();
    const variant = "89ab"[parseInt(hex[16]!, 16) & 3];
    // join makes one flat string; a template would keep its pieces alive beside it.
    return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20)].join("-");
  }

  /** Five characters without vowels, so that no word appears by chance. (k8s.io/apimachinery: pkg/util/rand) */
  #suffix(): string {
    const alphabet = "bcdfghjklmnpqrstvwxz2456789";
    return Array.from({ length: 5 }, () => alphabet[Math.floor(this.#random() * alphabet.length)]).join("");
  }
}

/** In a store that others write to as well, each number has a key of its own; alone, the allocators' memory is enough. */
function claimsIn(store: Store, prefix: string): Claims | undefined {
  if (store.immediate) return undefined;
  return {
    take: (what) => store.put(prefix + what, { apiVersion: "v1", kind: "RangeAllocation", metadata: { name: what } }, 0) !== undefined,
    release: (what) => void store.delete(prefix + what),
  };
}

function infoOf(kind: string, apiVersion?: string): KindInfo {
  const info = kindInfo(kind);
  if (!info || (apiVersion !== undefined && apiVersion !== info.apiVersion)) {
    const known = info ? `it is served as ${info.apiVersion}` : `the kinds served are ${kinds.map(({ kind }) => kind).join(", ")}`;
    throw errors.badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? "")}: ${known}`);
  }
  return info;
}

const prefixOf = (info: KindInfo, namespace: string | undefined): string => (info.namespaced && namespace ? `${info.prefix}${namespace}/` : info.prefix);

/** What labels and fields select; undefined: everything. (The namespace is in the key.) */
function filterOf(info: KindInfo, options: ListOptions): { wants: Wants; selector: FieldSelector | undefined } {
  try {
    const byLabels = options.labelSelector ? labels(options.labelSelector) : undefined;
    const selector = options.fieldSelector ? fields(info.kind, options.fieldSelector) : undefined;
    if (!byLabels && !selector) return { wants: undefined, selector };
    return { wants: (object) => (!byLabels || byLabels(object.metadata.labels)) && (!selector || selector.matches(object)), selector };
  } catch (error) {
    if (error instanceof SelectorError) throw errors.badRequest(error.message);
    throw error;
  }
}

type Wants = ((object: KubeObject) => boolean) | undefined;

const within = (namespace: string | undefined, wants: Wants): Wants =>
  namespace ? (object) => object.metadata.namespace === namespace && (!wants || wants(object)) : wants;

function parseRevision(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw errors.badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: must be a whole number out of a list or an object`);
  return Number(text);
}

const continueToken = (revision: number, key: string): string => Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: key })).toString("base64url");

function parseContinue(token: string): { revision: number; key: string } {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, "base64url").toString()) as { rv: unknown; start: unknown };
    if (Number.isSafeInteger(rv) && typeof start === "string") return { revision: rv as number, key: start };
  } catch {} // falls through to the one answer for all that is no token
  throw errors.badRequest("continue key is not valid: it must come from an earlier list");
}

/** A namespace's own finalizers: its deletion ends when the namespace controller has emptied it. */
const finalizing = (object: KubeObject): boolean => object.kind === "Namespace" && ((object as { spec?: { finalizers?: string[] } }).spec?.finalizers?.length ?? 0) > 0;

/** Whether this update lets go of an object whose deletion waited for its last finalizer only. */
function released(next: KubeObject, old: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = old.metadata;
  const held = Boolean(finalizers?.length) || finalizing(old);
  return deletionTimestamp !== undefined && !deletionGracePeriodSeconds && held && !next.metadata.finalizers?.length && !finalizing(next);
}

/** A Pod that no kubelet runs, or that has ended, goes at once. (kubernetes: pkg/registry/core/pod/strategy.go, CheckGracefulDelete) */
function podGrace(pod: Pod, asked: number | undefined): number {
  if (!pod.spec.nodeName || pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") return 0;
  return Math.max(0, asked ?? pod.spec.terminationGracePeriodSeconds ?? 30);
}

function finalizersFor({ metadata }: KubeObject, policy: DeleteOptions["propagationPolicy"]): string[] {
  const others = (metadata.finalizers ?? []).filter((one) => policy === undefined || (one !== "orphan" && one !== "foregroundDeletion"));
  if (policy === "Orphan") return [...others, "orphan"];
  return policy === "Foreground" ? [...others, "foregroundDeletion"] : others;
}

/** As Go's omitempty has it: the last label gone, `labels` is gone. */
function withoutEmpty(meta: ObjectMeta): ObjectMeta {
  const empty = (["labels", "annotations", "finalizers", "ownerReferences"] as const).filter((field) => meta[field] && Object.keys(meta[field]).length === 0);
  return empty.length === 0 ? meta : (Object.fromEntries(Object.entries(meta).filter(([field]) => !(empty as string[]).includes(field))) as unknown as ObjectMeta);
}

const specOf = (object: KubeObject | undefined): unknown => (object as { spec?: unknown } | undefined)?.spec;

/** Whether two versions differ in nothing but metadata and status: then the generation stays. */
function sameBut(a: KubeObject, b: KubeObject): boolean {
  const core = ({ metadata: _, ...rest }: KubeObject) => ({ ...rest, status: undefined });
  return same(core(a), core(b));
}

function withStatus(object: KubeObject, status: object | undefined): KubeObject {
  const { status: _, ...rest } = object as KubeObject & { status?: object };
  return status ? ({ ...rest, status } as KubeObject) : rest;
}

const statusOfClass = new Map(["BestEffort", "Burstable", "Guaranteed"].map((qosClass) => [qosClass, frozen({ phase: "Pending" as const, qosClass })]));
const newPodStatus = (pod: Pod) => statusOfClass.get(qosClass(pod))!;

/** (kubernetes: pkg/apis/core/v1/helper/qos) */
function qosClass({ spec }: Pod): string {
  const resources = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((one) => one.resources ?? {});
  const some = resources.some(({ limits, requests }) => Object.keys({ ...limits, ...requests }).length > 0);
  if (!some) return "BestEffort";
  const guaranteed = resources.every(({ limits, requests }) => ["cpu", "memory"].every((what) => limits?.[what] && (requests?.[what] ?? limits[what]) === limits[what]));
  return guaranteed ? "Guaranteed" : "Burstable";
}
