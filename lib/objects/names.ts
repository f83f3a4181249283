/** How objects are called across kinds. */
import type { KubeObject } from "./types.js";

/** "default/web". (k8s.io/apimachinery: pkg/types, NamespacedName) */
export const namespacedName = ({ metadata }: Pick<KubeObject, "metadata">): string =>
  `${metadata.namespace ?? "default"}/${metadata.name}`;
