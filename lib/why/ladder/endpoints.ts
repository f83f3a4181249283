/** The fifth rung: whether the Service has endpoints, and the right ones. */
import { readAddress } from "../../net/ip.js";
import { isReady } from "../../objects/pods.js";
import type {
  Endpoint,
  Endpoints,
  EndpointSlice,
  Pod,
  Service,
  ServicePort,
} from "../../objects/types.js";
import { isNear, labelsText } from "../near.js";
import { kubectlGet, nameOf, namespaceOf, type Objects } from "../objects.js";
import type { Fault } from "../types.js";
import {
  addressOf,
  fault,
  labelField,
  listed,
  portOf,
  protocolOf,
  type Case,
  type Look,
} from "./case.js";
import { meantBy, type Meant } from "./meant.js";
import { unmade } from "./unmade.js";

const serviceLabel = "kubernetes.io/service-name";

const usable = ({ conditions }: Endpoint): boolean =>
  conditions?.ready !== false || (conditions.serving !== false && conditions.terminating === true);

/** The endpoints that kube-proxy would send to, of any port. */
export const readyEndpoints = (objects: Objects, service: Service): Endpoint[] =>
  objects.slicesOf(service).flatMap(({ endpoints }) => endpoints.filter(usable));

/** The nodes on which they are, as the slices call them. */
export const localNodes = (objects: Objects, service: Service): Set<string> =>
  new Set(readyEndpoints(objects, service).flatMap(({ nodeName }) => nodeName ?? []));

export const lookAtEndpoints: Look = (one) => {
  const { selector = {} } = one.service.spec;
  if (one.service.spec.type === "ExternalName") return [];
  const found = Object.keys(selector).length === 0 ? byHand(one) : bySelector(one);
  return found.length > 0 ? found : nobodysAddress(one);
};

/** The packet went to an endpoint's address, and nobody has it. */
function nobodysAddress({ objects, service, disposition, journey }: Case): Fault[] {
  const address = addressOf(journey?.destination);
  if (disposition !== "no route" || address === undefined) return [];
  for (const slice of objects.slicesOf(service)) {
    const place = slice.endpoints.findIndex(({ addresses }) => addresses.includes(address));
    if (place < 0) continue;
    const { targetRef } = slice.endpoints[place]!;
    const pod = targetRef && objects.pod(`${namespaceOf(slice)}/${targetRef.name}`);
    const podIP = pod?.status?.podIP;
    const who = targetRef ? `, said to be that of ${targetRef.kind} ${targetRef.name}` : "";
    const own = podIP ? `; that Pod's status.podIP is ${podIP}` : "";
    return [
      fault("endpoints", slice, `endpoints[${place}].addresses[0]`, {
        value: address,
        expected: podIP ?? "an address that somebody has",
        sentence: `endpoints[${place}] of ${nameOf(slice)} is ${address}${who}, and nobody here has that address${own}`,
      }),
    ];
  }
  return [];
}

// ---- slices that somebody wrote ----

function byHand(one: Case): Fault[] {
  const { objects, service } = one;
  const slices = objects.slicesOf(service);
  if (slices.length === 0)
    return [strayOf(one) ?? strayEndpoints(one) ?? elsewhere(one) ?? nobodyWrote(one)];
  return slicesFaults(one, slices);
}

/** A slice that looks like the Service's and does not say so. */
function strayOf({ objects, service }: Case): Fault | undefined {
  const { name } = service.metadata;
  const stray = objects.slicesIn(namespaceOf(service)).find(({ metadata }) => {
    const owner = metadata.labels?.[serviceLabel];
    if (owner !== undefined && objects.service(`${namespaceOf(service)}/${owner}`)) return false;
    const isNamed = metadata.name === name || metadata.name.startsWith(`${name}-`);
    return isNamed || (owner !== undefined && isNear(owner, name));
  });
  if (!stray) return undefined;
  const value = stray.metadata.labels?.[serviceLabel] ?? null;
  return fault("endpoints", stray, labelField(serviceLabel), {
    value,
    expected: name,
    sentence: `${nameOf(service)} has no EndpointSlice: ${nameOf(stray)} ${value === null ? `has no label ${serviceLabel}` : `says ${serviceLabel}=${value}`}, and it would have to be ${name}`,
  });
}

