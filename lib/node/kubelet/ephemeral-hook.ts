/** Who runs a Pod's ephemeral containers; a page does without. (ephemeral.ts) */
import type { Pod } from "../../objects/types.js";
import type { Host } from "./host.js";

export interface Added {
  /** Begins what is new in the Pod, which runs. */
  sync(pod: Pod): void;
  /** Looks whether they still run. */
  relist(): void;
  /** What the Pod's status says of them. */
  status(): Partial<NonNullable<Pod["status"]>>;
  halt(): void;
}

export const ephemeral: { containers?: (host: Host, report: () => void) => Added } = {};
