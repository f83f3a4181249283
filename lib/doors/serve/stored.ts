import { received } from "../../objects/received.js";
import type { KubeObject } from "../../objects/types.js";

/** What lies under a key is no object. */
export class NotAnObject extends Error {}

/** The object that a value in etcd stands for: anybody may write there. @throws NotAnObject */
export function storedObject(text: string): KubeObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new NotAnObject("it is no JSON");
  }
  const { kind, metadata } = (value ?? {}) as Partial<KubeObject>;
  if (typeof kind !== "string" || typeof metadata?.name !== "string")
    throw new NotAnObject("it is no object with a kind and a name");
  return received(value as KubeObject);
}
