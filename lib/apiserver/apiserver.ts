import { every, throwSoon, type Clock } from "../api/clock.js";
import type {
  Client,
  DeleteOptions,
  List,
  ListOptions,
  Patch,
  Subresource,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../api/client.js";
import type { HistoryEntry } from "../api/history.js";
import { frozen, isRecord, same } from "../objects/freeze.js";
import {
  allKinds,
  isService,
  kindInfo,
  kindOf,
  kinds,
  specOf,
  storageKey,
  type KindInfo,
} from "../objects/kinds.js";
import type { IPFamily, Kind, KubeObject, Pod, Service } from "../objects/types.js";
import { otherKinds } from "../objects/others.js";
import { byVersion, validate, type FieldError } from "../objects/validation.js";
import { MemoryStore } from "../store/memory.js";
import { CompactedError, type Entry, type Store } from "../store/store.js";
import {
  admissionPlugins,
  storeDuties,
  type Admitting,
  type AdmissionPlugin,
  type Asked,
} from "./admission.js";
import { PortAllocator } from "./allocators.js";
import {
  CLAIM_VALID_MS,
  REPAIR_AGAIN_MS,
  REPAIR_INTERVAL_MS,
  sharedStores,
  type AddressObjects,
  type SharedClaims,
} from "./claims.js";
import { cameAs, decoded, decodedAs, notOfThisKind } from "./decode.js";
import { checkPreconditions, markedForDeletion, released } from "./deletion.js";
import * as errors from "../api/errors.js";
import { kubernetes, type Kubernetes } from "../objects/kubernetes.js";
import { History } from "./history.js";
import {
  filterOf,
  page,
  parseContinue,
  parseRevision,
  prefixOf,
  rangeOf,
  within,
} from "./listing.js";
import { LocalClient } from "./local-client.js";
import { otherPatches, patched } from "./patch.js";
import { checkPlace } from "./place.js";
import { bound, firstMetadata, prepareCreate, prepareUpdate } from "./prepare.js";
import { ServiceNumbers, type Claim } from "./services.js";
import { Stamps } from "./stamps.js";
import { subresources } from "./subresources.js";
import { withTopology } from "./topology-labels.js";
import { warningsOf } from "./warnings.js";
import { WatchCache } from "./watch.js";

export interface ApiServerOptions {
  clock: Clock;
  /** Numbers in [0, 1): for uids, generated names and the allocators. Seed it. */
  random: () => number;
  /**
   * The same for what a client of this name makes, so that one that makes more moves nobody else's
   * names. Default: `random` for all.
   */
  randomFor?: (who: string) => () => number;
  /** Default: a new MemoryStore. */
  store?: Store | undefined;
  /**
   * One CIDR for each IP family, the default family first. Default: 10.96.0.0/12, as kubeadm has
   * it.
   */
  serviceCIDRs?: readonly string[] | undefined;
  /**
   * Whether objects stand for ClusterIPs that are taken, and for their ranges: IPAddresses and
   * ServiceCIDRs. Default: where others write into the store, too.
   */
  addressObjects?: boolean | undefined;
  /** Default: the usual version. */
  kubernetes?: Kubernetes | undefined;
  /** Admission plug-ins that are on, besides those that are always. Default: none. */
  enableAdmissionPlugins?: readonly string[] | undefined;
  /** Default 30000 to 32767. */
  nodePortRange?: { from: number; to: number };
  /**
   * Open pins: the first Service that leaves the choice to the allocator gets these, if they are
   * free.
   */
  first?: { clusterIP?: string | readonly string[]; nodePort?: number };
  /** Calls and notifications kept for history(); default 100,000; 0 keeps none. */
  historyLimit?: number | undefined;
  /** Past events of a kind with which a watch can begin; default 10,000. */
  watchWindow?: number | undefined;
  /**
   * Milliseconds after which history is forgotten, looked at as often; kube-apiserver takes 5
   * minutes. Default: it is kept.
   */
  compactEvery?: number | undefined;
  /**
   * Hears of a watcher's callback that threw; the other watchers lose nothing by it. Default: the
   * clock throws it.
   */
  onWatcherFailure?: (who: string, object: string, error: unknown) => void;
}

/** The namespaces that every cluster has. */
export const systemNamespaces = [
  "default",
  "kube-node-lease",
  "kube-public",
  "kube-system",
] as const;

/**
 * The API server: the one door to the store. Each write passes defaulting, the allocators,
 * validation, and is then stored by compare-and-set; readers and watchers share the stored objects.
 * `client("kube-scheduler")` is how a component enters, and what it does there is kept in
 * `history()`. (kubernetes: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go)
 *
 * Left out: authentication, authorisation and most admission plug-ins (those that there are:
 * admission.ts, default tolerations and the life of namespaces).
 */
export class ApiServer {
  readonly store: Store;
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly #randomFor: (who: string) => () => number;
  readonly #stamps: Stamps;
  readonly #admitting: Admitting;
  readonly #services: ServiceNumbers;
  readonly #watches = new Map<Kind, WatchCache>();
  readonly #history: History;
  readonly #window: number;
  readonly #onWatcherFailure: NonNullable<ApiServerOptions["onWatcherFailure"]>;
  readonly #families: readonly IPFamily[];
  readonly #plugins: ReadonlySet<string>;
  #repair: { due: number; cancel: () => void } | undefined;

  constructor(options: ApiServerOptions) {
    const {
      clock,
      random,
      randomFor = () => random,
      store = new MemoryStore(),
      serviceCIDRs = ["10.96.0.0/12"],
      nodePortRange = { from: 30_000, to: 32_767 },
      first = {},
      historyLimit = 100_000,
      watchWindow = 10_000,
      compactEvery,
      onWatcherFailure = (_who, _object, error) => throwSoon(clock, error),
      enableAdmissionPlugins = [],
      kubernetes: version = kubernetes(),
    } = options;
    this.kubernetes = version;
    this.#plugins = new Set(enableAdmissionPlugins);
    this.#onWatcherFailure = onWatcherFailure;
    this.clock = clock;
    this.store = store;
    for (const begin of storeDuties) begin(store, clock, infoOf("Event").prefix);
    this.#randomFor = randomFor;
    this.#stamps = new Stamps(clock, random);
    // with a stream of its own, so that the names it gives move nobody else's
    const names = new Stamps(clock, randomFor("admission"));
    this.#admitting = {
      find: (kind, name, namespace) =>
        this.store.get(storageKey(infoOf(kind), name, namespace))?.value,
      all: (kind, namespace) =>
        this.store.range(prefixOf(infoOf(kind), namespace)).entries.map(({ value }) => value),
      clock,
      store,
      suffix: () => names.suffix(),
    };
    this.#history = new History(historyLimit);
    this.#window = watchWindow;
    const { from, to } = nodePortRange;
    const { addressObjects = !store.immediate } = options;
    const addresses = addressObjects ? this.#addresses(serviceCIDRs) : undefined;
    const claims = {
      ...(addresses && { ips: addresses.claims }),
      ...(!store.immediate && { ports: this.#portClaims() }),
    };
    this.#services = new ServiceNumbers(
      serviceCIDRs,
      new PortAllocator(from, to, random, first.nodePort, claims.ports),
      random,
      [first.clusterIP ?? []].flat(),
      claims,
    );
    this.#families = this.#services.families;
    addresses?.follow((ranges) => this.#services.setRanges(ranges));
    for (const info of kinds) this.#listen(info);
    for (const service of this.#allServices()) this.#services.adopt(service);
    const definitions = kindInfo("CustomResourceDefinition");
    if (definitions)
      for (const { value } of this.store.range(definitions.prefix).entries)
        otherKinds.written(value);
    if (addresses || claims.ports) this.#repairClaims();
    if (compactEvery !== undefined) this.#compactEvery(compactEvery, store.revision);
    for (const name of systemNamespaces) {
      if (!store.get(storageKey(infoOf("Namespace"), name, undefined)))
        this.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
  }

  /**
   * In a store that others write to as well, each number has a key of its own; alone, the
   * allocators' memory is enough.
   */
  #portClaims(): SharedClaims {
    const { store, clock } = this;
    return sharedStores.claims(store, clock, this.#stamps, "/registry/ranges/servicenodeports/");
  }

  #addresses(serviceCIDRs: readonly string[]): AddressObjects {
    const { store, clock } = this;
    return sharedStores.addresses({
      store,
      clock,
      serviceCIDRs,
      stamps: new Stamps(clock, this.#randomFor("ipallocator")),
      tell: (event) => errors.ignoring([400, 403, 404, 409, 422, 503], () => this.create(event)),
      repairIn: (wait) => this.#repairIn(wait),
    });
  }

  /** Now, and every few minutes; sooner where somebody asks for it. */
  #repairClaims(): void {
    let wait = REPAIR_INTERVAL_MS;
    try {
      wait = Math.min(
        wait,
        this.#services.repair(() => this.#allServices()),
      );
    } catch (error) {
      if (!errors.isApiError(error)) throw error; // the store is away
      wait = REPAIR_AGAIN_MS;
    }
    this.#repairIn(wait);
  }

  /** Or sooner, where that has been asked for. */
  #repairIn(wait: number): void {
    const due = this.clock.now() + wait;
    if (this.#repair && this.#repair.due <= due) return;
    this.#repair?.cancel();
    const run = (): void => {
      this.#repair = undefined;
      this.#repairClaims();
    };
    this.#repair = { due, cancel: this.clock.schedule(wait, run, { background: true }) };
  }

  #allServices(): Service[] {
    return this.store.range(infoOf("Service").prefix).entries.map(({ value }) => value as Service);
  }

  /**
   * Forgets, each time, what was before the time before. (apiserver: pkg/storage/etcd3/compact.go)
   */
  #compactEvery(interval: number, revision: number): void {
    every(this.clock, interval, () => {
      const now = this.store.revision;
      try {
        if (revision > 1) this.compact(revision);
      } catch (error) {
        // another API server on the same etcd was faster, or the store is away
        if (!(error instanceof CompactedError) && !errors.isApiError(error)) throw error;
      }
      revision = now;
    });
  }

  /**
   * The cluster as the component `who` sees it: "kubectl", "kube-scheduler", "kube-proxy/node-a".
   */
  client(who: string): Client {
    return new LocalClient(
      this,
      who,
      new Stamps(this.clock, this.#randomFor(who)),
      this.#history,
      this.#onWatcherFailure,
    );
  }

  /** Who read, watched and wrote what, when; oldest first. */
  history(): HistoryEntry[] {
    return this.#history.entries();
  }

  get(kind: Kind, name: string, namespace?: string): KubeObject {
    return this.#entry(this.#infoOf(kind), name, namespace).value;
  }

  list(kind: Kind, options: ListOptions = {}): List<KubeObject> {
    const info = this.#infoOf(kind);
    this.#cacheOf(info);
    const { wants } = filterOf(info, options);
    const from = options.continue ? parseContinue(options.continue) : undefined;
    const revision = from?.revision ?? options.revision;
    const prefix = prefixOf(info, options.namespace);
    if (!options.limit) {
      const { entries, revision: now } = rangeOf(this.store, prefix, {
        ...(revision !== undefined && { revision }),
        ...(from && { from: from.key }),
      });
      const items = entries.map(({ value }) => value);
      return {
        items: wants ? items.filter(wants) : items,
        resourceVersion: String(revision ?? now),
      };
    }
    return page(
      this.store,
      prefix,
      options.limit,
      wants,
      revision ?? rangeOf(this.store, prefix, { limit: 1 }).revision,
      from?.key,
    );
  }

  /** `stamps`: of who makes it; default: the server's own. */
  create<T extends KubeObject>(object: T, options: WriteOptions = {}, stamps = this.#stamps): T {
    const came = this.#infoOf(object.kind, object.apiVersion);
    object = otherKinds.toStored(decoded(came, object, options)) as T;
    const info = infoOf(came.key);
    const asked = object.metadata;
    const isOwn = options.decoded === true && !Object.isFrozen(object);
    for (let attempt = 1; ; attempt++) {
      const metadata = firstMetadata(info, asked, stamps, isOwn);
      const named = isOwn ? Object.assign(object, { metadata }) : { ...object, metadata };
      const [fresh, problems] = prepareCreate(info, named, stamps, this.#families);
      if (info.namespaced) this.#checkNamespace(info, fresh);
      const admitted = otherPatches.managed(
        info,
        undefined,
        this.#admitted(info, fresh),
        this.clock,
        options,
      );
      try {
        return this.#write(info, admitted, undefined, problems, options) as T;
      } catch (error) {
        // A generated name may be taken: as upstream, try up to eight. (apiserver:
        // registry/generic/registry/store.go, Create)
        const taken = error instanceof errors.ApiError && error.reason === "AlreadyExists";
        if (!taken || asked.name || attempt === 8) throw error;
      }
    }
  }

  /** Replaces an object, or only its status. */
  update<T extends KubeObject>(object: T, options: WriteOptions = {}, subresource?: "status"): T {
    const came = this.#infoOf(object.kind, object.apiVersion);
    object = otherKinds.toStored(decoded(came, object, options)) as T;
    const info = infoOf(came.key);
    const { name, namespace, uid, resourceVersion } = object.metadata;
    return this.#change(info, name, namespace, options, subresource ?? options.under, (old) => {
      if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
        throw errors.conflict(info, name, errors.modified);
      if (uid && uid !== old.metadata.uid)
        throw errors.conflict(
          info,
          name,
          // in the words of the storage behind it, as upstream
          `StorageError: invalid object, Code: 4, Key: ${storageKey(info, name, namespace)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
        );
      return object;
    }) as T;
  }

  patch(
    kind: Kind,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options: WriteOptions & { subresource?: Subresource } = {},
  ): KubeObject {
    const info = this.#infoOf(kind);
    if (patch.type === "apply") return this.#apply(info, name, namespace, patch, options);
    return this.#change(info, name, namespace, options, options.subresource, (old) => {
      const scale = options.subresource === "scale" ? subresources.scale : undefined;
      // by whatever version it is asked for, that is the one that is patched
      const { apiVersion = info.apiVersion } = options;
      const as = apiVersion === info.apiVersion ? info : infoOf(info.kind, apiVersion);
      const from = scale ? scale.of(old) : otherKinds.inVersion(old, apiVersion);
      const result = patched(scale ? "Scale" : as.type, from, patch);
      if (!isRecord(result))
        throw errors.badRequest(
          `json: cannot unmarshal ${cameAs(result)} into Go value of type ${kind}`,
        );
      const refuse = (why: string) => errors.invalidPatch(JSON.stringify(result), why);
      const next = scale
        ? scale.by(old, decodedAs<KubeObject>("Scale", result, options, refuse))
        : otherKinds.toStored(
            decoded(as, sameKind(result as unknown as KubeObject, as, refuse), options, refuse),
          );
      checkPlace(next, old);
      const { resourceVersion } = next.metadata;
      if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion)
        throw errors.conflict(info, name, errors.modified);
      return next;
    });
  }

  /** Makes the object where there is none. */
  #apply(
    info: KindInfo,
    name: string,
    namespace: string | undefined,
    patch: Extract<Patch, { type: "apply" }>,
    {
      subresource,
      fieldManager: manager = "",
      ...rest
    }: WriteOptions & { subresource?: Subresource },
  ): KubeObject {
    const asked = { info, name, namespace, subresource, manager, ...patch };
    return otherPatches.apply(asked, rest, {
      now: this.#stamps.now(),
      there: this.store.get(storageKey(info, name, namespace)),
      create: (object) => this.create(object, rest),
      change: (next) => this.#change(info, name, namespace, rest, subresource, next),
    });
  }

  /**
   * Binds a Pod to a node: the one way in which spec.nodeName is set after creation. (pods/binding)
   */
  bind(name: string, namespace: string | undefined, node: string, options: WriteOptions = {}): Pod {
    const info = infoOf("Pod");
    for (;;) {
      const entry = this.#entry(info, name, namespace);
      const host = this.store.get(storageKey(infoOf("Node"), node, undefined))?.value;
      const next = withTopology(bound(entry.value as Pod, node, this.#stamps), host);
      const written = options.dryRun ? frozen(next) : this.#put(info, next, entry);
      if (written) return written as Pod;
    }
  }

  /**
   * Removes an object, or marks it for removal while a finalizer or a Pod's grace period holds it.
   * Answers what is left to be seen: the marked object, or undefined where it is gone. (apiserver:
   * pkg/registry/rest/delete.go, BeforeDelete)
   */
  delete(
    kind: Kind,
    name: string,
    namespace?: string,
    options: DeleteOptions = {},
  ): KubeObject | undefined {
    const info = this.#infoOf(kind);
    for (;;) {
      const { value: old, modRevision } = this.#entry(info, name, namespace);
      checkPreconditions(info, old, options);
      const next = markedForDeletion(old, options, this.#stamps);
      if (next === old || options.dryRun) return next;
      if (next === undefined) {
        if (this.#remove(info, old, modRevision)) return undefined;
      } else {
        const entry = this.store.put(
          storageKey(info, name, old.metadata.namespace),
          next,
          modRevision,
        );
        if (entry) return entry.value;
      }
    }
  }

  /**
   * Events after `options.resourceVersion`; throws 410 (Expired) where they are no longer held:
   * then list again. "" and "0" begin with what there is, as ADDED.
   */
  watch(
    kind: Kind,
    options: WatchOptions,
    on: (event: WatchEvent<KubeObject>, revision: number) => void,
  ): () => void {
    const info = this.#infoOf(kind);
    const cache = this.#cacheOf(info);
    const { wants, selector } = filterOf(info, options);
    const fromNow = options.resourceVersion === "" || options.resourceVersion === "0";
    const { limit: _, continue: __, ...filter } = options;
    const { items: initial, resourceVersion } = fromNow
      ? this.list(kind, filter)
      : { items: [], resourceVersion: options.resourceVersion };
    const revision = parseRevision(resourceVersion);
    if (revision < cache.oldest)
      throw errors.gone(`too old resource version: ${revision} (${cache.oldest})`);
    // Out of a life before: a store in memory counts from the start again. Watchers must list
    // again, or they would wait for ever.
    if (this.store.immediate && revision > this.store.revision)
      throw errors.gone(`Too large resource version: ${revision}, current: ${this.store.revision}`);
    return cache.add({
      revision,
      value: selector?.exact(cache.trigger),
      wants: within(info.namespaced ? options.namespace : undefined, wants),
      on,
      initial,
      backlog: [],
      stopped: false,
    });
  }

  /**
   * What a bookmark says: the revision up to which all watchers of the kind have been told
   * everything.
   */
  progress(kind: Kind): string {
    return String(
      this.#cacheOf(infoOf(kind)).progress(this.store.immediate ? this.store.revision : undefined),
    );
  }

  /** Forgets history before `revision`, as `etcdctl compact` does. */
  compact(revision: number): void {
    this.store.compact(revision);
    for (const cache of this.#watches.values()) cache.compact(revision);
  }

  /**
   * Puts objects as they are, status and all: a dump of a real cluster. No defaulting, no
   * validation, no allocation beyond what they hold.
   */
  restore(objects: readonly KubeObject[]): void {
    for (const object of objects) {
      const info = this.#infoOf(object.kind, object.apiVersion);
      const namespace = info.namespaced ? (object.metadata.namespace ?? "default") : undefined;
      this.store.put(storageKey(info, object.metadata.name, namespace), {
        ...object,
        metadata: { ...object.metadata, ...(namespace && { namespace }) },
      });
    }
  }

  // ---- the write path ---------------------------------------------------------------------------

  /**
   * Reads, changes, writes; again where somebody else wrote in between (only another process on the
   * same etcd can).
   */
  #change(
    info: KindInfo,
    name: string,
    namespace: string | undefined,
    options: WriteOptions,
    under: Written["under"],
    change: (old: KubeObject) => KubeObject,
  ): KubeObject {
    for (;;) {
      const entry = this.#entry(info, name, namespace);
      const { value: old, modRevision } = entry;
      const [next, problems] = prepareUpdate(info, old, change(old), under, this.#families);
      if (same(next, old)) return old;
      if (released(next, old) && !options.dryRun) {
        if (this.#remove(info, next, modRevision)) return frozen(next);
        continue;
      }
      const by = otherPatches.managed(info, old, next, this.clock, options, under);
      let seen = entry;
      const part = subresources.parts[under ?? ""];
      if (part) {
        refuse(info, name, part.problems(by, old));
        // that its spec changes has been looked at
        seen = { ...entry, value: { ...by, metadata: old.metadata } };
      }
      const written = this.#write(info, by, seen, problems, { ...options, under });
      if (written) return written;
    }
  }

  /**
   * Allocates, validates, stores, in Kubernetes' order. Undefined where an update lost the race.
   */
  #write(
    info: KindInfo,
    next: KubeObject,
    old: Entry | undefined,
    problems: readonly FieldError[],
    options: Written,
  ): KubeObject | undefined {
    const { name } = (old?.value ?? next).metadata;
    refuse(info, name, problems);
    if (options.onWarning)
      for (const text of warningsOf(next, this.kubernetes)) options.onWarning(text);
    const numbered = isService(next) && specOf(next) !== specOf(old?.value);
    if (numbered) return this.#writeService(info, next as Service, old, options);
    const ofVersion = byVersion[options.apiVersion ?? ""];
    refuse(
      info,
      name,
      ofVersion ? ofVersion(next, old?.value) : validate(next, old?.value, this.kubernetes),
    );
    this.#checkAdmission(info, next, old, options);
    return options.dryRun ? this.#dry(info, next, old) : this.#put(info, next, old);
  }

  /** As `#write`, of a Service that may need numbers, or need some no more. */
  #writeService(
    info: KindInfo,
    next: Service,
    old: Entry | undefined,
    options: Written,
  ): KubeObject | undefined {
    const { name } = (old?.value ?? next).metadata;
    const started = this.clock.now();
    const before = old?.value as Service | undefined;
    const claim = this.#services.claim(next, before, Boolean(options.dryRun));
    const { service } = claim;
    try {
      refuse(
        info,
        name,
        claim.errors.length > 0 ? claim.errors : validate(service, old?.value, this.kubernetes),
      );
      this.#checkAdmission(info, service, old, options);
      if (this.clock.now() - started > CLAIM_VALID_MS)
        throw errors.serviceUnavailable("it took too long to find numbers for the Service");
    } catch (error) {
      claim.undo();
      throw error;
    }
    if (options.dryRun) {
      claim.undo();
      return this.#dry(info, service, old);
    }
    return this.#settle(claim, () => this.#put(info, service, old));
  }

  /**
   * Writes a Service, and lets go of the numbers that it has no more, or has not got. Where the
   * store does not say whether it was written, they stay claimed until a repair finds out.
   */
  #settle(claim: Claim, write: () => KubeObject | undefined): KubeObject | undefined {
    let written: KubeObject | undefined;
    try {
      written = write();
    } catch (error) {
      if (!errors.isApiError(error, 503)) claim.undo();
      else this.#repairIn(REPAIR_AGAIN_MS);
      throw error;
    }
    if (written) claim.commit();
    else claim.undo();
    return written;
  }

  /** A definition that changed makes other kinds known. */
  #replace({ key, modRevision }: Entry, next: KubeObject): KubeObject | undefined {
    const value = this.store.put(key, next, modRevision, true)?.value;
    if (value) otherKinds.written(value);
    return value;
  }

  /** One that is on its way out holds its name until then. */
  #takenName(info: KindInfo, name: string, namespace: string | undefined): errors.ApiError {
    const there = this.store.get(storageKey(info, name, namespace))?.value;
    return there?.metadata.deletionTimestamp
      ? errors.beingDeleted(info, name)
      : errors.alreadyExists(info, name);
  }

  /** In place of `old`; undefined where somebody else was faster. */
  #put(info: KindInfo, next: KubeObject, old: Entry | undefined): KubeObject | undefined {
    if (old) return this.#replace(old, next);
    const { name, namespace } = next.metadata;
    const entry = this.store.put(storageKey(info, name, namespace), next, 0, true);
    if (!entry) throw this.#takenName(info, name, namespace);
    otherKinds.written(entry.value);
    return entry.value;
  }

  #dry(info: KindInfo, next: KubeObject, old: unknown): KubeObject {
    if (!old && this.store.get(storageKey(info, next.metadata.name, next.metadata.namespace)))
      throw errors.alreadyExists(info, next.metadata.name);
    return frozen(next);
  }

  #remove(info: KindInfo, object: KubeObject, modRevision: number): boolean {
    const removed = this.store.delete(
      storageKey(info, object.metadata.name, object.metadata.namespace),
      modRevision,
    );
    if (removed && isService(object)) this.#services.release(object as Service);
    if (removed && otherKinds.isDefinition(object)) this.#removeAllOf(object.metadata.name);
    return removed !== undefined;
  }

  /** A definition's objects go with it. */
  #removeAllOf(definition: string): void {
    for (const { prefix } of allKinds().filter(({ definedBy }) => definedBy === definition))
      for (const { key, modRevision } of this.store.range(prefix).entries)
        this.store.delete(key, modRevision);
  }

  #checkNamespace(info: KindInfo, { metadata: { name, namespace = "default" } }: KubeObject): void {
    const found = this.store.get(storageKey(infoOf("Namespace"), namespace, undefined))?.value;
    if (!found) throw errors.notFound(infoOf("Namespace"), namespace);
    if (found.metadata.deletionTimestamp) throw errors.terminating(info, name, namespace);
  }

  #admitted(info: KindInfo, object: KubeObject): KubeObject {
    let admitted = object;
    for (const plugin of admissionPlugins)
      if (plugin.admit && (plugin.kind ?? "Pod") === info.key && this.#hasPlugin(plugin))
        admitted = plugin.admit(admitted as Pod, this.#admitting);
    return admitted;
  }

  #checkAdmission(
    info: KindInfo,
    object: KubeObject,
    old: Entry | undefined,
    { dryRun: isDryRun = false, under, apiVersion }: Written,
  ): void {
    for (const plugin of admissionPlugins)
      if (plugin.check && this.#hasPlugin(plugin))
        plugin.check(object, this.#admitting, {
          info,
          old: old?.value,
          isDryRun,
          under,
          apiVersion,
        });
  }

  readonly #hasPlugin = ({ name, isAlways }: AdmissionPlugin): boolean =>
    isAlways || this.#plugins.has(name);

  /** A kind that a CustomResourceDefinition of this cluster defines, or one of Kubernetes' own. */
  #infoOf(kind: string, apiVersion?: string): KindInfo {
    const info = infoOf(kind, apiVersion);
    if (info.definedBy === undefined) return info;
    const definitions = infoOf("CustomResourceDefinition");
    if (this.store.get(storageKey(definitions, info.definedBy, undefined))) return info;
    throw errors.unknownPath();
  }

  // ---- reading ----------------------------------------------------------------------------------

  #entry(info: KindInfo, name: string, namespace: string | undefined): Entry {
    const entry = this.store.get(storageKey(info, name, namespace));
    if (!entry) throw errors.notFound(info, name);
    return entry;
  }

  /** Kinds that nobody acts on are listened to from when somebody first asks for them. */
  #cacheOf(info: KindInfo): WatchCache {
    return this.#watches.get(info.key) ?? this.#listen(info);
  }

  #listen(info: KindInfo): WatchCache {
    const cache = new WatchCache(info.key, this.store.revision, this.clock, this.#window);
    this.#watches.set(info.key, cache);
    this.store.watch(
      info.prefix,
      this.store.revision,
      (changes) => {
        cache.note(changes);
        if (info.key === "Service") this.#services.note(changes);
      },
      () => cache.lose(this.store.revision),
    );
    return cache;
  }
}

