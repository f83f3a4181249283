/**
 * The doors of a Service, and how each of them is tried: by whom, with what, and whether it is
 * meant to answer at all.
 */
import { endpoint, familyOf, readAddress } from "../net/ip.js";
import type { Transport } from "../net/packet.js";
import type { Machine } from "../node/machine.js";
import { clusterDomain } from "../node/dns.js";
import { resolverOf } from "../node/resolver.js";

import { namespacedName } from "../objects/names.js";
import type { Pod, Service, ServicePort } from "../objects/types.js";
import { ingressOf, keyOfName, namesOf, portFor, type Goal } from "./aim.js";
import { internalBy } from "../objects/annotations.js";
import { servesNodePorts } from "./node-port-addresses.js";
import { hasLabels, namespaceOf, type Objects } from "./objects.js";
import type { DoorKind, Rung, World } from "./types.js";

/** One question that is asked at a door. */
export interface Attempt {
  /** undefined: there is nothing to ask, for a reason. */
  goal: Goal | undefined;
  /** The place of the port in spec.ports. */
  port: number;
  from: string;
  /** The URL itself where somebody asked for one. */
  url?: string;
  /** Of a bare packet: the node where it begins. */
  node?: string;
}

/** A door before it is tried. */
export interface Way {
  door: DoorKind;
  name: string;
  via: readonly Rung[];
  attempts: readonly Attempt[];
  shouldAnswer: boolean;
  /** Of an alias: the Service that it stands for. */
  service?: Service;
  /** The node where the rules are met that decide; undefined where that is the cloud's choice. */
  node?: string;
  pod?: string;
}

/** All doors of a Service, in the order of the ladder. `from`: who asks at all of them. */
export function doorsOf(
  world: World,
  objects: Objects,
  service: Service,
  from: string | undefined,
): Way[] {
  const building = new Building(world, objects, service, from);
  return [
    ...building.names(),
    ...building.balancers(),
    ...building.externalIPs(),
    ...building.nodePorts(),
    ...building.clusterIPs(),
    ...building.pods(),
  ];
}

class Building {
  readonly #ports: readonly (ServicePort & { index: number })[];

  constructor(
    private readonly world: World,
    private readonly objects: Objects,
    private readonly service: Service,
    private readonly from: string | undefined,
  ) {
    this.#ports = (service.spec.ports ?? []).map((port, index) => ({ ...port, index }));
  }

  // ---- names ----

  names(): Way[] {
    return [...this.#outsideNames(), ...this.#insideName()];
  }

  #outsideNames(): Way[] {
    if (this.service.spec.type !== "LoadBalancer") return [];
    return namesOf(this.world, this.objects, this.service).map((name) => ({
      door: "name",
      name,
      via: ["name", "load-balancer", "node-port"],
      attempts: this.#attempts(this.#balancersClient(), name, ({ port }) => port, onlyTCP),
      shouldAnswer: true,
    }));
  }

  /** Asked by a Pod that is none of the Service's own; where there is none, only the name is. */
  #insideName(): Way[] {
    const { metadata, spec } = this.service;
    const name = `${metadata.name}.${namespaceOf(this.service)}.svc.${clusterDomain}`;
    // where somebody outside asks, and has doors of his own, this one is none of them
    if (this.#isOutside() && (spec.type === "LoadBalancer" || spec.type === "NodePort")) return [];
    const client = this.from ?? this.#client();
    const isHeadless = spec.clusterIP === "None";
    if (client === undefined && isHeadless) return [];
    const host = client === undefined ? this.#addressOf(name) : name;
    const asker = this.#someNode();
    if (client === undefined && asker === undefined) return []; // nobody is there to ask
    const from = client ?? `node/${asker!.name}`;
    if (spec.type === "ExternalName") return [this.#alias(name, host, from)];
    const attempts = this.#attempts(from, host, (port) =>
      isHeadless ? this.#targetOf(port) : port.port,
    );
    const via: Rung[] = isHeadless ? ["name"] : ["name", "cluster-ip"];
    const node = this.#nodeOf(from);
    const shouldAnswer = isHeadless || this.#isMeantFrom(node);
    return [{ door: "name", name, via, attempts, shouldAnswer, ...(node && { node }) }];
  }

