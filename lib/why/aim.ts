/** Which Service a request is meant for, and by which door it comes. */
import { hostnamesOf } from "../cloud/external-dns.js";
import { isLocalhost, questionsOf } from "../journey/lookup.js";
import type { Origin } from "../journey/party.js";
import { readAddress } from "../net/ip.js";
import { clusterDomain } from "../node/dns.js";
import { namespacedName } from "../objects/names.js";
import type { Service } from "../objects/types.js";
import { nearest } from "./near.js";
import { namespaceOf, type Objects } from "./objects.js";
import type { DoorKind, Rung, World } from "./types.js";

export interface Goal {
  host: string;
  port: number;
  protocol: "TCP" | "UDP" | "SCTP";
}

export interface Aim {
  door: DoorKind;
  /** undefined: nobody can tell. */
  service: Service | undefined;
  /** The rungs that the request climbs down before it comes to the endpoints. */
  via: readonly Rung[];
  goal: Goal;
  /** The place in spec.ports of the port that was asked for; undefined where none fits. */
  port: number | undefined;
  /** The node that is asked. */
  node?: string;
  /** The Pod that is asked: "default/web-…". */
  pod?: string;
}

/** `origin`: undefined where nothing is known of who asks. */
export function aimAt(world: World, objects: Objects, origin: Origin | undefined, goal: Goal): Aim {
  const address = readAddress(goal.host)?.text;
  if (origin?.kind === "node" && isLoopback(goal.host))
    return { ...aimAtNode(objects, goal), node: origin.machine.name };
  return address === undefined
    ? aimAtName(world, objects, origin, goal)
    : aimAtAddress(world, objects, address, goal);
}

/** Whoever asks is meant: of a node, its own processes and NodePorts. */
export const isLoopback = (host: string): boolean =>
  readAddress(host)?.loopback ?? isLocalhost(host);

// ---- addresses ----

function aimAtAddress(world: World, objects: Objects, address: string, goal: Goal): Aim {
  const { network } = world;
  const balanced = objects.services.find((each) => ingressOf(each).includes(address));
  if (balanced) return aim("load-balancer", balanced, fromBalancer, goal);
  const owner = objects.services.find(({ spec }) => spec.clusterIPs?.includes(address));
  if (owner) return aim("cluster-ip", owner, ["cluster-ip"], goal);
  const external = objects.services.find(({ spec }) => spec.externalIPs?.includes(address));
  if (external) return aim("load-balancer", external, ["cluster-ip"], goal);
  const machine = network.machineAt(address);
  if (machine) return { ...aimAtNode(objects, goal), node: machine.name };
  const pod = network.machineFor(address)?.sandboxAt(address)?.key;
  const service = pod === undefined ? undefined : serviceOfPod(objects, pod);
  return { ...aim("pod", service, [], goal), ...(pod !== undefined && { pod }) };
}

/** A load balancer's balancers have addresses that no status shows, where it has a name. */
export function aimAtBalancer(objects: Objects, hostname: string, goal: Goal): Aim | undefined {
  const service = objects.services.find((each) => ingressOf(each).includes(hostname));
  return service && aim("load-balancer", service, fromBalancer, goal);
}

function aimAtNode(objects: Objects, goal: Goal): Aim {
  const withPort = (which: "nodePort" | "port"): Service | undefined =>
    objects.services.find(({ spec }) => spec.ports?.some((port) => port[which] === goal.port));
  const service = withPort("nodePort") ?? withPort("port");
  return aim("node-port", service, ["node-port"], goal);
}

const serviceOfPod = (objects: Objects, key: string): Service | undefined =>
  objects.services.find((service) =>
    objects
      .slicesOf(service)
      .some(({ endpoints }) =>
        endpoints.some(
          ({ targetRef }) =>
            targetRef !== undefined && `${targetRef.namespace}/${targetRef.name}` === key,
        ),
      ),
  );

// ---- names ----

function aimAtName(world: World, objects: Objects, origin: Origin | undefined, goal: Goal): Aim {
  const inside = serviceNamed(objects, origin, goal.host);
  if (inside) return aimInside(world, objects, inside, goal);
  const outside = objects.services.find((service) =>
    namesOf(world, objects, service).includes(goal.host),
  );
  if (outside) return aimAtOutsideName(outside, goal);
  const { addresses } = world.network.internet.resolve(goal.host);
  if (addresses[0] !== undefined) {
    const balanced = world.network.balancers.at(addresses[0])[0]?.balancer;
    const found =
      (balanced?.hostname !== undefined
        ? aimAtBalancer(objects, balanced.hostname, goal)
        : undefined) ?? aimAtAddress(world, objects, addresses[0], goal);
    return { ...found, door: "name", via: ["name", ...found.via] };
  }
  const meant = probablyMeant(world, objects, goal.host);
  const isBalanced = meant?.spec.type === "LoadBalancer" && goal.host.includes(".");
  return aim("name", meant, isBalanced ? ["name", ...fromBalancer] : ["name"], goal);
}

/** The Service whose name in the cluster's DNS this is for whoever asks, or would be elsewhere. */
function serviceNamed(
  objects: Objects,
  origin: Origin | undefined,
  host: string,
): Service | undefined {
  const asked = origin ? questionsOf(origin, host).names : [];
  for (const name of [...asked, host]) {
    const key = keyOfName(name);
    const found = key === undefined ? undefined : objects.service(key);
    if (found) return found;
  }
  // as another client would ask for it: the first label, and perhaps the namespace
  const [name, namespace, ...rest] = host.replace(/\.$/, "").split(".");
  if (rest.length > 0 && !host.includes(".svc")) return undefined;
  const named = objects.services.filter(({ metadata }) => metadata.name === name);
  const there = named.find((service) => namespace === namespaceOf(service));
  return there ?? (namespace === undefined ? named[0] : undefined);
}

