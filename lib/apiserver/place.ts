/** What comes for an object stays that object's. */
import { badRequest, type ApiError } from "../api/errors.js";
import type { KubeObject } from "../objects/types.js";

/** A patch moves nothing to another name or namespace. */
export function checkPlace({ metadata: now }: KubeObject, { metadata: was }: KubeObject): void {
  if (now.name !== was.name) throw otherName(now.name, was.name);
  if (now.namespace !== undefined && now.namespace !== was.namespace) throw otherNamespace();
}

/** What comes names another object than the path does. (apiserver: pkg/endpoints/handlers) */
export const otherName = (given: string, name: string): ApiError =>
  badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);

export const otherNamespace = (): ApiError =>
  badRequest(
    "the namespace of the provided object does not match the namespace sent on the request",
  );
