import { TransientError } from "../machinery/controller.js";
import type { ManagerOptions } from "../machinery/manager.js";
import type { Clock } from "../api/clock.js";
import type { Random } from "../machinery/random.js";
import { addressRecord, type Zone } from "../net/dns.js";
import type { HealthCheck, Listener, LoadBalancer, Target } from "../net/load-balancer.js";
import type { LoadBalancerIngress, Node, Service } from "../objects/types.js";
import {
  AddressBook,
  AddressPool,
  balancerAddresses,
  publicAddresses as onTheInternet,
} from "./addresses.js";
import { HealthChecks } from "./health-checks.js";

/**
 * What the cloud-controller-manager asks of a cloud. (k8s.io/cloud-provider: cloud.go, InstancesV2
 * and LoadBalancer) Whatever goes wrong is thrown as a CloudError; its message ends up in an event.
 */
export interface CloudProvider {
  /** "aws", "metallb" */
  readonly name: string;
  /** Whether the machines are its own too. Default: yes; MetalLB, for one, only announces. */
  readonly hasMachines: boolean;
  /** The spec.loadBalancerClass that it serves beside Services without one. Default: none. */
  readonly loadBalancerClass: string | undefined;
  /** Loops of its own, beside those that every cloud has. */
  readonly controllers: ManagerOptions["controllers"];
  /** The machine behind a Node; undefined where it does not exist (any more). */
  instance(node: Node): Instance | undefined;
  getLoadBalancer(service: Service): LoadBalancerStatus | undefined;
  /**
   * Makes the load balancer, or makes it as the Service now wants it. May be asked again and again.
   */
  ensureLoadBalancer(service: Service, nodes: readonly Node[]): LoadBalancerStatus | Busy;
  /** Makes these nodes its targets. */
  updateLoadBalancer(service: Service, nodes: readonly Node[]): void;
  /** Fine where there is none. */
  ensureLoadBalancerDeleted(service: Service): void;
}

export interface LoadBalancerStatus {
  ingress: LoadBalancerIngress[];
}

/**
 * The cloud is at work: ask again after so many milliseconds. (In life the call blocks so long.)
 */
export interface Busy {
  busy: number;
}

/** The cloud refused, or failed. */
export class CloudError extends TransientError {}

/** A machine in the cloud. */
export interface Instance {
  /** Equal to the Node's name. */
  name: string;
  /** "aws:///ap-south-1a/i-0a1b…" */
  providerID: string;
  type: string;
  zone: string;
  region: string;
  /** In the cluster's network; the first is the node IP. */
  addresses: readonly string[];
  /** Reachable from the internet. */
  publicAddresses: readonly string[];
}

/**
 * Makes a provider: `createCluster({ cloud: aws() })` gives it time, chance and the network to
 * check health through.
 */
export type Cloud = (environment: CloudEnvironment) => BaseCloud;

export interface CloudEnvironment {
  clock: Clock;
  random: Random;
  /** One health check, now, through the network: does the target answer? Default: yes. */
  check?: (target: Target, healthCheck: HealthCheck, loadBalancer: LoadBalancer) => boolean;
  /** Gives a machine's eth0 these addresses beside its own, and no others. */
  bind?: (instance: string, addresses: readonly string[]) => void;
  /** Where the cloud makes its load balancers' names known. */
  dns?: Zone;
}

/**
 * How long the cloud takes to make a load balancer. An order of magnitude, no promise of any cloud.
 * Milliseconds.
 */
const PROVISIONING_MS = 2_000;

/** Where a load balancer is. */
export type Addressed = Pick<LoadBalancer, "hostname" | "addresses" | "privateAddresses">;

/** Where its load balancers' addresses are of; see AwsOptions. */
interface Addresses {
  publicAddresses?: string | undefined;
  privateAddresses?: Iterable<string>;
}

/**
 * Instances and load balancers, as far as all clouds are alike; aws.ts and gcp.ts say where they
 * differ.
 */
export abstract class BaseCloud implements CloudProvider {
  abstract readonly name: string;
  readonly hasMachines: boolean = true;
  readonly loadBalancerClass: string | undefined = undefined;
  readonly controllers: ManagerOptions["controllers"] = [];
  readonly instances = new Map<string, Instance>();
  /** By name. The network reads what is in here; nobody but the cloud writes it. */
  readonly loadBalancers = new Map<string, LoadBalancer>();
  /** The machines behind each load balancer, and whether they passed their health checks. */
  readonly targets = new Map<string, Target[]>();
  readonly #balancersAt = new Map<string, readonly LoadBalancer[]>();
  readonly #book = new AddressBook();
  /** Being made: how it will be, and when it is ready. */
  readonly #pending = new Map<string, { balancer: LoadBalancer; ready: number }>();
  readonly #checks: HealthChecks;

