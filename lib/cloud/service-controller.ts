import { watch, type Context, type Controller } from "../machinery/controller.js";
import { isApiError } from "../api/errors.js";
import { same } from "../objects/freeze.js";
import type { Node, Service } from "../objects/types.js";
import { CloudError, type CloudProvider, type LoadBalancerStatus } from "./provider.js";

const FINALIZER = "service.kubernetes.io/load-balancer-cleanup";
const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";
const AUTOSCALER_TAINT = "ToBeDeletedByClusterAutoscaler";
const BACK_OFF = { base: 5_000, max: 300_000 };
const ALL_NODES = " nodes"; // a key like no Service's

/**
 * Gives each Service of type LoadBalancer its load balancer, and keeps the cluster's nodes behind
 * it. (k8s.io/cloud-provider: controllers/service/controller.go)
 *
 * It is not part of the kube-controller-manager: it lives where the cloud is known. Which nodes are
 * ready does not matter here; the load balancer's health checks find that out.
 */
export function serviceController(
  { client, informers, events }: Context,
  provider: CloudProvider,
): Controller {
  const services = informers.of("Service");
  const nodes = informers.of("Node");
  const ensured = new Map<string, { service: Service; hosts: readonly Node[] }>();
  const inProgress = new Set<string>();

  function reconcile(key: string): number | void {
    if (key === ALL_NODES) return nodesChanged();
    const service = services.get(key);
    if (!service) return void ensured.delete(key);
    const unchanged = ensured.get(key);
    if (wants(service)) {
      if (unchanged && !needsUpdate(unchanged.service, service)) return;
      return attempt(service, () => ensure(key, service));
    }
    if (needsCleanup(service)) return attempt(service, () => cleanUp(key, service));
  }

  const wants = (service: Service): boolean =>
    wantsLoadBalancer(service, provider.loadBalancerClass);
  const needsCleanup = (service: Service): boolean =>
    Boolean(service.metadata.finalizers?.includes(FINALIZER)) && !wants(service);

  /** Whatever the cloud refuses becomes an event, and is tried again later and later. */
  function attempt(service: Service, work: () => number | void): number | void {
    try {
      return work();
    } catch (error) {
      if (error instanceof CloudError || isApiError(error))
        events.warning(
          service,
          "SyncLoadBalancerFailed",
          `Error syncing load balancer: ${error.message}`,
        );
      throw error;
    }
  }

  function ensure(key: string, service: Service): number | void {
    if (!inProgress.has(key)) {
      const before = ensured.get(key)?.service;
      if (before) tellChanges(before, service);
      events.normal(service, "EnsuringLoadBalancer", "Ensuring load balancer");
    }
    const held = service.metadata.finalizers?.includes(FINALIZER)
      ? service
      : setFinalizers(service, [...(service.metadata.finalizers ?? []), FINALIZER]);
    const hosts = suitableNodes();
    if (hosts.length === 0)
      events.warning(
        service,
        "UnAvailableLoadBalancer",
        "There are no available nodes for LoadBalancer",
      );
    const status = failing("ensure load balancer", () => provider.ensureLoadBalancer(held, hosts));
    if ("busy" in status) {
      inProgress.add(key);
      return status.busy;
    }
    inProgress.delete(key);
    events.normal(service, "EnsuredLoadBalancer", "Ensured load balancer");
    setStatus(held, status);
    ensured.set(key, { service: held, hosts });
  }

  function cleanUp(key: string, service: Service): void {
    if (
      failing("check if load balancer exists before cleanup", () =>
        provider.getLoadBalancer(service),
      ) ||
      inProgress.has(key)
    ) {
      events.normal(service, "DeletingLoadBalancer", "Deleting load balancer");
      failing("delete load balancer", () => provider.ensureLoadBalancerDeleted(service));
    }
    ensured.delete(key);
    inProgress.delete(key);
    const without = service.metadata.deletionTimestamp ? service : setStatus(service, undefined);
    setFinalizers(
      without,
      service.metadata.finalizers!.filter((one) => one !== FINALIZER),
    );
    events.normal(service, "DeletedLoadBalancer", "Deleted load balancer");
  }

  // ---- nodes

  function nodesChanged(): void {
    const hosts = suitableNodes();
    for (const [key, { service, hosts: before }] of ensured) {
      if (same(hosts.map(identity), before.map(identity))) continue;
      try {
        provider.updateLoadBalancer(service, hosts);
        ensured.set(key, { service, hosts });
        if (hosts.length === 0)
          events.warning(
            service,
            "UnAvailableLoadBalancer",
            "There are no available nodes for LoadBalancer",
          );
        else events.normal(service, "UpdatedLoadBalancer", "Updated load balancer with new hosts");
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        const names = `[node names limited, total number of nodes: ${hosts.length}]`;
        events.warning(
          service,
          "UpdateLoadBalancerFailed",
          `Error updating load balancer with new hosts ${names}: ${error.message}`,
        );
      }
    }
  }

  /** In the order of their names, so that the same cluster always gives the same targets. */
  function suitableNodes(): Node[] {
    return [...nodes.all()]
      .filter(isSuitable)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  // ---- writing

  function setFinalizers(service: Service, finalizers: string[]): Service {
    const written = client.update<Service>({
      ...service,
      metadata: { ...service.metadata, finalizers },
    });
    if (written.metadata.finalizers?.length || !written.metadata.deletionTimestamp)
      services.learn(written);
    return written;
  }

  function setStatus(service: Service, loadBalancer: LoadBalancerStatus | undefined): Service {
    if (same(service.status?.loadBalancer ?? {}, loadBalancer ?? {})) return service;
    const written = client.updateStatus<Service>({
      ...service,
      status: { ...service.status, loadBalancer: loadBalancer ?? {} },
    });
    services.learn(written);
    return written;
  }

  function tellChanges(before: Service, now: Service): void {
    for (const [reason, read] of Object.entries(told))
      if (!same(read(before), read(now)))
        events.normal(now, reason, `${show(read(before))} -> ${show(read(now))}`);
  }

  return {
    name: "service-controller",
    reconcile,
    backOff: BACK_OFF,
    watches: [
      // The finalizer and the status that it writes itself are no news.
      watch("Service", (key, service, previous) =>
        service && previous && !needsUpdate(previous, service) && !needsCleanup(service)
          ? []
          : [key],
      ),
      watch("Node", (_key, node, previous) =>
        node &&
        previous &&
        isSuitable(node) === isSuitable(previous) &&
        identity(node) === identity(previous)
          ? []
          : [ALL_NODES],
      ),
    ],
  };
}

const wantsLoadBalancer = ({ metadata, spec }: Service, served: string | undefined): boolean =>
  spec.type === "LoadBalancer" &&
  (spec.loadBalancerClass ?? served) === served &&
  !metadata.deletionTimestamp;

/** (stableNodeSetPredicates; KEP-3458) */
const isSuitable = ({ metadata: { deletionTimestamp, labels }, spec: { taints } }: Node): boolean =>
  !deletionTimestamp &&
  labels?.[EXCLUDE] === undefined &&
  !taints?.some(({ key }) => key === AUTOSCALER_TAINT);

const identity = ({ metadata: { name }, spec: { providerID } }: Node): string =>
  `${name} ${providerID}`;

/** Only these parts of a Service concern its load balancer. */
function needsUpdate(before: Service, now: Service): boolean {
  const relevant = ({ metadata: { uid, annotations }, spec }: Service) => [
    uid,
    annotations ?? {},
    spec.type,
    spec.ports ?? [],
    spec.sessionAffinity,
    spec.sessionAffinityConfig ?? {},
    spec.loadBalancerIP,
    spec.loadBalancerSourceRanges ?? [],
    spec.externalIPs ?? [],
    spec.externalTrafficPolicy,
    spec.healthCheckNodePort,
    spec.ipFamilies ?? [],
  ];
  return !same(relevant(before), relevant(now));
}

/** Changes that get an event of their own, under these reasons. */
const told: Record<string, (service: Service) => unknown> = {
  Type: ({ spec }) => spec.type,
  LoadBalancerSourceRanges: ({ spec }) => spec.loadBalancerSourceRanges ?? [],
  LoadbalancerIP: ({ spec }) => spec.loadBalancerIP ?? "",
  ExternalTrafficPolicy: ({ spec }) => spec.externalTrafficPolicy ?? "",
  HealthCheckNodePort: ({ spec }) => spec.healthCheckNodePort ?? 0,
};

const show = (value: unknown): string =>
  Array.isArray(value) ? `[${value.join(" ")}]` : String(value);

function failing<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof CloudError) throw new CloudError(`failed to ${what}: ${error.message}`);
    throw error;
  }
}