/** How it is written, and by which door: a sub-resource, or as a whole. */
type Written = Omit<WriteOptions, "under"> & Partial<Pick<Asked, "under">>;

function infoOf(kind: string, apiVersion?: string): KindInfo {
  const info = apiVersion === undefined ? kindInfo(kind) : kindOf({ kind, apiVersion });
  if (!info) {
    const others = allKinds().filter((each) => each.kind === kind);
    const known = others.length
      ? `it is served as ${others.map((each) => each.apiVersion).join(" and ")}`
      : `the kinds served are ${kinds.map(({ kind }) => kind).join(", ")}`;
    throw errors.badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? "")}: ${known}`,
    );
  }
  return info;
}

/** Throws where something is wrong with the object. */
function refuse(info: KindInfo, name: string, problems: readonly FieldError[]): void {
  if (problems.length > 0) throw errors.invalid(info, name, problems);
}

/** (apiserver: pkg/endpoints/handlers/patch.go) */
function sameKind(
  patched: KubeObject,
  info: KindInfo,
  refuse: (why: string) => errors.ApiError,
): KubeObject {
  const { kind, apiVersion } = patched;
  if (kind === info.kind && apiVersion === info.apiVersion) return patched;
  throw refuse(notOfThisKind(kind, apiVersion, info));
}
