import { watch, type Context, type Controller } from "../machinery/controller.js";
import { ignoring } from "../api/errors.js";
import { keyOf, splitKey } from "../machinery/informer.js";
import { frozen, same } from "../objects/freeze.js";
import type {
  Endpoint,
  EndpointSlice,
  IPFamily,
  Node,
  ObjectMeta,
  Pod,
  Service,
} from "../objects/types.js";
import { isTerminal } from "../objects/pods.js";
import {
  endpointConditions,
  podReference,
  portsByTemplate,
  Selection,
  selects,
} from "./selection.js";
import { Packing, type Draft } from "./slice-packing.js";
import { triggeredAt, TriggerTimes } from "./trigger-times.js";

const SERVICE = "kubernetes.io/service-name";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const HEADLESS = "service.kubernetes.io/headless";
const MANAGER = "endpointslice-controller.k8s.io";

/**
 * Writes the addresses behind each Service into EndpointSlices of a hundred. (kubernetes:
 * pkg/controller/endpointslice, k8s.io/endpointslice: reconciler.go)
 *
 * A big Service has thousands of endpoints, and usually one Pod changes. So the controller keeps a
 * book for each Service: which slice each Pod is in, and which Pods changed since it last looked;
 * only their slices are edited. When a slice is not as the book says, the book is thrown away and
 * everything about that Service is read again.
 */
