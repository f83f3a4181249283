import { quantity } from "../objects/quantity.js";
import type { Node, Pod } from "../objects/types.js";

/** CPU in thousandths of a core, memory in bytes, and how many Pods. */
export interface Resources {
  cpu: number;
  memory: number;
  pods: number;
}

/** What is not there asks for nothing, and offers nothing. */
const amount = (text: string | undefined): number => (text === undefined ? 0 : quantity(text));

// by spec: Pods of one template share theirs
const known = new WeakMap<object, { asked: Resources; scored: Resources }>();

/**
 * What a Pod asks for: the sum over its containers, or its largest init container. `scored` counts
 * 100m CPU and 200 MB of memory for containers that ask for nothing, so that they too weigh
 * something when nodes are compared. (pkg/scheduler/util/pod_resources.go)
 */
export function requestsOf({ spec }: Pod): { asked: Resources; scored: Resources } {
  const cached = known.get(spec.containers);
  if (cached) return cached;
  const requests = spec.containers.map(({ resources }) => resources?.requests ?? {});
  const first = (spec.initContainers ?? []).map(({ resources }) => resources?.requests ?? {});
  const ask = (name: string, scale: number, unset: number) =>
    Math.max(
      requests.reduce(
        (sum, request) =>
          sum + (request[name] === undefined ? unset : amount(request[name]) * scale),
        0,
      ),
      first.reduce((largest, request) => Math.max(largest, amount(request[name]) * scale), 0),
    );
  const result = {
    asked: { cpu: ask("cpu", 1000, 0), memory: ask("memory", 1, 0), pods: 1 },
    scored: { cpu: ask("cpu", 1000, 100), memory: ask("memory", 1, 200 * 1024 * 1024), pods: 1 },
  };
  known.set(spec.containers, result);
  return result;
}

export function allocatable({ status }: Node): Resources {
  const { cpu, memory, pods } = status?.allocatable ?? status?.capacity ?? {};
  return { cpu: amount(cpu) * 1000, memory: amount(memory), pods: amount(pods) };
}
