import { watch, type Context, type Controller } from "../machinery/controller.js";
import { keyOf } from "../machinery/informer.js";
import type { ManagerOptions } from "../machinery/manager.js";
import type { EndpointSlice, Node, Service } from "../objects/types.js";
import { BaseCloud } from "./provider.js";

/** Who answers for a Service, and where. */
export interface ServiceEndpoint {
  address: string;
  node: string;
  ready: boolean;
  /** Ready, or ending and still able to serve. */
  serving: boolean;
  /** The ports of its slice: name ("" where it has none), protocol, number. */
  ports: readonly { name: string; protocol: string; port: number }[];
}

const serviceName = "kubernetes.io/service-name";

/**
 * What is known of the endpoints of a cloud's Services, for a cloud whose targets follow from them
 * as well as from the nodes.
 */
export class Endpoints {
  /** The loop that looks after them. */
  readonly controllers: ManagerOptions["controllers"] = [
    { name: "endpoint-targets", make: (context) => endpointTargets(context, this) },
  ];
  readonly #slices = new Map<string, readonly EndpointSlice[]>();
  /** What was asked for last, by the Service's key. */
  readonly #asked = new Map<string, { service: Service; nodes: readonly Node[] }>();

  /** `update`: the cloud works its targets out again. */
  constructor(private readonly update: (service: Service, nodes: readonly Node[]) => void) {}

  /** Somebody wants targets for the Service, out of these nodes. */
  follow(service: Service, nodes: readonly Node[]): void {
    this.#asked.set(keyOf(service), { service, nodes });
  }

  forget(service: Service): void {
    this.#asked.delete(keyOf(service));
  }

  /** The Service's endpoints are these from now on. */
  set(key: string, slices: readonly EndpointSlice[]): void {
    this.#slices.set(key, slices);
    const asked = this.#asked.get(key);
    if (asked) this.update(asked.service, asked.nodes);
  }

  of(service: Service): ServiceEndpoint[] {
    return (this.#slices.get(keyOf(service)) ?? []).flatMap(({ endpoints, ports }) =>
      endpoints.flatMap(({ addresses, nodeName, conditions = {} }) =>
        nodeName === undefined
          ? []
          : addresses.map((address) => ({
              address,
              node: nodeName,
              ready: conditions.ready !== false,
              serving: conditions.serving ?? conditions.ready !== false,
              ports: (ports ?? []).map(({ name = "", protocol = "TCP", port = 0 }) => ({
                name,
                protocol,
                port,
              })),
            })),
      ),
    );
  }

  /** The nodes that have somebody who can answer. */
  nodesServing(service: Service): ReadonlySet<string> {
    return new Set(this.of(service).flatMap(({ node, serving }) => (serving ? [node] : [])));
  }
}

/** A cloud that follows endpoints. */
export abstract class EndpointCloud extends BaseCloud {
  protected readonly endpoints = new Endpoints((service, nodes) =>
    this.updateLoadBalancer(service, nodes),
  );
  override readonly controllers = this.endpoints.controllers;

  override updateLoadBalancer(service: Service, nodes: readonly Node[]): void {
    this.endpoints.follow(service, nodes);
    super.updateLoadBalancer(service, nodes);
  }

  override ensureLoadBalancerDeleted(service: Service): void {
    this.endpoints.forget(service);
    super.ensureLoadBalancerDeleted(service);
  }
}

/** Tells the cloud what a Service's endpoints are. */
function endpointTargets({ informers }: Context, endpoints: Endpoints): Controller {
  const slices = informers.of("EndpointSlice");
  slices.index("service", serviceOf);
  return {
    name: "endpoint-targets",
    reconcile: (key) => endpoints.set(key, slices.by("service", key)),
    watches: [
      watch("EndpointSlice", (_key, slice, previous) => [
        ...new Set([slice, previous].flatMap((one) => (one ? serviceOf(one) : []))),
      ]),
    ],
  };
}

/** The key of the Service that a slice belongs to. */
function serviceOf({ metadata: { namespace = "default", labels } }: EndpointSlice): string[] {
  const name = labels?.[serviceName];
  return name === undefined ? [] : [`${namespace}/${name}`];
}