/** "web.default.svc.cluster.local" -> "default/web" */
export function keyOfName(name: string): string | undefined {
  const suffix = `.svc.${clusterDomain}`;
  const plain = name.toLowerCase().replace(/\.$/, "");
  if (!plain.endsWith(suffix)) return undefined;
  const [service, namespace, ...rest] = plain.slice(0, -suffix.length).split(".");
  return rest.length === 0 && namespace !== undefined ? `${namespace}/${service}` : undefined;
}

function aimInside(world: World, objects: Objects, service: Service, goal: Goal): Aim {
  const { type, externalName } = service.spec;
  if (type === "ExternalName" && externalName !== undefined) {
    const behind = objects.service(keyOfName(externalName) ?? "");
    if (behind && behind.spec.type !== "ExternalName")
      return aimInside(world, objects, behind, goal);
    const beyond = world.network.internet.has(externalName) || keyOfName(externalName);
    const on = beyond
      ? aimAtName(world, objects, undefined, { ...goal, host: externalName })
      : undefined;
    return { ...aim("name", service, ["name"], goal), via: on?.via ?? ["name"] };
  }
  const isHeadless = service.spec.clusterIP === "None";
  return aim("name", service, isHeadless ? ["name"] : ["name", "cluster-ip"], goal);
}

const aimAtOutsideName = (service: Service, goal: Goal): Aim =>
  aim("name", service, ["name", ...fromBalancer], goal);

/** The names that the internet knows a Service by, its load balancer's own left out. */
export function namesOf(world: World, objects: Objects, service: Service): string[] {
  const byGoal = objects.once("names of the internet", () => namesByGoal(world));
  // a name that was meant for another Service leads to the first one for want of that
  const isOwn = (name: string): boolean =>
    (world.domains[name] ?? namespacedName(service)) === namespacedName(service);
  const made = ingressOf(service)
    .flatMap((goal) => byGoal.get(goal) ?? [])
    .filter(isOwn);
  return [...new Set([...hostnamesOf(service), ...made])];
}

/** A hostname or an address -> the names that stand for it; load balancers' own names left out. */
function namesByGoal({ network }: World): Map<string, string[]> {
  const own = new Set([...network.balancers].map(({ balancer }) => balancer.hostname));
  const names = new Map<string, string[]>();
  for (const [name, records] of network.internet.entries())
    for (const record of own.has(name) ? [] : records) {
      const goal = record.type === "CNAME" ? record.target : record.address;
      names.set(goal, [...(names.get(goal) ?? []), name]);
    }
  return names;
}

/** The hostnames and addresses of a Service's load balancer. */
export const ingressOf = ({ status }: Service): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ hostname, ip }) => hostname ?? ip ?? []);

/** A name that nobody knows: of the Services that have one the nearest, or the only one. */
function probablyMeant(world: World, objects: Objects, host: string): Service | undefined {
  const isInner = !host.includes(".") || host.includes(".svc");
  const named = objects.services.flatMap((service): [string, Service][] =>
    (isInner ? [service.metadata.name] : namesOf(world, objects, service)).map((name) => [
      name,
      service,
    ]),
  );
  const near = nearest(
    isInner ? host.split(".")[0]! : host,
    named.map(([name]) => name),
  );
  const found = named.find(([name]) => name === near)?.[1];
  return found ?? (isInner ? undefined : firstBalanced(objects.services));
}

// ---- what they have in common ----

/** The first Service of the best type: the one that users outside are probably meant to ask. */
export const firstBalanced = (services: readonly Service[]): Service | undefined =>
  bestOf(services.filter((service) => namespacedName(service) !== "default/kubernetes"));

const byType = ["LoadBalancer", "NodePort", "ClusterIP"];

export function bestOf(services: readonly Service[]): Service | undefined {
  const typeOf = ({ spec }: Service): string => spec.type ?? "ClusterIP";
  const [best] = byType.flatMap((type) => services.find((each) => typeOf(each) === type) ?? []);
  return best ?? services[0];
}

/** The rungs that whoever comes by the load balancer climbs down. */
const fromBalancer: readonly Rung[] = ["load-balancer", "node-port"];

function aim(door: DoorKind, service: Service | undefined, via: readonly Rung[], goal: Goal): Aim {
  return { door, service, via, goal, port: service && portFor(service, door, via, goal) };
}

/** The place of the Service's port that was asked for. */
export function portFor(
  { spec }: Service,
  door: DoorKind,
  via: readonly Rung[],
  { port, protocol }: Goal,
): number | undefined {
  const field = door === "node-port" ? "nodePort" : "port";
  const isHeadless = spec.clusterIP === "None" && via.includes("name");
  const place = (spec.ports ?? []).findIndex(
    (each) =>
      (isHeadless || door === "pod" ? (each.targetPort ?? each.port) : each[field]) === port &&
      (each.protocol ?? "TCP") === protocol,
  );
  if (place >= 0) return place;
  // a name of a container's port, which differs from Pod to Pod
  const named = (spec.ports ?? []).findIndex(({ targetPort }) => typeof targetPort === "string");
  return (isHeadless || door === "pod") && named >= 0 ? named : undefined;
}
