/**
 * Objects that another process has written: a value in etcd, the answer of another API server. They
 * may be older than a field, or come from a program that is less strict, and there is nobody to
 * refuse them to. Kubernetes decodes and defaults what it reads, too. (apiserver:
 * pkg/server/storage, the codec of a resource)
 */
import { decode } from "./decode.js";
import { defaulted } from "./defaulting.js";
import { frozen } from "./freeze.js";
import { kindOf } from "./kinds.js";
import { withPlurals } from "./plurals.js";
import type { KubeObject } from "./types.js";

/**
 * The object as the types say that it is. Fields that the table does not know are kept, values of a
 * wrong type are left out.
 */
export function received<T extends KubeObject>(object: T): T {
  const type = kindOf(object)?.type;
  if (type === undefined) return frozen({ ...object, metadata: object.metadata ?? {} });
  const { value } = decode<T>(type, object, { unknown: "keep", mend: true });
  return frozen(withPlurals(defaulted(value)));
}
