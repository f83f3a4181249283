import { podResources, type AmountsOf, type Sums } from "../objects/pod-resources.js";
import { quantity } from "../objects/quantity.js";
import type { Node, Pod } from "../objects/types.js";

/** CPU in thousandths of a core, memory in bytes, and how many Pods. */
export interface Resources {
  cpu: number;
  memory: number;
  pods: number;
}

const numbers: Sums<number> = {
  read: (text, name) => quantity(text) * (name === "cpu" ? 1000 : 1),
  sum: (a, b) => a + b,
  larger: Math.max,
};

/** What a container weighs that asks for nothing, so that nodes are compared by it, too. */
const weights = { cpu: 100, memory: 200 * 1024 * 1024 };

interface Requests {
  asked: Resources;
  /** With a weight for containers that ask for nothing. */
  scored: Resources;
  /** Of what is asked that which few nodes have: anything but CPU and memory. */
  extended: readonly (readonly [name: string, amount: number])[];
}

// by the list of containers: Pods of one template share theirs
const known = new WeakMap<object, Known>();
/** What else counts, and may change while the containers stay as they are. */
interface Known {
  initContainers: unknown;
  overhead: unknown;
  resources: unknown;
  result: Requests;
}

/** What a Pod asks for, as the scheduler counts. (pkg/scheduler/framework/types.go) */
export function requestsOf(pod: Pod): Requests {
  const { containers, initContainers, overhead, resources } = pod.spec;
  const cached = known.get(containers);
  if (
    cached &&
    cached.initContainers === initContainers &&
    cached.overhead === overhead &&
    cached.resources === resources
  )
    return cached.result;
  const ask = (unsaid?: AmountsOf<number>) => podResources(pod, "requests", numbers, unsaid);
  const all = ask();
  const extended = Object.entries(all).filter(
    ([name, amount]) => amount > 0 && !/^(cpu|memory|pods)$/.test(name),
  );
  const result = { asked: basic(all), scored: basic(ask(weights)), extended };
  known.set(containers, { initContainers, overhead, resources, result });
  return result;
}

/** Spelt out, so that the engine knows them all as one: the scheduler compares thousands. */
const basic = ({ cpu = 0, memory = 0 }: AmountsOf<number>): Resources => ({ cpu, memory, pods: 1 });

export function allocatable({ status }: Node): Resources {
  const { cpu = "0", memory = "0", pods = "0" } = status?.allocatable ?? status?.capacity ?? {};
  return { cpu: numbers.read(cpu, "cpu"), memory: quantity(memory), pods: quantity(pods) };
}