/** Endpoints that somebody wrote belong to the Service of their own name. */
function strayEndpoints({ objects, service }: Case): Fault | undefined {
  const [here, { name }] = [namespaceOf(service), service.metadata];
  const all = objects.all<Endpoints>("Endpoints");
  const stray =
    all.find((one) => isFree(objects, one, here) && isNear(one.metadata.name, name)) ??
    all.find(
      (one) => one.metadata.name === name && namespaceOf(one) !== here && isFree(objects, one),
    );
  if (!stray) return undefined;
  const field = namespaceOf(stray) === here ? "metadata.name" : "metadata.namespace";
  const [value, expected] =
    field === "metadata.name" ? [stray.metadata.name, name] : [namespaceOf(stray), here];
  return fault("endpoints", stray, field, {
    value,
    expected,
    sentence: `${nameOf(service)} has no Endpoints: ${nameOf(stray)} would have to have its name and namespace, and ${field} is ${value} instead of ${expected}`,
  });
}

/** No Service has their name. */
const isFree = (objects: Objects, one: Endpoints, namespace = namespaceOf(one)): boolean =>
  namespaceOf(one) === namespace && !objects.service(`${namespace}/${one.metadata.name}`);

/** A slice for a Service of this name, in a namespace that has none. */
function elsewhere({ objects, service }: Case): Fault | undefined {
  const { name } = service.metadata;
  const stray = objects.all<EndpointSlice>("EndpointSlice").find((slice) => {
    const { labels } = slice.metadata;
    return labels?.[serviceLabel] === name && !objects.service(`${namespaceOf(slice)}/${name}`);
  });
  if (!stray) return undefined;
  return fault("endpoints", stray, "metadata.namespace", {
    value: namespaceOf(stray),
    expected: namespaceOf(service),
    sentence: `${nameOf(service)} has no EndpointSlice: ${nameOf(stray)} is for a Service ${name} of its own namespace ${namespaceOf(stray)}, where there is none`,
  });
}

function nobodyWrote({ service }: Case): Fault {
  const { externalName, type = "ClusterIP" } = service.spec;
  if (externalName)
    return fault("endpoints", service, "spec.type", {
      value: type,
      expected: "ExternalName",
      sentence: `spec.externalName of ${nameOf(service)} is ${externalName}, and spec.type is ${type}: the name counts with the type ExternalName alone, and there is no selector`,
    });
  return fault(
    "endpoints",
    service,
    "spec.selector",
    {
      value: null,
      expected: "labels of Pods",
      sentence: `${nameOf(service)} has no selector, and nobody wrote an EndpointSlice for it`,
    },
    { kubectl: slicesCommand(service) },
  );
}

export const slicesCommand = (service: Service): string =>
  `kubectl get endpointslices -n ${namespaceOf(service)} -l ${serviceLabel}=${service.metadata.name}`;

/** What makes all of these slices useless for the port that is asked for. */
function slicesFaults(one: Case, slices: readonly EndpointSlice[]): Fault[] {
  const port = portOf(one) ?? one.service.spec.ports?.[0];
  const name = port?.name ?? "";
  const addresses = slices.filter(({ addressType }) => addressType !== "FQDN");
  if (addresses.length === 0) return [ofNames(slices[0]!)];
  const family = otherFamily(one, addresses);
  if (family) return [family];
  const fits = addresses.filter((slice) => slice.ports?.some((each) => (each.name ?? "") === name));
  if (fits.length === 0) return [otherPorts(one, addresses[0]!, name)];
  const other = otherProtocol(one, fits, port);
  if (other) return [other];
  if (fits.every(({ endpoints }) => endpoints.length === 0)) return [emptySlice(one, fits[0]!)];
  return [...notReady(one, fits), ...unknownNodes(one, fits)];
}

