/** What is asked where nobody said what: the files' own Service, at its own port. */
import { hostnamesOf } from "../cloud/external-dns.js";
import type { Network } from "../journey/network.js";
import type { Remark } from "../journey/types.js";
import { clusterDomain } from "../node/dns.js";
import { internalBy } from "../objects/annotations.js";
import { namespacedName } from "../objects/names.js";
import type { KubeObject, Pod, Service } from "../objects/types.js";
import { bestOf, ingressOf } from "./aim.js";
import { urlOf } from "./doors.js";
import { namespaceOf } from "./objects.js";

export interface Question {
  url: string;
  from: string;
}

/** `from`: who asks, where somebody said so. Throws where there is no Service. */
export function usualQuestion(
  network: Network,
  given: readonly KubeObject[],
  stored: readonly Service[],
  domains: Readonly<Record<string, string>>,
  from: string | undefined,
): Question {
  const keys = new Map(stored.map((service) => [namespacedName(service), service]));
  const services = given
    .filter(({ kind }) => kind === "Service")
    .flatMap((each) => keys.get(namespacedName(each)) ?? []);
  const service = bestOf(services);
  if (!service) throw new Error(`no Service is among the objects (${found(given)}); say --url`);
  return outside(network, service, domains, from) ?? inside(network, given, service, from);
}

/** "2 Pods, 1 Deployment" */
function found(given: readonly KubeObject[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of given) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, n]) => `${n} ${kind}${n > 1 ? "s" : ""}`).join(", ") || "nothing";
}

/** By its name on the internet, its load balancer's address, or a node's. */
function outside(
  network: Network,
  service: Service,
  domains: Readonly<Record<string, string>>,
  asker: string | undefined,
): Question | undefined {
  const { type, ports = [] } = service.spec;
  const [port] = ports;
  const [machine] = network.machines.values();
  const isInternal = machine !== undefined && internalBy(service) !== undefined;
  const from =
    asker ?? (isInternal && type === "LoadBalancer" ? `node/${machine.name}` : "internet");
  if (!port || (type !== "LoadBalancer" && type !== "NodePort")) return undefined;
  const configured = Object.keys(domains).find((name) => domains[name] === namespacedName(service));
  const host = hostnamesOf(service)[0] ?? configured ?? ingressOf(service)[0];
  if (type === "LoadBalancer" && host !== undefined) return { url: at(host, port.port), from };
  const address = machine?.addresses[0];
  if (address === undefined || !port.nodePort) return undefined;
  if (type === "LoadBalancer") network.bases.push({ assumed: [pending(service)], leftOut: [] });
  return { url: at(address, port.nodePort), from };
}

const pending = (service: Service): Remark => ({
  object: `Service ${namespacedName(service)}`,
  field: "status.loadBalancer",
  sentence:
    "its load balancer has no address, <pending>: a node is asked at the NodePort instead (stopover why says what the address waits for)",
});

/** By its name, from a Pod that is none of its own; else by its address, from a node. */
function inside(
  network: Network,
  given: readonly KubeObject[],
  service: Service,
  from: string | undefined,
): Question {
  const { clusterIP, ports = [], selector = {} } = service.spec;
  const { port = 80, targetPort } = ports[0] ?? {};
  const isHeadless = clusterIP === "None";
  const number = isHeadless && typeof targetPort === "number" ? targetPort : port;
  const client = from ?? clientOf(network, given, selector);
  const [machine] = network.machines.keys();
  const name = `${service.metadata.name}.${namespaceOf(service)}.svc.${clusterDomain}`;
  if (client?.startsWith("pod/")) return { url: at(name, number), from: client };
  const host = clusterIP !== undefined && !isHeadless ? clusterIP : name;
  return { url: at(host, number), from: client ?? `node/${machine}` };
}

function clientOf(
  network: Network,
  given: readonly KubeObject[],
  selector: Readonly<Record<string, string>>,
): string | undefined {
  const isOwn = (pod: Pod): boolean =>
    Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value);
  const pods = given.filter((each): each is Pod => each.kind === "Pod");
  const client = pods.find((pod) => !isOwn(pod) && network.sandbox(namespacedName(pod)));
  return client && `pod/${namespacedName(client)}`;
}

const at = (host: string, port: number): string => urlOf({ host, port, protocol: "TCP" });
