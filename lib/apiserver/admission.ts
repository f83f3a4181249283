/**
 * What looks at objects before they are stored, and adds to them or refuses them. Who knows the
 * kinds that a plug-in reads adds it (admission-plugins.ts): a page's first chunk does without.
 * (kubernetes: pkg/kubeapiserver/options/plugins.go)
 */
import type { Client, Subresource } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import type { Store } from "../store/store.js";
import type { KindInfo } from "../objects/kinds.js";
import type { Kind, KubeObject, Pod } from "../objects/types.js";

/** What a plug-in has of the server. */
export interface Admitting {
  /** A stored object; undefined where there is none. */
  find(kind: string, name: string, namespace?: string): KubeObject | undefined;
  /** Of one namespace, or of all. */
  all(kind: string, namespace?: string): readonly KubeObject[];
  /** For what an admission keeps of its own. */
  store: Store;
  clock: Clock;
  /** Five characters, as at the end of a generated name. */
  suffix(): string;
}

export interface AdmissionPlugin {
  /** As --enable-admission-plugins calls it. */
  name: string;
  /** Whether nobody needs to ask for it. */
  isAlways?: boolean;
  /** Of which kind it takes new objects in hand; default: Pod. */
  kind?: Kind;
  /**
   * Throws ApiError (Forbidden) where the object may not be. It is the server's own by now, and may
   * be changed in place.
   */
  admit?(object: Pod, server: Admitting): KubeObject;
  /** The same of any object that is about to be stored, and is well in every other way. */
  check?(object: KubeObject, server: Admitting, asked: Asked): void;
}

export interface Asked {
  info: KindInfo;
  /** What there is; undefined: the object is new. */
  old: KubeObject | undefined;
  isDryRun: boolean;
  /** The sub-resource by which it is written; undefined: as a whole. */
  under: Subresource | "finalize" | undefined;
  /** The version in which it came, where that is not the one that is kept. */
  apiVersion: string | undefined;
}

export const admissionPlugins: AdmissionPlugin[] = [];

/**
 * What kube-apiserver does by itself from its start on (kubernetes-service.ts). `serviceCIDR`: the
 * ranges of Services, with a comma between them.
 */
export const duties: ((client: Client, clock: Clock, serviceCIDR: string) => void)[] = [];

/** The same, of what is done to the store alone. `events`: where Events are kept (expiry.ts). */
export const storeDuties: ((store: Store, clock: Clock, events: string) => void)[] = [];
