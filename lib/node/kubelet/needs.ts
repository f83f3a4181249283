/**
 * What keeps a Pod from being started: ConfigMaps and Secrets that are not there, names that no
 * image can have, another machine's operating system. Who knows about these looks for them
 * (config-needs.ts); a page's first chunk takes all of it to be as it should.
 */
import type { Client } from "../../api/client.js";
import type { Container, Pod } from "../../objects/types.js";
import type { Granted } from "../granted.js";

/** A state's or an event's reason and message. */
export interface Lack {
  reason: string;
  message: string;
}

/** `isComplete`: an object that is not there is missing; otherwise it is taken to be there. */
export interface Needs {
  /** Why nothing of the Pod can be started, as its event says; undefined: it can. */
  pod(pod: Pod, client: Client, isComplete: boolean): Lack | undefined;
  /** Why this container cannot be made, as its state says; undefined: it can. */
  container(container: Container, pod: Pod, client: Client, isComplete: boolean): Lack | undefined;
  /** What is not known to be there, or to suffice, of a Pod that is started all the same. */
  granted(pod: Pod, client: Client, isComplete: boolean): Granted[];
}

export const needs: Needs = {
  pod: () => undefined,
  container: () => undefined,
  granted: () => [],
};
