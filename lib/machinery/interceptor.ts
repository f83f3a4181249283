/**
 * A client between a component and the API server that may make any call fail and any watch
 * stammer: the seam for faults. (controller-runtime: pkg/client/interceptor)
 *
 *     const onCall = ({ verb }) => (verb === "list" ? { error } : "pass");
 *     createCluster({ faults: { client: intercept({ onCall }) } });
 */
import type { Client, List, ListOptions, Patch, WatchEvent } from "../api/client.js";
import type { DeleteOptions, WatchOptions, WriteOptions } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import { gone, type ApiError } from "../api/errors.js";
import type { Kind, Kinds, KubeObject, Pod } from "../objects/types.js";

/** A call that a component makes. */
export interface ClientCall {
  /** The component: "kube-scheduler". */
  who: string;
  verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "bind" | "delete";
  kind: Kind;
  name?: string;
}

/**
 * What becomes of a call: it is made; it fails with `error`; or it is made and its answer is lost
 * on the way, so that it seems to have failed.
 */
export type CallFate = "pass" | { error: ApiError; done?: boolean };

/**
 * What becomes of a watch event: it comes; twice; `delay` milliseconds late, and what follows it
 * waits behind it; or the watch breaks off instead, and what follows must be listed.
 */
export type EventFate = "pass" | "twice" | "break" | { delay: number };

/** What may go wrong between the components and the API server. */
export interface ClientFault {
  onCall?(call: ClientCall): CallFate;
  onEvent?(call: ClientCall, event: WatchEvent<KubeObject>): EventFate;
}

/** What becomes of a component's client. */
export type Interception = (client: Client, who: string, clock: Clock) => Client;

/** Where `fault` strikes. */
export const intercept =
  (fault: ClientFault): Interception =>
  (client, who, clock) =>
    new InterceptedClient(client, who, fault, clock);

/** The client as the component `who` has it where `fault` strikes. */
class InterceptedClient implements Client {
  constructor(
    private readonly client: Client,
    private readonly who: string,
    private readonly fault: ClientFault,
    private readonly clock: Clock,
  ) {}

  get<K extends Kind>(kind: K, name: string, namespace?: string): Kinds[K] {
    return this.#call("get", kind, name, () => this.client.get(kind, name, namespace));
  }

  list<K extends Kind>(kind: K, options?: ListOptions): List<Kinds[K]> {
    return this.#call("list", kind, undefined, () => this.client.list(kind, options));
  }

  create<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("create", object, () => this.client.create(object, options));
  }

  update<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("update", object, () => this.client.update(object, options));
  }

  updateStatus<T extends KubeObject>(object: T, options?: WriteOptions): T {
    return this.#write("update", object, () => this.client.updateStatus(object, options));
  }

  patch<K extends Kind>(
    kind: K,
    name: string,
    namespace: string | undefined,
    patch: Patch,
    options?: WriteOptions & { subresource?: "status" | "scale" },
  ): Kinds[K] {
    return this.#call("patch", kind, name, () =>
      this.client.patch(kind, name, namespace, patch, options),
    );
  }

  bind(name: string, namespace: string | undefined, node: string, options?: WriteOptions): Pod {
    return this.#call("bind", "Pod", name, () => this.client.bind(name, namespace, node, options));
  }

  delete<K extends Kind>(kind: K, name: string, namespace?: string, options?: DeleteOptions): void {
    this.#call("delete", kind, name, () => this.client.delete(kind, name, namespace, options));
  }

  watch<K extends Kind>(
    kind: K,
    options: WatchOptions,
    on: (event: WatchEvent<Kinds[K]>) => void,
  ): () => void {
    const line = new WatchLine(
      on as (event: WatchEvent<KubeObject>) => void,
      (event) => this.fault.onEvent?.({ who: this.who, verb: "watch", kind }, event) ?? "pass",
      this.clock,
    );
    const stop = this.#call("watch", kind, undefined, () =>
      this.client.watch(kind, options, (event) => line.hear(event as WatchEvent<KubeObject>)),
    );
    return () => {
      line.stop();
      stop();
    };
  }

  #write<T extends KubeObject>(verb: ClientCall["verb"], object: T, make: () => T): T {
    return this.#call(verb, object.kind as Kind, object.metadata.name, make);
  }

  #call<T>(verb: ClientCall["verb"], kind: Kind, name: string | undefined, make: () => T): T {
    const call = { who: this.who, verb, kind, ...(name && { name }) };
    const fate = this.fault.onCall?.(call) ?? "pass";
    if (fate === "pass") return make();
    if (fate.done) make();
    throw fate.error;
  }
}

/** The line on which one watch's events come: in order, whatever happens to them. */
class WatchLine {
  readonly #late: WatchEvent<KubeObject>[] = [];
  #ended = false;

  constructor(
    private readonly on: (event: WatchEvent<KubeObject>) => void,
    private readonly fateOf: (event: WatchEvent<KubeObject>) => EventFate,
    private readonly clock: Clock,
  ) {}

  hear(event: WatchEvent<KubeObject>): void {
    if (this.#ended) return;
    if (this.#late.length > 0) return void this.#late.push(event);
    this.#pass(event);
  }

  stop(): void {
    this.#ended = true;
  }

  #pass(event: WatchEvent<KubeObject>): void {
    const fate = this.fateOf(event);
    if (fate === "break") {
      this.stop();
      return this.on({ type: "ERROR", object: gone("the watch broke off").status });
    }
    if (typeof fate === "object") {
      this.#late.push(event);
      return void this.clock.schedule(fate.delay, () => this.#catchUp());
    }
    this.on(event);
    if (fate === "twice" && !this.#ended) this.on(event);
  }

  #catchUp(): void {
    for (const event of this.#late.splice(0)) if (!this.#ended) this.on(event);
  }
}
