import type { Client } from "../../api/client.js";
import type { Clock } from "../../api/clock.js";
import type { EventRecorder } from "../../machinery/events.js";
import type { Random } from "../../machinery/random.js";
import type { Guard } from "../../machinery/supervisor.js";
import type { Runtime } from "./runtime.js";

/** What those who run Pods have of their kubelet. */
export interface Host {
  clock: Clock;
  random: Random;
  client: Client;
  events: EventRecorder;
  /** Holds what goes wrong with a Pod. */
  guard: Guard;
  runtime: Runtime;
  /** Images that were pulled to this machine. */
  images: Set<string>;
  /** Whether no registry has an image. */
  isMissing(image: string): boolean;
  /** Whether ConfigMaps and Secrets that are not there keep Pods from starting. */
  needsConfig: boolean;
  podCIDRs(): readonly string[];
  /** status.hostIP and hostIPs of the Pods here. */
  hostStatus(): { hostIP?: string; hostIPs?: { ip: string }[] };
}
