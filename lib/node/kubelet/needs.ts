/**
 * ConfigMaps and Secrets without which a Pod does not start. Who knows these kinds looks for them
 * (config-needs.ts); a page's first chunk takes them to be there.
 */
import type { Client } from "../../api/client.js";
import type { Container, Pod } from "../../objects/types.js";
import type { Granted } from "../granted.js";

export interface Needs {
  /** The first volume that cannot be mounted, and why; undefined: all can. */
  volume(pod: Pod, client: Client): { name: string; why: string } | undefined;
  /** Why the container's environment cannot be made; undefined: it can. */
  environment(container: Container, pod: Pod, client: Client): string | undefined;
  /** All that is not there, of a Pod that is started all the same. */
  granted(pod: Pod, client: Client): Granted[];
}

export const needs: Needs = {
  volume: () => undefined,
  environment: () => undefined,
  granted: () => [],
};