  /** Addresses for load balancers: on the internet, and inside of the network. */
  protected readonly outside: AddressPool;
  protected readonly inside: AddressPool;

  constructor(
    protected readonly environment: CloudEnvironment,
    { publicAddresses, privateAddresses = balancerAddresses() }: Addresses = {},
  ) {
    this.outside = new AddressPool(onTheInternet(publicAddresses));
    this.inside = new AddressPool(privateAddresses);
    this.#checks = new HealthChecks(environment.clock, environment.check ?? (() => true), this);
  }

  /** The load balancers that answer at this address. */
  balancersAt(address: string): readonly LoadBalancer[] {
    return this.#balancersAt.get(address) ?? [];
  }

  /** Starts a machine. Throws where one of its addresses is somebody else's. */
  launch(machine: {
    name: string;
    addresses: readonly string[];
    publicAddresses?: readonly string[];
    zone?: string | undefined;
    type?: string;
  }): Instance {
    const { zone, type, ...rest } = machine;
    const own = [...machine.addresses, ...(machine.publicAddresses ?? [])];
    this.#refuseForeign(machine.name, own);
    this.#book.hold(machine.name, own);
    const instance: Instance = {
      publicAddresses: [],
      ...this.describe(machine.name, this.instances.size),
      ...rest,
      ...(zone !== undefined && { zone }),
      ...(type !== undefined && { type }),
    };
    this.instances.set(machine.name, instance);
    return instance;
  }

  /** Ends a machine for good: the node lifecycle controller will find that it is gone. */
  terminate(name: string): void {
    this.#book.release(name);
    this.instances.delete(name);
    for (const [balancer, targets] of this.targets)
      this.targets.set(
        balancer,
        targets.filter(({ instance }) => instance !== name),
      );
  }

  instance(node: Node): Instance | undefined {
    const { providerID } = node.spec;
    const found = this.instances.get(node.metadata.name);
    return providerID === undefined || found?.providerID === providerID ? found : undefined;
  }

  getLoadBalancer(service: Service): LoadBalancerStatus | undefined {
    const balancer = this.loadBalancers.get(this.balancerName(service));
    return balancer && this.statusOf(balancer, service);
  }

  ensureLoadBalancer(service: Service, nodes: readonly Node[]): LoadBalancerStatus | Busy {
    const name = this.balancerName(service);
    const pending = this.#pending.get(name);
    const existing = this.loadBalancers.get(name);
    // throws where the cloud cannot do what is asked
    const balancer = this.design(service, existing ?? pending?.balancer);
    const own = [...balancer.addresses, ...balancer.privateAddresses];
    this.#putBack(this.#book.hold(name, own));
    const now = this.environment.clock.now();
    const ready = existing ? now : (pending?.ready ?? now + PROVISIONING_MS);
    if (ready > now) {
      this.#pending.set(name, { balancer, ready });
      return { busy: ready - now };
    }
    this.#pending.delete(name);
    this.#publish(name, balancer);
    this.setName(balancer, balancer.addresses);
    this.updateLoadBalancer(service, nodes);
    return this.statusOf(balancer, service);
  }

  updateLoadBalancer(service: Service, nodes: readonly Node[]): void {
    const name = this.balancerName(service);
    const before = this.targets.get(name) ?? [];
    const machines = nodes.flatMap((node) => this.instance(node) ?? []);
    this.targets.set(
      name,
      this.targetsOf(service, machines).map(
        (target) =>
          before.find(
            ({ instance, address, port, listener }) =>
              instance === target.instance &&
              address === target.address &&
              port === target.port &&
              listener === target.listener,
          ) ?? target,
      ),
    );
    this.#checks.watch(name);
  }

  /** Who is to get a Service's packets, in a cluster of these machines. Default: all of them. */
  protected targetsOf(_service: Service, machines: readonly Instance[]): Target[] {
    return machines.map(({ name, addresses }) => ({
      instance: name,
      address: addresses[0]!,
      healthy: false,
    }));
  }

  /** Health checks have changed their mind about targets of this load balancer. */
  healthChanged(_balancer: string): void {}

  /** What the load balancer's name resolves to from now on, where it has one. */
  protected setName({ hostname }: LoadBalancer, addresses: readonly string[]): void {
    if (hostname) this.environment.dns?.set(hostname, addresses.map(addressRecord));
  }