  /** Whether somebody was named as the client who is no part of the cluster. */
  #isOutside(): boolean {
    return this.from !== undefined && !/^(node|pod)\//.test(this.from);
  }

  /** Whoever was named as the client is meant to get an answer; of the others not all. */
  #isMeantFrom(node: string | undefined): boolean {
    if (this.from !== undefined || node === undefined) return true;
    return this.#isMeant("internalTrafficPolicy", node);
  }

  /** It is as good as what it stands for; of a name outside of all this nobody here can tell. */
  #alias(name: string, host: string, from: string): Way {
    const { externalName = "" } = this.service.spec;
    const goal = this.objects.service(keyOfName(externalName) ?? "");
    const [first] = this.service.spec.ports ?? goal?.spec.ports ?? [];
    const { port = 80, protocol = "TCP" } = first ?? {};
    const via: Rung[] = goal && goal.spec.clusterIP !== "None" ? ["name", "cluster-ip"] : ["name"];
    const place = goal ? portFor(goal, "name", via, { host, port, protocol }) : 0;
    const { clusterDns, internet } = this.world.network;
    const isKnown = clusterDns.has(externalName) || internet.has(externalName);
    const isName = readAddress(externalName) === undefined;
    const node = this.#nodeOf(from);
    const isMeant =
      !goal || new Building(this.world, this.objects, goal, this.from).#isMeantFrom(node);
    return {
      door: "name",
      name,
      via,
      attempts: [{ goal: { host, port, protocol }, port: place ?? -1, from }],
      shouldAnswer: (isKnown || !isName) && isMeant,
      ...(node && { node }),
      ...(goal && { service: goal }),
    };
  }

  /** What the name stands for; the name itself where it stands for nothing. */
  #addressOf(name: string): string {
    return (
      this.world.network.clusterDns.resolve(name, this.world.network.internet).addresses[0] ?? name
    );
  }

  #client(): string | undefined {
    const clients = this.objects.once("clients", () => new Clients(this.world, this.objects));
    const { selector = {} } = this.service.spec;
    const strangers = (pod: Pod) =>
      namespaceOf(pod) !== namespaceOf(this.service) || !hasLabels(pod.metadata.labels, selector);
    const isOwn = Object.keys(selector).length > 0;
    const found = clients.find((pod) => !isOwn || strangers(pod));
    return found && `pod/${namespacedName(found)}`;
  }

  // ---- load balancers ----

  /** An internal one is for clients in the cluster's network. */
  #balancersClient(): string {
    const asker = internalBy(this.service) === undefined ? undefined : this.#someNode();
    return this.from ?? (asker ? `node/${asker.name}` : "internet");
  }

  balancers(): Way[] {
    if (this.service.spec.type !== "LoadBalancer") return [];
    const base = {
      door: "load-balancer" as const,
      via: ["load-balancer", "node-port"] as const,
      shouldAnswer: true,
    };
    const from = this.#balancersClient();
    const ingress = ingressOf(this.service);
    if (ingress.length === 0)
      return [{ ...base, name: "<pending>", attempts: [{ goal: undefined, port: 0, from }] }];
    return ingress.map((name) => ({
      ...base,
      name,
      attempts: this.#attempts(from, name, ({ port }) => port, onlyTCP),
    }));
  }

  /**
   * Every node's rules take an external address, but it is for somebody else to bring packets for
   * it there: where no node has it, no file says whether anybody does.
   */
  externalIPs(): Way[] {
    const from = this.from ?? "internet";
    const balanced = ingressOf(this.service);
    const others = (this.service.spec.externalIPs ?? []).filter((ip) => !balanced.includes(ip));
    return others.map((name) => ({
      door: "load-balancer",
      name,
      via: ["cluster-ip"],
      attempts: this.#attempts(from, name, ({ port }) => port),
      shouldAnswer: this.world.network.machineAt(name) !== undefined,
    }));
  }

  // ---- nodes ----

  nodePorts(): Way[] {
    const ports = this.#ports.filter(({ nodePort }) => nodePort);
    if (ports.length === 0) return [];
    const from = this.from ?? "internet";
    const via = ["node-port"] as const;
    return this.#machines().map((machine) => {
      const { name: node } = machine;
      const host = this.#doorAddress(machine);
      const attempts = ports.map(({ nodePort, protocol = "TCP", index }) => {
        const goal = { host, port: nodePort!, protocol };
        return { goal, port: index, from, node };
      });
      const shouldAnswer = this.#isMeant("externalTrafficPolicy", node);
      return { door: "node-port", name: node, node, via, attempts, shouldAnswer };
    });
  }

  clusterIPs(): Way[] {
    const { clusterIP, clusterIPs = [] } = this.service.spec;
    if (!clusterIP || clusterIP === "None") return [];
    const others = clusterIPs.filter((address) => address !== clusterIP);
    return [...this.#clusterIP(clusterIP), ...others.flatMap((other) => this.#clusterIP(other))];
  }

  /** Nodes without an address of its family have no way there, and need none. */
  #clusterIP(address: string): Way[] {
    const isFirst = address === this.service.spec.clusterIP;
    const asked = this.#attempts("", address, ({ port }) => port);
    const via = ["cluster-ip"] as const;
    const way = (from: string, asker: string, node: string | undefined): Way => ({
      door: "cluster-ip",
      name: isFirst ? asker : `${asker} by ${familyOf(address)}`,
      via,
      attempts: asked.map(({ goal, port }) =>
        node === undefined ? { goal, port, from } : { goal, port, from, node },
      ),
      shouldAnswer: this.#isMeantFrom(node),
      ...(node !== undefined && { node }),
    });
    if (this.from !== undefined) {
      // nobody outside has a way there, and one client has its choice
      if (this.#isOutside() || !isFirst) return [];
      return [way(this.from, this.from, this.#nodeOf(this.from))];
    }
    return this.#machines()
      .filter(
        ({ addresses }) => isFirst || addresses.some((own) => familyOf(own) === familyOf(address)),
      )
      .map(({ name }) => way(`node/${name}`, name, name));
  }

  // ---- Pods ----

  /** The endpoints that should serve; without any, the Pods that would. */
  pods(): Way[] {
    if (this.#isOutside()) return []; // nobody outside has a way to them
    const found = new Map<string, Way>();
    const hasReady = this.objects
      .slicesOf(this.service)
      .some(({ endpoints }) => endpoints.some(isReady));
    for (const pod of this.objects.selectedBy(this.service)) {
      const key = namespacedName(pod);
      const sandbox = this.world.network.sandbox(key);
      const ip = pod.status?.podIP;
      if (!sandbox || ip === undefined) continue;
      if (hasReady && !this.#isEndpoint(pod)) continue;
      found.set(key, {
        door: "pod",
        name: key,
        via: [],
        attempts: this.#attempts(
          this.from ?? `node/${this.#otherNode(sandbox.machine)}`,
          ip,
          (port) => this.#targetIn(pod, port),
        ),
        shouldAnswer: true,
        node: sandbox.machine.name,
        pod: key,
      });
    }
    return [...found.values()].filter(({ attempts }) => attempts.length > 0);
  }

  #isEndpoint(pod: Pod): boolean {
    const ready = this.objects.once(`ready endpoints of ${namespacedName(this.service)}`, () => {
      const slices = this.objects.slicesOf(this.service);
      const endpoints = slices.flatMap((slice) => slice.endpoints.filter(isReady));
      return new Set(endpoints.flatMap(({ addresses }) => addresses));
    });
    return (
      (pod.status?.podIPs ?? []).some(({ ip }) => ready.has(ip)) ||
      ready.has(pod.status?.podIP ?? "")
    );
  }

  #targetIn(pod: Pod, { targetPort, port, protocol = "TCP" }: ServicePort): number | undefined {
    if (typeof targetPort !== "string") return targetPort ?? port;
    return pod.spec.containers
      .flatMap(({ ports = [] }) => ports)
      .find((each) => each.name === targetPort && (each.protocol ?? "TCP") === protocol)
      ?.containerPort;
  }

  /** The same out of the slices, for all Pods alike. */
  #targetOf({ name = "", targetPort, port }: ServicePort): number | undefined {
    if (typeof targetPort !== "string") return targetPort ?? port;
    const ports = this.objects.slicesOf(this.service).flatMap((slice) => slice.ports ?? []);
    return ports.find((each) => (each.name ?? "") === name)?.port;
  }

  // ---- machines ----

  /** A node of a dump that has no address has no door, and nobody asks from there. */
  #machines(): readonly Machine[] {
    return this.objects.once("machines", () =>
      [...this.world.network.machines.values()].filter(({ addresses }) => addresses.length > 0),
    );
  }

  #someNode(): Machine | undefined {
    return this.#machines().find(({ up }) => up) ?? this.#machines()[0];
  }

  #otherNode(than: Machine): string {
    return (this.#machines().find((each) => each !== than && each.up) ?? than).name;
  }

  #nodeOf(from: string): string | undefined {
    const [kind, ...rest] = from.split("/");
    if (kind === "node") return rest.join("/");
    return kind === "pod" ? this.world.network.sandbox(rest.join("/"))?.machine.name : undefined;
  }

  /** An address of the node at which kube-proxy serves NodePorts; the first where there is none. */
  #doorAddress({ addresses }: Machine): string {
    const family = familyOf(this.service.spec.clusterIP ?? "0.0.0.0");
    const own = addresses.filter((address) => familyOf(address) === family);
    const served = own.find((address) => servesNodePorts(this.world.kubeProxy, own, address));
    return served ?? own[0] ?? addresses[0]!;
  }

  /** A policy of Local closes a node's door on purpose, if another node has it open. */
  #isMeant(policy: "externalTrafficPolicy" | "internalTrafficPolicy", node: string): boolean {
    if (this.service.spec[policy] !== "Local") return true;
    const nodes = this.objects.once(`nodes of ${namespacedName(this.service)}`, () => {
      const slices = this.objects.slicesOf(this.service);
      return new Set(
        slices.flatMap((slice) => slice.endpoints.filter(isUsable).map(({ nodeName }) => nodeName)),
      );
    });
    const elsewhere = this.#machines().some(({ name }) => nodes.has(name));
    return nodes.has(node) || !elsewhere;
  }

  // ---- attempts ----

  #attempts(
    from: string,
    host: string,
    portOf: (port: ServicePort) => number | undefined,
    wanted: (port: ServicePort) => boolean = () => true,
  ): Attempt[] {
    return this.#ports.filter(wanted).flatMap((each) => {
      const port = portOf(each);
      if (port === undefined) return [];
      const protocol: Transport = each.protocol ?? "TCP";
      const goal = { host, port, protocol };
      return [{ goal, port: each.index, from }];
    });
  }
}