const ofNames = (slice: EndpointSlice): Fault =>
  fault("endpoints", slice, "addressType", {
    value: slice.addressType,
    expected: "IPv4",
    sentence: `addressType of ${nameOf(slice)} is FQDN, which kube-proxy does not read; it needs addresses`,
  });

/** An address of one family leads to endpoints of that family alone. */
function otherFamily(
  { goal, objects, service }: Case,
  slices: readonly EndpointSlice[],
): Fault | undefined {
  const family = readAddress(goal?.host ?? "")?.family;
  const isThere = slices.some(
    ({ addressType, endpoints }) => addressType === family && endpoints.length > 0,
  );
  if (family === undefined || isThere || readyEndpoints(objects, service).length === 0)
    return undefined;
  const sentence = `${goal!.host} is an address of ${family}, and ${nameOf(service)} has no endpoint of ${family}`;
  const pod = objects.selectedBy(service).find(isReady);
  const ips = (pod?.status?.podIPs ?? []).map(({ ip }) => ip);
  if (!pod || ips.some((ip) => readAddress(ip)?.family === family))
    return fault("endpoints", slices[0]!, "addressType", {
      value: slices[0]!.addressType,
      expected: family,
      sentence,
    });
  const value = listed(ips);
  return fault(
    "endpoints",
    pod,
    "status.podIPs",
    {
      value,
      expected: `an address of ${family}`,
      sentence: `${sentence}: status.podIPs of ${nameOf(pod)} is ${value}`,
    },
    { change: { object: nameOf(service), field: "spec.ipFamilyPolicy", value: "SingleStack" } },
  );
}

function otherPorts({ service }: Case, slice: EndpointSlice, name: string): Fault {
  const names = (slice.ports ?? []).map((each) => each.name ?? "");
  if (names.length === 0)
    return fault("endpoints", slice, "ports", {
      value: null,
      expected: name || "a port",
      sentence: `${nameOf(slice)} lists no ports, so none of its endpoints serves a port of ${nameOf(service)}`,
    });
  const quoted = (text: string): string => (text === "" ? "no name" : text);
  return fault("endpoints", slice, "ports[0].name", {
    value: names[0]!,
    expected: name,
    sentence: `ports[0].name of ${nameOf(slice)} is ${listed(names.map(quoted))}, and the port of ${nameOf(service)} has ${quoted(name)}; they are matched by name`,
  });
}

/** The ports of this name are of another protocol, or without a number. */
function otherProtocol(
  { service }: Case,
  slices: readonly EndpointSlice[],
  { name = "", protocol = "TCP" }: Pick<ServicePort, "name" | "protocol"> = {},
): Fault | undefined {
  const all = slices.flatMap((slice) =>
    (slice.ports ?? []).flatMap((port, place) =>
      (port.name ?? "") === name ? { slice, port, place } : [],
    ),
  );
  if (all.some(({ port }) => (port.protocol ?? "TCP") === protocol && port.port)) return undefined;
  const { slice, port, place } = all[0]!;
  const isOther = (port.protocol ?? "TCP") !== protocol;
  const field = `ports[${place}].${isOther ? "protocol" : "port"}`;
  const sentence = isOther
    ? `${field} of ${nameOf(slice)} is ${port.protocol}, and the port of ${nameOf(service)} is for ${protocol}; they are matched by name and protocol`
    : `${field} of ${nameOf(slice)} is missing: kube-proxy ignores a port without a number`;
  return fault("endpoints", slice, field, {
    value: isOther ? port.protocol! : null,
    expected: isOther ? protocol : "a number",
    sentence,
  });
}

const emptySlice = ({ service }: Case, slice: EndpointSlice): Fault =>
  fault("endpoints", slice, "endpoints", {
    value: null,
    expected: "an address",
    sentence: `${nameOf(slice)}, the slice of ${nameOf(service)}, holds no endpoint`,
  });

