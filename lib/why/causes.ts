/** From a request that failed to what is in its way, in the order of the ladder. */
import type { Journey } from "../journey/types.js";
import { nameOf } from "./objects.js";
import { lookAtBalancer } from "./ladder/balancer.js";
import type { Case, Look } from "./ladder/case.js";
import { lookAtClusterIP } from "./ladder/cluster-ip.js";
import { lookAtEndpoints } from "./ladder/endpoints.js";
import { lookAtName } from "./ladder/name.js";
import { lookAtNodePort } from "./ladder/node-port.js";
import { lookAtPods } from "./ladder/pods.js";
import { lookAtPort } from "./ladder/port.js";
import { lookAtProcess } from "./ladder/process.js";
import type { Fault, Rung } from "./types.js";

const looks: Record<Rung, Look> = {
  name: lookAtName,
  "load-balancer": lookAtBalancer,
  "node-port": lookAtNodePort,
  "cluster-ip": lookAtClusterIP,
  endpoints: lookAtEndpoints,
  pod: lookAtPods,
  process: lookAtProcess,
};

/** What every request comes to in the end, by whatever door. */
const behindAllDoors: readonly Rung[] = ["endpoints", "pod", "process"];

/** All faults that are in the way of a request, in the order of the ladder; never none. */
export function causesOf(one: Case): Fault[] {
  const found = faultsOf(one);
  return found.length > 0 ? found : [byTrace(one)];
}

/** Those of them that the ladder knows. */
export function faultsOf(one: Case): Fault[] {
  const own = one.via.flatMap((rung) => looks[rung](one));
  const headless = one.via.length === 1 && one.via[0] === "name" ? lookAtPort(one, "name") : [];
  return distinct([...own, ...headless, ...faultsBehind(one)]);
}

function faultsBehind(one: Case): Fault[] {
  if (one.service.spec.type === "ExternalName") return [];
  const rungs = one.door === "pod" ? (["pod", "process"] as const) : behindAllDoors;
  const asked = rungs.flatMap((rung) => looks[rung](one));
  if (asked.length > 0 || one.disposition !== "no healthy target") return asked;
  // health checks ask the first port, whichever the client asks for (cloud-provider-aws)
  return rungs.flatMap((rung) => looks[rung]({ ...one, port: 0 }));
}

function distinct(faults: readonly Fault[]): Fault[] {
  const seen = new Map<string, Fault>();
  for (const each of faults) {
    const key = `${each.object} ${each.field}`;
    if (!seen.has(key)) seen.set(key, each);
  }
  return [...seen.values()];
}

/** Nothing of what is known to go wrong: then what the last rule that was met is for. */
function byTrace({ service, journey, disposition, via }: Case): Fault {
  const [undecided] = disposition === "unknown" ? (journey?.leftOut ?? []) : [];
  const object = undecided?.object ?? (journey ? lastObject(journey) : undefined);
  const reason = journey?.reason ?? disposition;
  return {
    rung: via[0] ?? "process",
    object: object ?? nameOf(service),
    field: undecided?.field ?? "",
    value: disposition,
    expected: "delivered",
    sentence: reason,
    kubectl: describing(undecided?.object) ?? describing(nameOf(service))!,
  };
}

/** "NetworkPolicy shop/deny-all" -> the command that shows it. */
function describing(object: string | undefined): string | undefined {
  const [, kind, namespace, name] = /^(\w+) ([^/ ]+)\/([^/ ]+)$/.exec(object ?? "") ?? [];
  return kind && `kubectl describe ${kind.toLowerCase()} ${name} -n ${namespace}`;
}

const lastObject = ({ hops }: Journey): string | undefined =>
  hops.flatMap(({ steps }) => steps).findLast(({ object }) => object !== undefined)?.object;
