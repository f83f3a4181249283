/** What containers run, by their specs and by what is known of their images. */
import { imageName } from "../node/listening.js";
import type { Container, Pod } from "../objects/types.js";

/** What images do of themselves, where it is known here. (their Dockerfiles) */
const ownCommands: ReadonlyMap<string, readonly string[]> = new Map([
  ["busybox", ["sh"]],
  ["alpine", ["/bin/sh"]],
  ["debian", ["bash"]],
  ["ubuntu", ["/bin/bash"]],
]);

/** Images whose own program is known here: what begins their command unless a Pod says so. */
const entrypoints: ReadonlyMap<string, string> = new Map([["agnhost", "/agnhost"]]);

/** (kubernetes.io: a container's command takes the place of an image's ENTRYPOINT and CMD) */
export function wordsOf({ image = "", command = [], args = [] }: Container): readonly string[] {
  const name = imageName(image);
  const entrypoint = command.length === 0 ? entrypoints.get(name) : undefined;
  if (entrypoint !== undefined) return [entrypoint, ...args];
  const words = [...command, ...args];
  return words.length > 0 ? words : (ownCommands.get(name) ?? []);
}

/** Of this image it is known that it has no program that is not known here. */
export const bringsAll = ({ image = "" }: Container): boolean => imageName(image) === "busybox";

/** Of a field that is taken to go well: whether it is a command, and all that it calls is here. */
export function isRun({ spec }: Pod, field: string): boolean {
  const [, index, name = ""] = /^spec\.containers\[(\d+)\]\.([\w.]+)$/.exec(field) ?? [];
  const container = spec.containers[Number(index)];
  const asked =
    name === "lifecycle.postStart"
      ? container?.lifecycle?.postStart
      : container?.[name as "readinessProbe"];
  return container !== undefined && asked?.exec !== undefined && bringsAll(container);
}