export function endpointSliceController({ client, informers }: Context): Controller {
  const selection = new Selection(informers);
  const { services, pods } = selection;
  const nodes = informers.of("Node");
  const slices = informers.of("EndpointSlice");
  const books = new Map<string, Book>();
  const triggers = new TriggerTimes(selection);
  slices.index("service", serviceOf);

  function reconcile(key: string): void {
    const service = services.get(key);
    const book =
      service &&
      service.spec.selector &&
      service.spec.type !== "ExternalName" &&
      !service.metadata.deletionTimestamp
        ? bookOf(key, service)
        : undefined;
    // the garbage collector takes the slices of a Service that is gone
    if (!service) triggers.forget(key);
    if (!book) return void books.delete(key);
    const moment = triggers.take(key, book.service);
    const changed = book.changed;
    book.changed = new Set();
    try {
      save(book, pack(book, changed), moment);
    } catch (error) {
      books.delete(key);
      throw error;
    }
  }

  function bookOf(key: string, service: Service): Book {
    const known = books.get(key);
    if (known?.service === service) return known;
    const found = slices.by("service", key);
    const doubles = doublesIn(found);
    const book: Book = {
      service,
      slices: new Map(),
      places: new Map(),
      changed: new Set(),
      doubles,
    };
    for (const slice of found) enter(book, slice);
    for (const place of book.places.keys()) book.changed.add(place.slice(place.indexOf(" ") + 1));
    for (const pod of selection.podsOf(service)) book.changed.add(keyOf(pod));
    books.set(key, book);
    return book;
  }

  // ---- deciding

  function pack({ service, slices, places, doubles }: Book, changed: ReadonlySet<string>): Packing {
    const packing = new Packing([...slices.values()]);
    for (const [slice, pod] of doubles.splice(0)) packing.replace(slice, pod, undefined);
    const families = familiesOf(service);
    const labels = labelsOf(service);
    const portsOf = portsByTemplate(service);
    const added = new Map<string, { fresh: EndpointSlice; endpoints: Endpoint[] }>();
    for (const slice of slices.values()) {
      if (!families.includes(slice.addressType as IPFamily)) packing.draft(slice).endpoints = [];
      else if (slice.endpoints.length === 0 || !same(slice.metadata.labels, labels))
        packing.draft(slice);
    }
    for (const key of changed)
      for (const family of families) {
        const place = `${family} ${key}`;
        const pod = pods.get(key);
        const endpoint = pod && endpointOf(service, pod, family, zoneOf);
        const { ports, text } = endpoint ? portsOf(pod) : noPorts;
        const slice = slices.get(places.get(place) ?? "");
        const stays = slice && endpoint && same(slice.ports ?? [], ports);
        if (
          slice &&
          packing.replace(slice, splitKey(key).name, stays ? endpoint : undefined) &&
          stays
        )
          continue;
        if (!endpoint) places.delete(place);
        else if (added.has(`${family} ${text}`))
          added.get(`${family} ${text}`)!.endpoints.push(endpoint);
        else
          added.set(`${family} ${text}`, {
            fresh: emptySlice(service, family, ports),
            endpoints: [endpoint],
          });
      }
    for (const { fresh, endpoints } of added.values()) packing.add(fresh, endpoints);
    return packing;
  }

  const zoneOf = (node: string): string | undefined => zoneLabel(nodes.get(node));

  // ---- writing

  function save(book: Book, packing: Packing, moment: string | undefined): void {
    const { write, remove } = packing.result(familiesOf(book.service), (family) =>
      emptySlice(book.service, family as IPFamily, []),
    );
    for (const draft of write) enter(book, put(book, draft, moment));
    for (const {
      metadata: { name, namespace },
    } of remove) {
      book.slices.delete(name);
      ignoring([404], () => client.delete("EndpointSlice", name, namespace));
    }
  }

  function put(
    { service, slices }: Book,
    { slice, endpoints }: Draft,
    moment: string | undefined,
  ): EndpointSlice {
    const metadata: ObjectMeta = { ...slice.metadata, labels: labelsOf(service) };
    const wanted: EndpointSlice = { ...slice, endpoints, metadata };
    const present = slices.get(slice.metadata.name);
    if (present && same(present, wanted)) return present;
    delete metadata.annotations;
    Object.assign(metadata, triggeredAt(slice.metadata, moment));
    if (slice.metadata.name !== "") return client.update(wanted, { decoded: true });
    const { name: _, ...unnamed } = metadata; // the API server makes it
    return client.create({ ...wanted, metadata: unnamed as ObjectMeta }, { decoded: true });
  }

  /** Notes a slice, as it is now, in the book. */
  function enter(book: Book, slice: EndpointSlice): void {
    const before = book.slices.get(slice.metadata.name)?.endpoints;
    book.slices.set(slice.metadata.name, slice);
    slice.endpoints.forEach((endpoint, i) => {
      const { targetRef } = endpoint;
      if (targetRef && before?.[i] !== endpoint)
        book.places.set(
          `${slice.addressType} ${targetRef.namespace}/${targetRef.name}`,
          slice.metadata.name,
        );
    });
  }

  // ---- noticing

  function podChanged(
    key: string,
    pod: Pod | undefined,
    previous: Pod | undefined,
  ): readonly string[] {
    triggers.note(key, pod, previous);
    const affected = selection.affectedBy(pod, previous);
    for (const service of affected) books.get(service)?.changed.add(key);
    return affected;
  }

  /** Our own writes come back as notifications: they are in the book already. */
  function sliceChanged(
    key: string,
    slice: EndpointSlice | undefined,
    previous: EndpointSlice | undefined,
  ): string[] {
    const service = serviceOf((slice ?? previous)!);
    const noted =
      service === undefined ? undefined : books.get(service)?.slices.get(splitKey(key).name);
    if (service === undefined || (slice ? noted && isOlder(slice, noted) : !noted)) return [];
    books.delete(service);
    return [service];
  }

  return {
    name: "endpointslice-controller",
    watches: [watch("Service"), watch("Pod", podChanged), watch("EndpointSlice", sliceChanged)],
    reconcile,
  };
}

/** In which zone a Node says that it is. */
export const zoneLabel = (node: Node | undefined): string | undefined =>
  node?.metadata.labels?.["topology.kubernetes.io/zone"];