  ensureLoadBalancerDeleted(service: Service): void {
    const name = this.balancerName(service);
    const balancer = this.loadBalancers.get(name);
    if (balancer) this.setName(balancer, []);
    this.#checks.forget(name);
    this.#publish(name, undefined);
    for (const map of [this.targets, this.#pending]) map.delete(name);
    this.#putBack(this.#book.release(name));
  }

  /**
   * What clouds call a Service's load balancer: "a" and the Service's uid without dashes, 32
   * characters. (cloud-provider: DefaultLoadBalancerName)
   */
  balancerName({ metadata: { uid } }: Service): string {
    return `a${uid!.replaceAll("-", "")}`.slice(0, 32);
  }

  /** The addresses of one that there is; with another scheme it is another load balancer. */
  protected kept(existing: LoadBalancer | undefined, internal: boolean): Addressed | undefined {
    if (!existing || Boolean(existing.internal) !== internal) return undefined;
    const { hostname, addresses, privateAddresses } = existing;
    return { ...(hostname !== undefined && { hostname }), addresses, privateAddresses };
  }

  /** An address out of each of these; where one has none, none, and a CloudError with `refusal`. */
  protected takeEach(pools: readonly AddressPool[], refusal: string): string[] {
    const isTaken = (address: string): boolean => this.#book.holdersOf(address).size > 0;
    const taken = pools.map((pool) => pool.take(isTaken));
    const found = taken.filter((address) => address !== undefined);
    if (found.length === taken.length) return found;
    this.#putBack(found);
    throw new CloudError(refusal);
  }

  /** What is nobody's any more. */
  #putBack(addresses: readonly string[]): void {
    for (const address of addresses)
      for (const pool of [this.outside, this.inside]) pool.putBack(address);
  }

  #refuseForeign(name: string, addresses: readonly string[]): void {
    for (const address of addresses)
      for (const holder of this.#book.holdersOf(address))
        if (holder !== name)
          throw new CloudError(`${name} cannot have the address ${address}: ${holder} has it`);
  }

  /** Makes a load balancer answer at its addresses, and no more at those that it had. */
  #publish(name: string, balancer: LoadBalancer | undefined): void {
    for (const address of this.loadBalancers.get(name)?.addresses ?? []) {
      const others = this.balancersAt(address).filter((other) => other.name !== name);
      if (others.length > 0) this.#balancersAt.set(address, others);
      else this.#balancersAt.delete(address);
    }
    if (balancer === undefined) return void this.loadBalancers.delete(name);
    this.loadBalancers.set(name, balancer);
    for (const address of balancer.addresses)
      this.#balancersAt.set(address, [...this.balancersAt(address), balancer]);
  }

  /**
   * Where a new machine stands, what it is, and how the cloud calls it. `number` counts the
   * machines before it.
   */
  protected abstract describe(
    name: string,
    number: number,
  ): Omit<Instance, "name" | "addresses" | "publicAddresses">;
  /**
   * The load balancer as the Service wants it; `existing` keeps its addresses. Throws CloudError.
   */
  protected abstract design(service: Service, existing: LoadBalancer | undefined): LoadBalancer;
  protected abstract statusOf(balancer: LoadBalancer, service: Service): LoadBalancerStatus;
}

/**
 * What a Service asks of a load balancer and nobody here reads. Who imports annotations.ts has it;
 * a page's first chunk, which tells the article's journey, does without.
 */
export const wishes = {
  unread: (_service: Service): Pick<LoadBalancer, "unread" | "words"> => ({}),
  /** The same of a load balancer that may be asked for PROXY headers, under this annotation. */
  proxied: (_service: Service, _annotation: string): Pick<LoadBalancer, "unread" | "words"> => ({}),
};

/** A listener for each port of the Service. `targetPort` says where the cloud sends it on. */
export function listenersOf(
  { spec }: Service,
  targetPort: (nodePort: number) => number,
): Listener[] {
  return (spec.ports ?? []).map(({ protocol = "TCP", port, nodePort = 0 }) => ({
    protocol,
    port,
    targetPort: targetPort(nodePort),
  }));
}

/**
 * Who may connect; the API allows spaces around each. Without the field an older annotation counts,
 * for the cloud alone. (cloud-provider: service/helpers, GetLoadBalancerSourceRanges)
 */
export const sourceRangesOf = ({ spec, metadata }: Service): string[] =>
  (spec.loadBalancerSourceRanges?.length
    ? spec.loadBalancerSourceRanges
    : (metadata.annotations?.[sourceRangesAnnotation] ?? "").split(",")
  )
    .map((range) => range.trim())
    .filter(Boolean);

const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
