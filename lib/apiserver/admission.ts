/**
 * What looks at each new Pod before it is stored, and adds to it or refuses it. Who knows the kinds
 * that a plug-in reads adds it (admission-plugins.ts): a page's first chunk does without.
 * (kubernetes: pkg/kubeapiserver/options/plugins.go)
 */
import type { Client } from "../api/client.js";
import type { Clock } from "../api/clock.js";
import type { Store } from "../store/store.js";
import type { KubeObject, Pod } from "../objects/types.js";

/** What a plug-in has of the server. */
export interface Admitting {
  /** A stored object; undefined where there is none. */
  find(kind: string, name: string, namespace?: string): KubeObject | undefined;
  all(kind: string): readonly KubeObject[];
  /** Five characters, as at the end of a generated name. */
  suffix(): string;
}

export interface AdmissionPlugin {
  /** As --enable-admission-plugins calls it. */
  name: string;
  /** Whether nobody needs to ask for it. */
  isAlways?: boolean;
  /** Throws ApiError (Forbidden) where the Pod may not be. */
  admit(pod: Pod, server: Admitting): Pod;
}

export const admissionPlugins: AdmissionPlugin[] = [];

/**
 * What kube-apiserver does by itself from its start on (kubernetes-service.ts). `serviceCIDR`: the
 * ranges of Services, with a comma between them.
 */
export const duties: ((client: Client, clock: Clock, serviceCIDR: string) => void)[] = [];

/** The same, of what is done to the store alone. `events`: where Events are kept (expiry.ts). */
export const storeDuties: ((store: Store, clock: Clock, events: string) => void)[] = [];