const isReady = ({ conditions }: { conditions?: { ready?: boolean } }): boolean =>
  conditions?.ready !== false;

/** It gets traffic, if only for want of better ones. */
const isUsable = ({
  conditions,
}: {
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
}): boolean =>
  conditions?.ready !== false || (conditions.serving !== false && conditions.terminating === true);

/** Load balancers and names are asked over HTTP. */
const onlyTCP = ({ protocol = "TCP" }: ServicePort): boolean => protocol === "TCP";

/**
 * Pods that run, and ask the cluster's DNS: looked for no further than somebody needs them, since
 * among thousands the first ones do.
 */
class Clients {
  readonly #found: Pod[] = [];
  readonly #rest: Iterator<Pod>;

  constructor(
    private readonly world: World,
    objects: Objects,
  ) {
    this.#rest = objects.all<Pod>("Pod").values();
  }

  find(isMeant: (pod: Pod) => boolean): Pod | undefined {
    const known = this.#found.find(isMeant);
    if (known) return known;
    for (let next = this.#rest.next(); !next.done; next = this.#rest.next()) {
      if (!this.#isClient(next.value)) continue;
      this.#found.push(next.value);
      if (isMeant(next.value)) return next.value;
    }
    return undefined;
  }

  #isClient(pod: Pod): boolean {
    const found = this.world.network.sandbox(namespacedName(pod));
    return (
      found?.machine.up === true &&
      !found.sandbox.hostNetwork &&
      resolverOf(pod).asks === "cluster" &&
      !("dnsConfig" in pod.spec)
    );
  }
}

/** "http://192.168.0.1:30519/", "UDP 10.2.1.1:53" */
export function urlOf({ host, port, protocol }: Goal): string {
  if (protocol !== "TCP") return `${protocol} ${endpoint(host, port)}`;
  const place = host.includes(":") ? `[${host}]` : host;
  return `http://${place}${port === 80 ? "" : `:${port}`}/`;
}
