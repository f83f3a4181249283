import { received } from "../../objects/received.js";
import type { KubeObject } from "../../objects/types.js";

/**
 * The object that a value in etcd stands for, or why it stands for none: anybody may write there.
 */
export function storedObject(text: string): KubeObject | string {
  try {
    const value = JSON.parse(text) as KubeObject | null;
    if (typeof value?.kind === "string" && typeof value.metadata?.name === "string")
      return received(value);
    return "it is no object with a kind and a metadata.name";
  } catch (error) {
    return error instanceof SyntaxError ? "it is no JSON" : (error as Error).message;
  }
}
