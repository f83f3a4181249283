/** What a kubelet reads of the API server to make a container: as it is, or was at a revision. */
import { bytesOf } from "../../../machinery/pipe.js";
import type { KubeObject, Service } from "../../../objects/types.js";

export interface Objects {
  /** Undefined where there is none. */
  find(kind: string, name: string, namespace?: string): KubeObject | undefined;
  services(): readonly Service[];
}

/** What a ConfigMap or a Secret holds under its keys: bytes (machinery/pipe.ts). */
export type Held = ReadonlyMap<string, string>;

type Holder = KubeObject & {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
};

/** Undefined where there is no such object. */
export function heldBy(
  objects: Objects,
  kind: "ConfigMap" | "Secret",
  name: string,
  namespace: string,
): { texts: Held; files: Held } | undefined {
  const found = objects.find(kind, name, namespace) as Holder | undefined;
  if (!found) return undefined;
  const { data = {}, binaryData = {} } = found;
  // a Secret's data are in base64, a ConfigMap's are text
  const decode = kind === "Secret" ? atob : bytesOf;
  const texts = Object.entries(data).map(([key, text]) => [key, decode(text)] as const);
  const binary = Object.entries(binaryData).map(([key, text]) => [key, atob(text)] as const);
  // what is binary is never a variable (kubelet_pods.go, makeEnvironmentVariables)
  return { texts: new Map(texts), files: new Map([...texts, ...binary]) };
}