/** The slices call endpoints not ready whose Pods are ready, or of which no Pod is known. */
function notReady({ objects, service }: Case, slices: readonly EndpointSlice[]): Fault[] {
  if (readyEndpoints(objects, service).length > 0) return [];
  for (const slice of slices)
    for (const [i, { targetRef, conditions }] of slice.endpoints.entries()) {
      const pod = targetRef && objects.pod(`${targetRef.namespace}/${targetRef.name}`);
      if (targetRef ? !pod || !isReady(pod) : podsAreNotReady(objects, service)) continue;
      const who = pod ? `, though ${nameOf(pod)} is ready` : "";
      return [
        fault("endpoints", slice, `endpoints[${i}].conditions.ready`, {
          value: conditions?.ready ?? null,
          expected: true,
          sentence: `endpoints[${i}].conditions.ready of ${nameOf(slice)} is false${who}; none of its ${slice.endpoints.length} endpoints gets traffic`,
        }),
      ];
    }
  return [];
}

/** The Pods explain it by themselves. */
const podsAreNotReady = (objects: Objects, service: Service): boolean => {
  const pods = objects.selectedBy(service);
  return pods.length > 0 && !pods.some((pod) => isReady(pod) && !pod.metadata.deletionTimestamp);
};

/** Under a policy of Local: no endpoint is on a node that there is. */
function unknownNodes({ objects, service, door }: Case, slices: readonly EndpointSlice[]): Fault[] {
  const { externalTrafficPolicy, internalTrafficPolicy } = service.spec;
  const policy = door === "cluster-ip" ? internalTrafficPolicy : externalTrafficPolicy;
  if (policy !== "Local" || readyEndpoints(objects, service).length === 0) return [];
  if ([...localNodes(objects, service)].some((name) => objects.node(name))) return [];
  const slice = slices.find(({ endpoints }) => endpoints.some(usable)) ?? slices[0]!;
  const place = Math.max(0, slice.endpoints.findIndex(usable));
  const value = slice.endpoints[place]?.nodeName ?? null;
  const nodes = objects.nodes.map(({ metadata }) => metadata.name);
  const why =
    value === null ? "does not say on which node it is" : `is on ${value}, which no Node is called`;
  return [
    fault("endpoints", slice, `endpoints[${place}].nodeName`, {
      value,
      expected: listed(nodes.slice(0, 5)),
      sentence: `endpoints[${place}] of ${nameOf(slice)} ${why}, and with a traffic policy of Local no node has it as its own; the nodes are ${listed(nodes.slice(0, 5))}`,
    }),
  ];
}

// ---- slices that follow a selector ----

function bySelector(one: Case): Fault[] {
  const meant = meantBy(one.objects, one.service);
  if (meant.by !== "selector") return [nothingMatches(one, meant)];
  const named = namedPort(one, meant);
  if (named) return [named];
  const slices = one.objects.slicesOf(one.service);
  if (slices.length > 0) return slicesOfPods(one, slices, meant);
  return meant.pods.some((pod) => isReady(pod)) ? [noSlices(one, meant)] : [];
}

function slicesOfPods(one: Case, slices: readonly EndpointSlice[], meant: Meant): Fault[] {
  const isReadyPod = meant.pods.some((pod) => isReady(pod) && !pod.metadata.deletionTimestamp);
  const found = slicesFaults(one, slices);
  // empty slices and foreign ports are the controller's work: the Pods explain them, if they can
  return found.filter(({ field }) => isReadyPod || field.endsWith("nodeName"));
}

const noSlices = ({ service }: Case, { pods }: Meant): Fault =>
  fault(
    "endpoints",
    service,
    "EndpointSlices",
    {
      value: null,
      expected: `the addresses of ${pods.length} Pods`,
      sentence: `no EndpointSlice of ${nameOf(service)} is there, though its selector matches ${pods.length} Pods: were they left out of the dump, or does the EndpointSlice controller not run?`,
    },
    { change: undefined, kubectl: slicesCommand(service) },
  );

