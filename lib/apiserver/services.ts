import { externallyAccessible } from "../objects/defaulting.js";
import { same } from "../objects/freeze.js";
import { readAddress } from "../net/ip.js";
import { withPlurals } from "../objects/plurals.js";
import type { IPFamily, Service, ServicePort } from "../objects/types.js";
import { invalid, protocols } from "../objects/field-errors.js";
import type { FieldError } from "../objects/validation.js";
import { validateFamilies } from "../objects/validation-service.js";
import { AllocationError, IPAllocator, OUTSIDE, type PortAllocator } from "./allocators.js";
import type { SharedClaims } from "./claims.js";
import type { Change } from "../store/store.js";
import { internal } from "../api/errors.js";

/**
 * What the API server does to a Service within the request that writes it: IP families, ClusterIPs,
 * NodePorts and the health check's NodePort. Nobody hears of the Service before it has them.
 * (kubernetes: pkg/registry/core/service/storage/alloc.go, pkg/registry/core/service/strategy.go)
 */
export class ServiceNumbers {
  /** In the order of the cluster's families; the first is the default one. */
  readonly families: readonly IPFamily[];
  /** Those of --service-cluster-ip-range, and of ServiceCIDRs. */
  #ips: readonly IPAllocator[];

  constructor(
    serviceCIDRs: readonly string[],
    readonly ports: PortAllocator,
    private readonly random: () => number,
    firstIPs: readonly string[],
    private readonly claims: { ips?: SharedClaims; ports?: SharedClaims },
  ) {
    this.#ips = serviceCIDRs.map((cidr) => {
      const family = cidr.includes(":") ? "IPv6" : "IPv4";
      const first = firstIPs.find((ip) => readAddress(ip)?.family === family);
      return new IPAllocator(cidr, random, first, claims.ips);
    });
    this.families = this.#ips.map(({ family }) => family);
  }

  /** The ranges from now on, and whether each gives addresses. What is taken stays so. */
  setRanges(ranges: ReadonlyMap<string, boolean>): void {
    this.#ips = [...ranges].map(([cidr, isOpen]) => {
      const known = this.#ips.find((one) => one.cidr === cidr);
      const range = known ?? new IPAllocator(cidr, this.random, undefined, this.claims.ips);
      range.isOpen = isOpen;
      return range;
    });
  }

  /** Marks what a Service found in the store holds. */
  adopt(service: Service): void {
    this.#adopt(held(service));
  }

  /** Ranges may overlap, and who does not have an address takes no notice. */
  #adopt({ ips, ports }: Held): void {
    for (const ip of ips) for (const range of this.#ips) range.adopt(ip);
    for (const port of ports) this.ports.adopt(port);
  }

  #forget({ ips, ports }: Held): void {
    for (const ip of ips) for (const range of this.#ips) range.forget(ip);
    for (const port of ports) this.ports.forget(port);
  }

  /** What the store tells: Services that other API servers have written, too. */
  note(changes: readonly Change[]): void {
    for (const { type, value, previous } of changes) {
      const now = type === "PUT" ? (value as Service) : undefined;
      const before = (previous?.value ?? (now ? undefined : value)) as Service | undefined;
      if (now?.spec === before?.spec) continue;
      this.#forget(without(held(before), held(now)));
      if (now) this.adopt(now);
    }
  }

  release(service: Service): void {
    this.#release(held(service), service);
  }

  /**
   * Brings the claims in the store, and this server's memory, to what Services hold. Answers in how
   * many milliseconds a claim has to be looked at again.
   */
  repair(services: () => readonly Service[]): number {
    const { ips, ports } = this.claims;
    // before the Services: a claim comes first
    const [claimedIPs, claimedPorts] = [ips?.all() ?? [], ports?.all() ?? []];
    const [heldIPs, heldPorts] = [new Map<string, Service[]>(), new Map<string, Service[]>()];
    for (const service of services()) {
      const { ips, ports } = held(service);
      for (const ip of ips) addTo(heldIPs, ip, service);
      for (const port of ports) addTo(heldPorts, String(port), service);
    }
    const ofIPs = ips?.repair(claimedIPs, heldIPs, (ip) => this.#has(ip));
    if (ofIPs) {
      for (const range of this.#ips) range.clear();
      this.#adopt({ ips: new Set(ofIPs.taken), ports: new Set() });
    }
    const ofPorts = ports?.repair(claimedPorts, heldPorts);
    if (ofPorts) {
      this.ports.clear();
      this.#adopt({ ips: new Set(), ports: new Set(ofPorts.taken.map(Number)) });
    }
    return Math.min(ofIPs?.again ?? Infinity, ofPorts?.again ?? Infinity);
  }

  /** Whether an address is of any range, open or not. */
  #has(ip: string): boolean {
    return this.#ips.some((range) => range.has(ip));
  }

  /**
   * What the allocators give to `service`, which `before` (on an update) holds already. `dryRun`:
   * nobody is to see anything of it.
   */
  claim(service: Service, before: Service | undefined, dryRun: boolean): Claim {
    const old = held(before);
    const mine: Held = { ips: new Set(), ports: new Set() };
    const errors: FieldError[] = [];
    const undo = () => this.#release(mine, service);
    try {
      const claimed = this.#nodePorts(
        this.#clusterIPs(service, old, mine, errors, dryRun),
        old,
        mine,
        errors,
      );
      return {
        service: claimed,
        errors,
        undo,
        commit: () => this.#release(without(old, held(claimed)), claimed),
      };
    } catch (error) {
      undo();
      throw error instanceof AllocationError ? internal(error.message) : error;
    }
  }

  #clusterIPs(
    service: Service,
    old: Held,
    mine: Held,
    errors: FieldError[],
    dryRun: boolean,
  ): Service {
    const { spec } = service;
    if (!needsClusterIP(service) || spec.clusterIP === "None") return service;
    const clusterIPs = (spec.ipFamilies ?? []).map((family, i) => {
      const wanted = spec.clusterIPs?.[i];
      if (!this.families.includes(family) || (wanted && old.ips.has(wanted))) return wanted ?? "";
      try {
        const ranges = this.#ips.filter((one) => one.family === family && one.isOpen);
        if (dryRun && this.claims.ips) return tried(ranges, wanted);
        const ip = wanted ? taken(ranges, wanted, service) : nextOf(ranges, service);
        mine.ips.add(ip);
        return ip;
      } catch (error) {
        if (!(error instanceof AllocationError)) throw error;
        if (!wanted) throw new AllocationError(`failed to allocate a serviceIP: ${error.message}`);
        errors.push({
          field: "spec.clusterIPs",
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(spec.clusterIPs)}: failed to allocate IP ${wanted}: ${error.message}`,
        });
        return wanted;
      }
    });
    return { ...service, spec: { ...spec, clusterIP: clusterIPs[0]!, clusterIPs } };
  }

  #nodePorts(service: Service, old: Held, mine: Held, errors: FieldError[]): Service {
    let { spec } = service;
    if (mayHaveNodePorts(service)) {
      // one port number on two protocols shares its NodePort; by number, at most one for each
      const shared = new Map<number, ServicePort[]>();
      const ports = (spec.ports ?? []).map((port, i) => {
        const twins = shared.get(port.port) ?? [];
        const twin = twins.find(({ nodePort }) => !port.nodePort || port.nodePort === nodePort);
        if (!port.nodePort && spec.allocateLoadBalancerNodePorts === false) return port;
        const nodePort =
          twin?.nodePort ??
          this.#port(
            port.nodePort,
            service,
            old,
            mine,
            errors,
            `spec.ports[${i}].nodePort`,
            "nodePort",
          );
        const given = nodePort ? { ...port, nodePort } : port;
        if (twins.length < protocols.length) shared.set(port.port, [...twins, given]);
        return given;
      });
      spec = { ...spec, ports };
    }
    if (needsHealthCheckNodePort(service)) {
      const healthCheckNodePort = this.#port(
        spec.healthCheckNodePort,
        service,
        old,
        mine,
        errors,
        "spec.healthCheckNodePort",
        "healthCheckNodePort",
      );
      if (healthCheckNodePort) spec = { ...spec, healthCheckNodePort };
    }
    return spec === service.spec ? service : { ...service, spec };
  }

  #port(
    wanted: number | undefined,
    holder: Service,
    old: Held,
    mine: Held,
    errors: FieldError[],
    field: string,
    what: string,
  ): number | undefined {
    if (wanted && old.ports.has(wanted)) return wanted;
    try {
      const port = wanted ? (this.ports.take(wanted, holder), wanted) : this.ports.next(holder);
      mine.ports.add(port);
      return port;
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      if (!wanted) throw new AllocationError(`failed to allocate a ${what}: ${error.message}`);
      if (what === "healthCheckNodePort")
        throw new AllocationError(
          `failed to allocate requested HealthCheck NodePort ${wanted}: ${error.message}`,
        );
      errors.push({
        field,
        reason: "FieldValueInvalid",
        message: `Invalid value: ${wanted}: ${error.message}`,
      });
      return wanted;
    }
  }

  #release(what: Held, holder: Service): void {
    this.#forget(what);
    for (const ip of what.ips) this.claims.ips?.release(ip, holder);
    for (const port of what.ports) this.claims.ports?.release(String(port), holder);
  }
}

/** Takes the address of the first of these ranges that has it. */
function taken(ranges: readonly IPAllocator[], ip: string, holder: Service): string {
  const range = ranges.find((one) => one.has(ip));
  if (!range) throw new AllocationError(OUTSIDE);
  range.take(ip, holder);
  return ip;
}

/** A free address of the first of these ranges that has one. (Upstream asks in any order.) */
function nextOf(ranges: readonly IPAllocator[], holder: Service): string {
  for (const range of ranges) {
    const ip = range.next(holder);
    if (ip !== undefined) return ip;
  }
  throw new AllocationError("range is full");
}

/**
 * What a dry run shows, which takes nothing: the network's own address, which nobody gets.
 * (ipallocator.go, dryRunAllocator)
 */
function tried(ranges: readonly IPAllocator[], wanted: string | undefined): string {
  if (!(wanted ? ranges.some((one) => one.has(wanted)) : ranges.length > 0))
    throw new AllocationError(wanted ? OUTSIDE : "range is full");
  return wanted || ranges[0]!.network.base.text;
}

/** What the allocators gave to a Service that is about to be written. */
export interface Claim {
  service: Service;
  errors: FieldError[];
  /** Gives all back: it was not written. */
  undo: () => void;
  /** Lets go what it no longer holds: it was written. */
  commit: () => void;
}

interface Held {
  ips: Set<string>;
  ports: Set<number>;
}

function addTo<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** The numbers that a Service holds. */
function held(service: Service | undefined): Held {
  const { clusterIPs = [], ports = [], healthCheckNodePort } = service?.spec ?? {};
  const numbers = [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort].filter(
    (port): port is number => Boolean(port),
  );
  return { ips: new Set(clusterIPs.filter((ip) => ip !== "None")), ports: new Set(numbers) };
}

const without = (a: Held, b: Held): Held => ({
  ips: new Set([...a.ips].filter((ip) => !b.ips.has(ip))),
  ports: new Set([...a.ports].filter((port) => !b.ports.has(port))),
});

const needsClusterIP = ({ spec }: Service): boolean => spec.type !== "ExternalName";
export const needsHealthCheckNodePort = ({ spec }: Service): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
const mayHaveNodePorts = ({ spec }: Service): boolean =>
  spec.type === "NodePort" || spec.type === "LoadBalancer";

/**
 * Brings clusterIP and clusterIPs together and settles the IP families, before validation.
 * (kubernetes: pkg/registry/core/service/storage/alloc.go, initIPFamilyFields)
 */
export function prepareService(
  service: Service,
  families: readonly IPFamily[],
  before?: Service,
): { service: Service; errors: FieldError[] } {
  const whole = withPlurals(service, before);
  const carried = before ? dropForType(carryOver(whole, before), before) : whole;
  if (carried.spec.type === "ExternalName") return { service: carried, errors: [] };
  const spec = { ...carried.spec, ipFamilyPolicy: policyOf(carried.spec, before?.spec) };
  const asked = { ...carried, spec };
  const problems = validateFamilies(asked);
  if (problems.length > 0) return { service: asked, errors: problems };
  const single = before ? reduced(spec, before.spec) : spec;
  const errors = [...(before ? checkReduced(spec, before.spec) : []), ...checkTwo(single)];
  const chosen = chooseFamilies(single, families, errors);
  return { service: { ...carried, spec: { ...single, ipFamilies: chosen } }, errors };
}

type Spec = Service["spec"];
type Policy = NonNullable<Spec["ipFamilyPolicy"]>;

const selectsNobody = ({ clusterIP, clusterIPs, selector }: Spec): boolean =>
  (clusterIP === "None" || clusterIPs?.[0] === "None") && !Object.keys(selector ?? {}).length;

/** Who says nothing keeps what there was; nobody gets two families without a word. */
const policyOf = (spec: Spec, before: Spec | undefined): Policy =>
  spec.ipFamilyPolicy ??
  before?.ipFamilyPolicy ??
  (selectsNobody(spec) ? "RequireDualStack" : "SingleStack");

/** SingleStack, with addresses and families as they were, lets go of the second ones. */
function reduced(spec: Spec, before: Spec): Spec {
  if (spec.ipFamilyPolicy !== "SingleStack") return spec;
  const first = <T>(list: T[] | undefined, was: T[] | undefined): T[] | undefined =>
    list && list.length > 1 && same(list, was) ? list.slice(0, 1) : list;
  const clusterIPs = first(spec.clusterIPs, before.clusterIPs);
  const ipFamilies = first(spec.ipFamilies, before.ipFamilies);
  return { ...spec, ...(clusterIPs && { clusterIPs }), ...(ipFamilies && { ipFamilies }) };
}

function checkReduced(spec: Spec, before: Spec): FieldError[] {
  if (spec.ipFamilyPolicy === "SingleStack") return [];
  const fewer = (field: "clusterIPs" | "ipFamilies"): boolean =>
    (before[field]?.length ?? 0) === 2 && (spec[field]?.length ?? 0) === 1;
  const wrong = (what: string) =>
    invalid(
      "spec.ipFamilyPolicy",
      spec.ipFamilyPolicy,
      `must be 'SingleStack' to release the ${what}`,
    );
  return [
    ...(fewer("clusterIPs") && spec.clusterIPs![0] === before.clusterIPs![0]
      ? [wrong("secondary cluster IP")]
      : []),
    ...(fewer("ipFamilies") && spec.ipFamilies![0] === before.ipFamilies![0]
      ? [wrong("secondary IP family")]
      : []),
  ];
}

function checkTwo(spec: Spec): FieldError[] {
  if (spec.ipFamilyPolicy !== "SingleStack") return [];
  const wrong = (what: string) =>
    invalid(
      "spec.ipFamilyPolicy",
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(spec.clusterIPs?.length === 2 ? [wrong("cluster IPs")] : []),
    ...(spec.ipFamilies?.length === 2 ? [wrong("IP families")] : []),
  ];
}

function chooseFamilies(
  spec: Spec,
  cluster: readonly IPFamily[],
  errors: FieldError[],
): IPFamily[] {
  const chosen = [...(spec.ipFamilies ?? [])];
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    const family = readAddress(ip)?.family;
    if (!family || i < chosen.length) continue;
    if (cluster.includes(family)) chosen.push(family);
    else {
      const why = `${family} is not configured on this cluster`;
      errors.push(invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, why));
    }
  }
  if (errors.length > 0) return chosen;
  const anyFamily = selectsNobody(spec); // it has no addresses of the cluster's
  if (!anyFamily) errors.push(...checkConfigured(spec, chosen, cluster));
  if (chosen.length === 0) chosen.push(cluster[0]!);
  const other: IPFamily = chosen[0] === "IPv4" ? "IPv6" : "IPv4";
  const wantsTwo = spec.ipFamilyPolicy !== "SingleStack" && chosen.length === 1;
  return wantsTwo && (anyFamily || cluster.includes(other)) ? [...chosen, other] : chosen;
}

function checkConfigured(
  { ipFamilyPolicy }: Spec,
  chosen: readonly IPFamily[],
  cluster: readonly IPFamily[],
): FieldError[] {
  const dual = "this cluster is not configured for dual-stack services";
  return [
    ...(ipFamilyPolicy === "RequireDualStack" && cluster.length < 2
      ? [invalid("spec.ipFamilyPolicy", ipFamilyPolicy, dual)]
      : []),
    ...chosen.flatMap((family, i) =>
      cluster.includes(family)
        ? []
        : [invalid(`spec.ipFamilies[${i}]`, family, "not configured on this cluster")],
    ),
  ];
}

/**
 * An update that is silent about a number keeps it: `kubectl replace` with the manifest that made
 * the Service.
 */
function carryOver(service: Service, before: Service): Service {
  let { spec } = service;
  const old = before.spec;
  if (
    needsClusterIP(service) &&
    needsClusterIP(before) &&
    !spec.clusterIP &&
    !spec.clusterIPs?.length
  )
    spec = { ...spec, clusterIP: old.clusterIP!, clusterIPs: old.clusterIPs! };
  if (mayHaveNodePorts(service) && mayHaveNodePorts(before)) {
    const taken = new Set(spec.ports?.map(({ nodePort }) => nodePort));
    // by name (pkg/registry/core/service/storage: patchAllocatedValues)
    const keyOf = ({ name = "" }: ServicePort) => name;
    const known = new Map(old.ports?.map((port) => [keyOf(port), port.nodePort]));
    spec = {
      ...spec,
      ports: (spec.ports ?? []).map((port) => {
        const before = known.get(keyOf(port));
        const nodePort = port.nodePort || (taken.has(before) ? undefined : before);
        return nodePort ? { ...port, nodePort } : port;
      }),
    };
  }
  if (
    needsHealthCheckNodePort(service) &&
    needsHealthCheckNodePort(before) &&
    !spec.healthCheckNodePort
  )
    spec = { ...spec, healthCheckNodePort: old.healthCheckNodePort! };
  return { ...service, spec };
}

/**
 * A change of type takes away what the new type cannot have, unless the same update set it anew
 * (then validation speaks).
 */
function dropForType(service: Service, before: Service): Service {
  const spec = { ...service.spec };
  const old = before.spec;
  const drop = (fields: (keyof Service["spec"])[]) =>
    fields.forEach((field) => {
      if (same(spec[field], old[field])) delete spec[field];
    });
  const external = externallyAccessible(service);
  if (needsClusterIP(before) && !needsClusterIP(service))
    drop(["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]);
  if (!needsClusterIP(service)) drop(["internalTrafficPolicy"]);
  if (mayHaveNodePorts(before) && !mayHaveNodePorts(service)) {
    spec.ports &&= spec.ports.map(({ nodePort, ...port }) =>
      nodePort && !old.ports?.some((other) => other.nodePort === nodePort)
        ? { ...port, nodePort }
        : port,
    );
  }
  if (needsHealthCheckNodePort(before) && !needsHealthCheckNodePort(service))
    drop(["healthCheckNodePort"]);
  if (old.type === "LoadBalancer" && spec.type !== "LoadBalancer")
    drop(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
  if (externallyAccessible(before) && !external) drop(["externalTrafficPolicy"]);
  return { ...service, spec };
}
