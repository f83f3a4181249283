import type { KubeObject } from "./types.js";

/** Those of one kind, whatever their version. */
export const ofKind = <T extends KubeObject>(objects: readonly KubeObject[], kind: string): T[] =>
  objects.filter((one) => one.kind === kind) as T[];
