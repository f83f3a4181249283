/**
 * A container's environment as its kubelet makes it. In life these variables come in an order that
 * changes from run to run (a Go map's); here they come as they are declared, Services' own last.
 * (kubernetes: pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables)
 */
import { bytesOf } from "../../../machinery/pipe.js";
import type { Container, Pod } from "../../../objects/types.js";
import { fieldOf, resourceOf, type Home, type ResourceField } from "./downward.js";
import { expanded } from "./expansion.js";
import { heldBy, type Held, type Objects } from "./objects.js";
import { serviceVariables } from "./service-variables.js";

interface Named {
  name?: string;
  optional?: boolean;
}
interface From {
  prefix?: string;
  configMapRef?: Named;
  secretRef?: Named;
}
interface Source {
  fieldRef?: { fieldPath?: string };
  resourceFieldRef?: ResourceField;
  configMapKeyRef?: Named & { key: string };
  secretKeyRef?: Named & { key: string };
}

/** Names and values in bytes. What is not at hand has a value that says so. */
export function environmentOf(
  container: Container,
  pod: Pod,
  home: Home,
  objects: Objects,
): Map<string, string> {
  const namespace = pod.metadata.namespace ?? "default";
  const { enableServiceLinks = true } = pod.spec;
  const services = new Map(serviceVariables(objects.services(), namespace, enableServiceLinks));
  const held = (kind: "ConfigMap" | "Secret", name = ""): Held | undefined =>
    heldBy(objects, kind, name, namespace)?.texts;
  const all = new Map<string, string>();
  for (const { prefix = "", configMapRef, secretRef } of (container.envFrom ?? []) as From[]) {
    const texts = configMapRef
      ? held("ConfigMap", configMapRef.name)
      : held("Secret", secretRef?.name);
    for (const [key, text] of texts ?? []) all.set(prefix + key, text);
  }
  const valueOf = (name: string): string | undefined => all.get(name) ?? services.get(name);
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    const told =
      value !== ""
        ? expanded(bytesOf(value), valueOf)
        : valueFrom
          ? sourced(valueFrom, { container, pod, home, held })
          : "";
    if (told !== undefined) all.set(name, told);
  }
  for (const [name, value] of services) if (!all.has(name)) all.set(name, value);
  return all;
}

interface Sources {
  container: Container;
  pod: Pod;
  home: Home;
  held: (kind: "ConfigMap" | "Secret", name?: string) => Held | undefined;
}

/** Undefined: the variable is left out, for it may be. */
function sourced(source: Source, { container, pod, home, held }: Sources): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (fieldRef) {
    const told = fieldOf(fieldRef.fieldPath ?? "", pod, home);
    return told === undefined ? notAtHand(`field ${fieldRef.fieldPath}`) : bytesOf(told);
  }
  if (resourceFieldRef)
    return (
      resourceOf(resourceFieldRef, pod, container, home) ??
      notAtHand(`field ${resourceFieldRef.resource}`)
    );
  const kind = configMapKeyRef ? "ConfigMap" : "Secret";
  const reference = configMapKeyRef ?? secretKeyRef;
  if (!reference) return notAtHand("its source");
  const { name, key, optional = false } = reference;
  return held(kind, name)?.get(key) ?? (optional ? undefined : notAtHand(`${kind} ${name}`, key));
}

/** What stands for a value that nobody here knows, since a manifest at hand is not all there is. */
export const notAtHand = (what: string, key?: string): string =>
  bytesOf(
    `(not known: ${what}${key === undefined ? " is" : ` with its key ${key} is`} not at hand)`,
  );
