/**
 * Which container of which Pod a kubelet is asked for, and whether it can be asked.
 * (kubernetes: pkg/registry/core/pod/strategy.go, streamLocation, LogLocation)
 */
import * as errors from "../../api/errors.js";
import { containersOf } from "../../objects/pods.js";
import type { Pod } from "../../objects/types.js";
import type { Call } from "./http-call.js";

/** Sub-resources of a Pod that its kubelet answers. */
export const askedOfKubelet: ReadonlySet<string> = new Set([
  "log",
  "exec",
  "attach",
  "portforward",
]);

/** The Pod that the path names. @throws where there is none */
export const podOf = ({ client, target }: Call): Pod =>
  client.get("Pod", target.name!, target.namespace);

/** The container that is asked for; of a single one, its name need not be said. */
export function containerOf({ metadata, spec }: Pod, asked: string | null): string {
  const names = containersOf(spec).map(({ name }) => name);
  if (asked) {
    if (names.includes(asked)) return asked;
    throw errors.badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
  }
  if (spec.containers.length === 1) return spec.containers[0]!.name;
  throw errors.badRequest(
    `a container name must be specified for pod ${metadata.name}, choose one of: [${names.join(" ")}]`,
  );
}

/** @throws where the node that runs it is not there; false: no node is to run it yet. */
export function hasHost({ client, target }: Call, { spec }: Pod): boolean {
  const { nodeName } = spec;
  if (!nodeName) return false;
  if (!errors.ignoring([404], () => client.get("Node", nodeName)))
    throw errors.notFound(target.info, nodeName);
  return true;
}

export const noHost = ({ metadata }: Pod): errors.ApiError =>
  errors.badRequest(`pod ${metadata.name} does not have a host assigned`);