function nothingMatches(one: Case, meant: Meant): Fault {
  const { service, objects } = one;
  const { selector = {} } = service.spec;
  const text = labelsText(selector);
  if (meant.workload) return unmade(one.objects, one.service, meant.workload);
  if (meant.by === "other namespace") return otherNamespace(one, meant);
  const here = namespaceOf(service);
  const count = objects.podsIn(here).length;
  const { near } = meant;
  const nearby = near
    ? ` (near: ${near.labels || "no labels"} on ${near.pods[0]!.metadata.name})`
    : labelsHere(objects, service, selector);
  return fault(
    "endpoints",
    service,
    "spec.selector",
    {
      value: text,
      expected: near?.labels || "labels of Pods that are there",
      sentence: `selector ${text} matches 0 of ${count} Pods in ${here}${nearby}`,
    },
    {
      change: near?.labels
        ? { object: nameOf(service), field: "spec.selector", value: near.labels }
        : undefined,
      kubectl: `kubectl get pods -n ${here} --show-labels`,
    },
  );
}

/** Which values the selector's labels do have here. */
function labelsHere(objects: Objects, service: Service, selector: Record<string, string>): string {
  const pods = objects.podsIn(namespaceOf(service));
  const pairs = pods.flatMap(({ metadata }) =>
    Object.entries(metadata.labels ?? {}).filter(([key]) => Object.hasOwn(selector, key)),
  );
  const texts = [...new Set(pairs.map((pair) => pair.join("=")))].slice(0, 5);
  return texts.length > 0 ? `, whose labels are ${listed(texts)}` : "";
}

function otherNamespace({ service }: Case, { pods }: Meant): Fault {
  const there = namespaceOf(pods[0]!);
  const own = namespaceOf(service);
  return fault(
    "endpoints",
    service,
    "metadata.namespace",
    {
      value: own,
      expected: there,
      sentence: `selector ${labelsText(service.spec.selector ?? {})} of ${nameOf(service)} looks for Pods in ${own} alone, and the ${pods.length} that have these labels are in ${there} (${pods[0]!.metadata.name})`,
    },
    { kubectl: `kubectl get pods -A -l ${labelsText(service.spec.selector ?? {})}` },
  );
}

// ---- a targetPort by name ----

/** No Pod has a container port of that name; or it is of another protocol. */
function namedPort(one: Case, { pods }: Meant): Fault | undefined {
  const port = portOf(one) ?? one.service.spec.ports?.[0];
  if (typeof port?.targetPort !== "string") return undefined;
  const protocol = protocolOf(port);
  const ports = pods.flatMap((pod) => portsIn(pod));
  const named = ports.filter(({ name }) => name === port.targetPort);
  if (named.some((each) => (each.protocol ?? "TCP") === protocol)) return undefined;
  const place = one.service.spec.ports!.indexOf(port);
  const service = nameOf(one.service);
  if (named[0])
    return fault("endpoints", one.service, `spec.ports[${place}].protocol`, {
      value: protocol,
      expected: named[0].protocol ?? "TCP",
      sentence: `spec.ports[${place}].protocol of ${service} is ${protocol}, and the container port ${port.targetPort} is ${named[0].protocol}; so it stands for no port`,
    });
  const names = [...new Set(ports.flatMap(({ name }) => name ?? []))];
  const numbers = [...new Set(ports.map(({ containerPort }) => containerPort))];
  const there = names.length > 0 ? `they have ${listed(names)}` : "their ports have no names";
  return fault(
    "endpoints",
    one.service,
    `spec.ports[${place}].targetPort`,
    {
      value: port.targetPort,
      expected: names[0] ?? numbers[0] ?? "a number",
      sentence: `spec.ports[${place}].targetPort of ${service} is ${port.targetPort}, and no container of its ${pods.length} Pods has a port of that name (${there})`,
    },
    { kubectl: kubectlGet(pods[0]!, "-o jsonpath='{.spec.containers[*].ports}'") },
  );
}

const portsIn = ({ spec }: Pod): NonNullable<Pod["spec"]["containers"][number]["ports"]> =>
  [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ ports = [] }) => ports);
