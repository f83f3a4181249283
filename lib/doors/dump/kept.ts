/**
 * What of an object goes into a dump: all that a verdict may rest on, and nothing that is secret.
 * Secrets, other people's configuration and the values of environment variables stay where they
 * are; of those a port is read, which a process listens on.
 */
import { tellsPort } from "../../node/listening.js";
import { isRecord } from "../../objects/freeze.js";
import type { KubeObject } from "../../objects/types.js";

/** Kinds of which nothing is kept. */
const never = new Set(["Secret", "Event", "Lease", "CustomResourceDefinition"]);
/** Fields that no verdict rests on, anywhere in an object. */
const dropped = new Set([
  "managedFields",
  "resourceVersion",
  "selfLink",
  "images",
  "volumesAttached",
  "volumesInUse",
  "nodeInfo",
  "providerID",
  "imageID",
  "containerID",
]);
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** undefined: it stays out as a whole. */
export function keptOf(object: KubeObject): KubeObject | undefined {
  if (never.has(object.kind)) return undefined;
  if (object.kind === "ConfigMap") return configurationOf(object);
  return kept(object) as KubeObject;
}

function kept(value: unknown, key = ""): unknown {
  if (Array.isArray(value))
    return value.map((item) => (key === "env" ? variable(item) : kept(item, key)));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !dropped.has(name) && name !== lastApplied)
      // where variables come from is left out, and that there are some stays
      .map(([name, item]) => [name, name === "envFrom" ? [] : kept(item, name)]),
  );
}

/** A variable of a container's environment keeps its place and its name. */
function variable(item: unknown): unknown {
  const { name = "", value } = item as { name?: string; value?: string };
  return value !== undefined && tellsPort(name, value) ? { name, value } : { name };
}

/** Of ConfigMaps only kube-proxy's configuration, without what it knows of the API server. */
function configurationOf(object: KubeObject): KubeObject | undefined {
  const { data = {} } = object as KubeObject & { data?: Record<string, unknown> };
  const own = Object.entries(data).filter(
    ([, text]) => typeof text === "string" && text.includes("KubeProxyConfiguration"),
  );
  if (own.length === 0) return undefined;
  const { name, namespace } = object.metadata;
  return { ...object, metadata: { name, namespace }, data: Object.fromEntries(own) } as KubeObject;
}
