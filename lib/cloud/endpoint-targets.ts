import { watch, type Context, type Controller } from "../machinery/controller.js";
import type { ManagerOptions } from "../machinery/manager.js";
import type { EndpointSlice, Node, Service } from "../objects/types.js";
import { BaseCloud, type CloudEnvironment } from "./provider.js";

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
 * A cloud whose targets follow from a Service's endpoints as well as from the nodes: it sends to
 * Pods, or to the nodes that have some.
 */
export abstract class EndpointCloud extends BaseCloud {
  override readonly controllers: ManagerOptions["controllers"];
  readonly #slices = new Map<string, readonly EndpointSlice[]>();
  /** What was asked for last, by the Service's key. */
  readonly #asked = new Map<string, { service: Service; nodes: readonly Node[] }>();

  /** `follows`: whether it looks at endpoints at all. */
  constructor(environment: CloudEnvironment, follows = true) {
    super(environment);
    this.controllers = follows
      ? [{ name: "endpoint-targets", make: (context) => endpointTargets(context, this) }]
      : [];
  }

  override updateLoadBalancer(service: Service, nodes: readonly Node[]): void {
    this.#asked.set(keyOf(service), { service, nodes });
    super.updateLoadBalancer(service, nodes);
  }

  override ensureLoadBalancerDeleted(service: Service): void {
    this.#asked.delete(keyOf(service));
    super.ensureLoadBalancerDeleted(service);
  }

  /** The Service's endpoints are these from now on. */
  setEndpoints(key: string, slices: readonly EndpointSlice[]): void {
    this.#slices.set(key, slices);
    const asked = this.#asked.get(key);
    if (asked) this.updateLoadBalancer(asked.service, asked.nodes);
  }

  protected endpointsOf(service: Service): ServiceEndpoint[] {
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
  protected nodesServing(service: Service): ReadonlySet<string> {
    return new Set(
      this.endpointsOf(service).flatMap(({ node, serving }) => (serving ? [node] : [])),
    );
  }
}

const keyOf = ({ metadata: { namespace = "default", name } }: Service): string =>
  `${namespace}/${name}`;

/** Tells the cloud whose endpoints have changed. */
function endpointTargets({ informers }: Context, cloud: EndpointCloud): Controller {
  const slices = informers.of("EndpointSlice");
  slices.index("service", serviceOf);
  return {
    name: "endpoint-targets",
    reconcile: (key) => cloud.setEndpoints(key, slices.by("service", key)),
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
