/** What shells need of a cluster. */
import type { Clock } from "../api/clock.js";
import type { Network } from "../journey/network.js";
import type { Random } from "../machinery/random.js";
import type { Source } from "./api-objects.js";

/** What a cluster gives. */
export interface World {
  readonly network: Network;
  /** What kubelets read to make containers. */
  readonly apiserver: Source;
  readonly clock: Clock;
  /** Where Services have their addresses: one range, or of each family one, with a comma. */
  readonly serviceCIDR: string;
  /** A generator for all places; each draws from a fork of its own. */
  readonly random: Random;
}
