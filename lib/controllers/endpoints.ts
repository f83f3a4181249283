import { watch, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { splitKey } from "../machinery/informer.js";
import { frozen, same } from "../objects/freeze.js";
import type { Endpoints, Pod, Service } from "../objects/types.js";
import { isReady, isTerminal } from "../objects/pods.js";
import { podReference, portsByTemplate, Selection } from "./selection.js";
import { triggeredAt, TriggerTimes } from "./trigger-times.js";

/**
 * Addresses in one Endpoints object, at most; the annotation says when some were left out.
 * (pkg/controller/endpoint: maxCapacity)
 */
const MAX_ADDRESSES = 1_000;
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";
/**
 * A whole object of up to a thousand addresses is written for each change, so changes are gathered
 * (--endpoint-updates-batch-period; upstream's default is 0). Milliseconds.
 */
const BATCH_MS = 500;

/**
 * Writes each Service's Endpoints, the object that the article names. It is deprecated since
 * Kubernetes 1.33 (KEP-4974) and kube-proxy does not read it: EndpointSlices took its place.
 * (kubernetes: pkg/controller/endpoint)
 */
export function endpointsController({ client, informers }: Context): Controller {
  const selection = new Selection(informers);
  const existing = informers.of("Endpoints");
  // an Endpoints is written whole, though few of its addresses changed
  const addresses = new WeakMap<Pod, Address>();
  const triggers = new TriggerTimes(selection);

  function reconcile(key: string): void {
    const service = selection.services.get(key);
    const present = existing.get(key);
    if (!service) {
      triggers.forget(key);
      return present?.metadata.labels?.[MANAGED_BY] === MANAGER ? remove(key) : undefined;
    }
    if (
      !service.spec.selector ||
      service.spec.type === "ExternalName" ||
      service.metadata.deletionTimestamp
    )
      return;
    const moment = triggers.take(key, service);
    const wanted = endpointsOf(service);
    if (present && looksTheSame(present, wanted)) return;
    const { resourceVersion, annotations } = present?.metadata ?? {};
    const { [OVER_CAPACITY]: _, ...others } = annotations ?? {};
    const all = { ...others, ...wanted.metadata.annotations };
    const metadata = { ...wanted.metadata, ...triggeredAt({ name: "", annotations: all }, moment) };
    existing.learn(
      resourceVersion === undefined
        ? client.create({ ...wanted, metadata }, { decoded: true })
        : client.update(
            { ...wanted, metadata: { ...metadata, resourceVersion } },
            { decoded: true },
          ),
    );
  }

  function remove(key: string): void {
    const { namespace, name } = splitKey(key);
    ignoring([404], () => client.delete("Endpoints", name, namespace));
  }

  function endpointsOf(service: Service): Endpoints {
    const { name, namespace, labels } = service.metadata;
    const portsOf = portsByTemplate(service);
    const subsets = new Map<string, Subset>();
    let count = 0;
    const { publishNotReadyAddresses, ports: asked = [] } = service.spec;
    for (const pod of selection.podsOf(service)) {
      // who publishes all addresses keeps those of Pods that end (ShouldPodBeInEndpoints)
      const isLeaving = pod.metadata.deletionTimestamp && !publishNotReadyAddresses;
      if (isTerminal(pod) || isLeaving || !pod.status?.podIP) continue;
      const { ports, text } = portsOf(pod);
      // it has none of the ports that are asked for
      if (asked.length > 0 && ports.length === 0) continue;
      if (count++ >= MAX_ADDRESSES) break;
      let subset = subsets.get(text);
      if (!subset)
        subsets.set(
          text,
          (subset = {
            addresses: [],
            notReadyAddresses: [],
            ports: ports.map(({ name, port, protocol, appProtocol }) => ({
              ...(name && { name }),
              port,
              protocol,
              ...(appProtocol && { appProtocol }),
            })),
          }),
        );
      const { addresses: ready, notReadyAddresses: notReady } = subset;
      (isReady(pod) || publishNotReadyAddresses ? ready : notReady).push(addressOf(pod));
    }
    return {
      apiVersion: "v1",
      kind: "Endpoints",
      subsets: [...subsets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, subset]) => tidy(subset)),
      metadata: {
        name,
        namespace: namespace!,
        labels: {
          ...labels,
          [MANAGED_BY]: MANAGER,
          ...(service.spec.clusterIP === "None" && { "service.kubernetes.io/headless": "" }),
        },
        ...(count > MAX_ADDRESSES && { annotations: { [OVER_CAPACITY]: "truncated" } }),
      },
    };
  }

  function addressOf(pod: Pod): Address {
    let address = addresses.get(pod);
    if (!address)
      addresses.set(
        pod,
        (address = frozen({
          ip: pod.status!.podIP!,
          ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
          targetRef: podReference(pod),
        })),
      );
    return address;
  }

  return {
    name: "endpoint-controller",
    pace: BATCH_MS,
    reconcile,
    watches: [
      watch("Service"),
      watch("Pod", (key, pod, previous) => {
        triggers.note(key, pod, previous);
        return selection.affectedBy(pod, previous);
      }),
      watch("Endpoints"),
    ],
  };
}

/** Whether it need not be written: moments alone are no reason. */
const looksTheSame = (a: Endpoints, b: Endpoints): boolean =>
  same(a.subsets ?? [], b.subsets) &&
  same(a.metadata.labels, b.metadata.labels) &&
  a.metadata.annotations?.[OVER_CAPACITY] === b.metadata.annotations?.[OVER_CAPACITY];

const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const MANAGER = "endpoint-controller";

type Subset = Required<NonNullable<Endpoints["subsets"]>[number]>;
type Address = Subset["addresses"][number];

/** Addresses by IP, and no empty lists. */
function tidy({
  addresses,
  notReadyAddresses,
  ports,
}: Subset): NonNullable<Endpoints["subsets"]>[number] {
  const sorted = (list: Address[]) => list.sort((a, b) => (a.ip < b.ip ? -1 : 1));
  return {
    ...(addresses.length > 0 && { addresses: sorted(addresses) }),
    ...(notReadyAddresses.length > 0 && { notReadyAddresses: sorted(notReadyAddresses) }),
    ...(ports.length > 0 && { ports }),
  };
}
