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

// by the list of containers: Pods of one template share theirs
const known = new WeakMap<object, Known>();
interface Known {
  /** What else counts, and may change while the containers stay as they are. */
  beside: readonly unknown[];
  result: { asked: Resources; scored: Resources };
}

/**
 * What a Pod asks for: the most that it needs at any time, while its init containers run one after
 * the other beside the sidecars that have started, or afterwards. What the Pod asks for as a whole
 * stands in for the sum, and a runtime's overhead is added. `scored` counts 100m CPU and 200 MB of
 * memory for containers that ask for nothing, so that they too weigh something when nodes are
 * compared. (k8s.io/component-helpers/resource/helpers.go, PodRequests)
 */
export function requestsOf({ spec }: Pod): { asked: Resources; scored: Resources } {
  const beside = [spec.initContainers, spec.overhead, spec.resources];
  const cached = known.get(spec.containers);
  if (cached?.beside.every((one, i) => one === beside[i])) return cached.result;
  const cpu = { name: "cpu", scale: 1000 };
  const memory = { name: "memory", scale: 1 };
  const result = {
    asked: { cpu: ask(spec, cpu, 0), memory: ask(spec, memory, 0), pods: 1 },
    scored: { cpu: ask(spec, cpu, 100), memory: ask(spec, memory, 200 * 1024 * 1024), pods: 1 },
  };
  known.set(spec.containers, { beside, result });
  return result;
}

function ask(spec: Pod["spec"], { name, scale }: { name: string; scale: number }, unset: number) {
  const of = (resources: { requests?: Record<string, string> } | undefined, otherwise = 0) => {
    const text = resources?.requests?.[name];
    return text === undefined ? otherwise : amount(text) * scale;
  };
  let sidecars = 0;
  let peak = 0;
  for (const { resources, restartPolicy } of spec.initContainers ?? []) {
    const own = of(resources);
    peak = Math.max(peak, sidecars + own);
    if (restartPolicy === "Always") sidecars += own;
  }
  const together = spec.containers.reduce((sum, one) => sum + of(one.resources, unset), sidecars);
  const whole = of(spec.resources, Math.max(peak, together));
  return whole + amount(spec.overhead?.[name]) * scale;
}

export function allocatable({ status }: Node): Resources {
  const { cpu, memory, pods } = status?.allocatable ?? status?.capacity ?? {};
  return { cpu: amount(cpu) * 1000, memory: amount(memory), pods: amount(pods) };
}
