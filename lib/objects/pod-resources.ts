/**
 * What a Pod as a whole asks for and may use, and of which class of service it is for that.
 * (k8s.io/component-helpers: resource/helpers.go, PodRequests and PodLimits)
 */
import { quantity } from "./quantity.js";
import type { Container, Pod } from "./types.js";

/** An amount of each of some resources: a text, as a quota shows it, or a number. */
export type AmountsOf<A> = Readonly<Record<string, A>>;

/** How amounts are read, added up and compared. */
export interface Sums<A> {
  read: (text: string, name: string) => A;
  sum: (a: A, b: A) => A;
  larger: (a: A, b: A) => A;
}

/** Of each resource that one of them has. */
export function combined<A>(
  a: AmountsOf<A>,
  b: AmountsOf<A>,
  both: (a: A, b: A) => A,
): AmountsOf<A> {
  const result: Record<string, A> = { ...a };
  for (const [name, amount] of Object.entries(b))
    result[name] = result[name] === undefined ? amount : both(result[name], amount);
  return result;
}

/** Those that a Pod may say for itself, too. (IsSupportedPodLevelResource) */
export const isOfPods = (name: string): boolean => /^(cpu|memory|hugepages-.*)$/.test(name);

/**
 * The sum over its containers and sidecars, or what its init containers need at a time beside the
 * sidecars that have started, where that is more. What the Pod says for itself stands in for that,
 * and the overhead of its runtime is added. `unsaid`: what a container counts for that does not say
 * how much.
 */
export function podResources<A extends string | number>(
  { spec }: Pick<Pod, "spec">,
  which: "requests" | "limits",
  { read, sum, larger }: Sums<A>,
  unsaid: AmountsOf<A> = {},
): AmountsOf<A> {
  const list = (said: AmountsOf<string> = {}, counts = (_name: string) => true) =>
    Object.fromEntries(
      Object.entries(said)
        .filter(([name]) => counts(name))
        .map(([name, text]) => [name, read(text, name)]),
    );
  const added = (all: AmountsOf<A>, { resources }: Container) =>
    combined(all, { ...unsaid, ...list(resources?.[which]) }, sum);
  let all = spec.containers.reduce(added, {});
  let first: AmountsOf<A> = {};
  let sidecars: AmountsOf<A> = {};
  for (const container of spec.initContainers ?? []) {
    const atATime = added(sidecars, container);
    first = combined(first, atATime, larger);
    if (container.restartPolicy !== "Always") continue;
    sidecars = atATime;
    all = added(all, container);
  }
  all = { ...combined(all, first, larger), ...list(spec.resources?.[which], isOfPods) };
  // where no limit is set, overhead makes none
  const counts = (name: string) => which === "requests" || quantity(all[name] ?? 0) > 0;
  return combined(all, list(spec.overhead, counts), sum);
}

/**
 * Guaranteed where each container's requests are its limits, of CPU and memory; BestEffort where
 * none has any; what the Pod says for itself counts in place of them. (kubernetes:
 * pkg/apis/core/v1/helper/qos, ComputePodQOS)
 */
export function qosClass({ spec }: Pod): string {
  const all = spec.resources
    ? [spec.resources]
    : [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => resources);
  if (all.every((said) => !said?.requests && !said?.limits)) return "BestEffort";
  const pairs = all.flatMap((said) =>
    ["cpu", "memory"].map((name) =>
      [said?.requests, said?.limits].map((list) => quantity(list?.[name] ?? 0)),
    ),
  );
  if (pairs.every(([request, limit]) => !request && !limit)) return "BestEffort";
  const isEven = pairs.every(([request, limit]) => limit && request === limit);
  return isEven ? "Guaranteed" : "Burstable";
}
