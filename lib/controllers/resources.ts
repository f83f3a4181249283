import type { Node, Pod } from "../objects/types.js";

/** CPU in thousandths of a core, memory in bytes, and how many Pods. */
export interface Resources {
  cpu: number;
  memory: number;
  pods: number;
}

const suffixes: Record<string, number> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A quantity as Kubernetes writes it: "250m", "1.5", "128Mi", "1e3". 0 where it is none.
 * (apimachinery: pkg/api/resource)
 */
export function quantity(text: string | number | undefined): number {
  const [, number, exponent = "", suffix = ""] =
    /^([+-]?[\d.]+)([eE][+-]?\d+)?([a-zA-Z]*)$/.exec(String(text ?? 0)) ?? [];
  return Number((number ?? "0") + exponent) * (suffixes[suffix] ?? 0);
}

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
          sum + (request[name] === undefined ? unset : quantity(request[name]) * scale),
        0,
      ),
      ...first.map((request) => quantity(request[name]) * scale),
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
  return { cpu: quantity(cpu) * 1000, memory: quantity(memory), pods: quantity(pods) };
}