/** A Pod as an endpoint of the Service; undefined where it is none. */
export function endpointOf(
  service: Service,
  pod: Pod,
  family: IPFamily,
  zoneOf: (node: string) => string | undefined,
): Endpoint | undefined {
  if (!selects(service.spec.selector!, pod) || isTerminal(pod)) return undefined;
  const addresses = (pod.status?.podIPs ?? (pod.status?.podIP ? [{ ip: pod.status.podIP }] : []))
    .map(({ ip }) => ip)
    .filter((ip) => ip.includes(":") === (family === "IPv6"));
  if (addresses.length === 0) return undefined;
  const conditions = endpointConditions(pod, service);
  const { nodeName, hostname, subdomain } = pod.spec;
  const zone = zoneOf(nodeName ?? "");
  const hints = conditions.ready ? hintsFor(service, zone, nodeName) : undefined;
  // frozen: checked once, and stored as it is in each version of its slice
  return frozen({
    addresses: addresses.slice(0, 1),
    conditions,
    targetRef: podReference(pod),
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    ...(hints && { hints }),
    ...(hostname && subdomain === service.metadata.name && { hostname }),
  });
}

const noPorts = { ports: [], text: "" };

/** What the controller knows of one Service's slices. */
interface Book {
  service: Service;
  /** By name, as last read or written. */
  slices: Map<string, EndpointSlice>;
  /** "IPv4 default/nginx-…" -> the name of the slice that holds it. */
  places: Map<string, string>;
  /** Keys of Pods to look at. */
  changed: Set<string>;
  /** Pods that stand in two slices, and the one that has to let go. */
  doubles: [EndpointSlice, string][];
}

/**
 * A slice that was made though the answer to its making was lost has the same Pods as the one that
 * was made in its place: the last one keeps them, as it does in the book.
 */
function doublesIn(slices: readonly EndpointSlice[]): [EndpointSlice, string][] {
  const holders = new Map<string, EndpointSlice>();
  const doubles: [EndpointSlice, string][] = [];
  for (const slice of slices)
    for (const { targetRef } of slice.endpoints) {
      if (targetRef?.name === undefined) continue;
      const place = `${slice.addressType} ${targetRef.name}`;
      const holder = holders.get(place);
      if (holder) doubles.push([holder, targetRef.name]);
      holders.set(place, slice);
    }
  return doubles;
}

const isOlder = (a: EndpointSlice, b: EndpointSlice): boolean =>
  Number(a.metadata.resourceVersion) <= Number(b.metadata.resourceVersion);

const serviceOf = ({ metadata: { namespace, labels } }: EndpointSlice): string | undefined =>
  labels?.[MANAGED_BY] === MANAGER ? `${namespace}/${labels[SERVICE]}` : undefined;

const familiesOf = ({ spec }: Service): readonly IPFamily[] => spec.ipFamilies ?? ["IPv4"];

const labelsOf = ({
  metadata: { name, labels },
  spec: { clusterIP },
}: Service): Record<string, string> => ({
  ...labels,
  [SERVICE]: name,
  [MANAGED_BY]: MANAGER,
  ...(clusterIP === "None" && { [HEADLESS]: "" }),
});

function emptySlice(
  service: Service,
  addressType: IPFamily,
  ports: EndpointSlice["ports"],
): EndpointSlice {
  const { name, namespace, uid } = service.metadata;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    addressType,
    endpoints: [],
    ports: ports!,
    metadata: {
      name: "",
      generateName: `${name}-`,
      namespace: namespace!,
      labels: labelsOf(service),
      ownerReferences: [
        {
          apiVersion: "v1",
          kind: "Service",
          name,
          uid: uid!,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
  };
}

/**
 * trafficDistribution keeps traffic in the zone, or on the node, of who asks. (KEP-4444, KEP-3015;
 * k8s.io/endpointslice: trafficdist)
 */
function hintsFor(
  { spec: { trafficDistribution } }: Service,
  zone: string | undefined,
  node: string | undefined,
): Endpoint["hints"] {
  if (!trafficDistribution || !zone) return undefined;
  return {
    forZones: [{ name: zone }],
    ...(trafficDistribution === "PreferSameNode" && node && { forNodes: [{ name: node }] }),
  };
}
