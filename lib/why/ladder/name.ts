/** The first rung: whether the name leads to an address. */
import { hostnameAnnotation } from "../../cloud/external-dns.js";
import { lookUp, questionsOf } from "../../journey/lookup.js";
import type { Origin } from "../../journey/party.js";
import { readAddress } from "../../net/ip.js";
import { clusterDomain } from "../../node/dns.js";
import { hostAliases } from "../../node/resolver.js";
import type { KubeObject, Pod } from "../../objects/types.js";
import { ingressOf, namesOf } from "../aim.js";
import { kubectlGet, namespaceOf, nameOf } from "../objects.js";
import type { Fault } from "../types.js";
import { fault, type Case, type Look } from "./case.js";

export const lookAtName: Look = (one) => {
  const { world, origin, goal, disposition } = one;
  const aliased = ownHostsFile(one);
  if (aliased) return [aliased];
  const unanswered = noDns(one);
  if (unanswered) return [unanswered];
  if (readAddress(one.service.spec.externalName ?? "")) return externalName(one);
  const short = shortAlias(one);
  if (short && disposition !== "delivered") return [short];
  if (disposition !== "name not found" || !goal || readAddress(goal.host)) return [];
  if (origin && !lookUp(world.network, origin, goal.host).failure) return externalName(one);
  const found =
    askedElsewhere(one) ??
    nameOfPod(one) ??
    otherNamespace(one) ??
    externalNameOf(one) ??
    hostOfIngress(one) ??
    notWhole(one);
  if (found) return [found];
  const isShort = !goal.host.includes(".") || goal.host.endsWith(clusterDomain);
  return isShort ? noSuchService(one) : noRecord(one);
};

/** Nobody answers for the cluster's DNS, whatever the name is. */
function noDns({ world, origin, goal, disposition }: Case): Fault | undefined {
  const { dnsFault } = world.network;
  if (!dnsFault || disposition !== "name not found" || !goal || !origin) return undefined;
  if (lookUp(world.network, origin, goal.host).failure !== dnsFault.sentence) return undefined;
  const [, namespace = "", name = ""] = /^Service (.*)\/(.*)$/.exec(dnsFault.object) ?? [];
  return {
    rung: "name",
    ...dnsFault,
    value: "no endpoint",
    expected: "endpoints that are ready",
    change: undefined,
    kubectl: `kubectl get endpointslices -n ${namespace} -l kubernetes.io/service-name=${name}`,
  };
}

/** A name of the cluster's that only Pods can ask for, or one that no search list makes whole. */
function notWhole({ service, origin, goal }: Case): Fault | undefined {
  const host = goal!.host;
  const [first, second] = host.split(".");
  const { name } = service.metadata;
  const whole = `${name}.${namespaceOf(service)}.svc.${clusterDomain}`;
  if (first !== name || (second !== undefined && ![namespaceOf(service), "svc"].includes(second)))
    return undefined;
  const asked = origin ? questionsOf(origin, host).names : [host];
  const isAsked = asked.some((each) => each.replace(/\.$/, "").toLowerCase() === whole);
  if (isAsked && podOf(origin)) return undefined; // it is known, and leads to nobody
  const why = isAsked
    ? `${host} is a name of the cluster's own DNS, which Pods ask; ${origin?.kind === "node" ? "a node asks" : "the internet asks"} other servers, and they do not know it`
    : podOf(origin) && host.endsWith(".")
      ? `${host} ends in a dot, so it is taken as it stands, without the Pod's search list; the whole name of ${nameOf(service)} is ${whole}.`
      : podOf(origin)
        ? `no name of the search list makes ${host} whole; the name of ${nameOf(service)} is ${whole}, in short ${name}.${namespaceOf(service)}`
        : `${host} is short for ${whole}, a name of the cluster's own DNS: Pods ask it, with a search list; nobody else does`;
  return fault(
    "name",
    service,
    "metadata.name",
    { value: name, expected: podOf(origin) ? whole : "a Pod that asks", sentence: why },
    {
      change: podOf(origin)
        ? { object: nameOf(service), field: "the URL that is asked for", value: whole }
        : undefined,
    },
  );
}

/** A line of the client's own /etc/hosts, before any DNS server is asked. */
function ownHostsFile({ service, origin, goal, disposition }: Case): Fault | undefined {
  const pod = podOf(origin);
  if (!pod || !goal || disposition === "delivered") return undefined;
  const known = hostAliases(pod, goal.host);
  const { clusterIPs = [] } = service.spec;
  const right = [...clusterIPs, ...ingressOf(service)];
  const [value] = known;
  if (value === undefined || known.some((address) => right.includes(address))) return undefined;
  const expected = clusterIPs.find((address) => address !== "None") ?? "no such line";
  return fault(
    "name",
    pod,
    "spec.hostAliases",
    {
      value,
      expected,
      sentence: `spec.hostAliases of ${nameOf(pod)} says that ${goal.host} is ${value}, which stands in its /etc/hosts: no DNS server is asked, and ${value} is no address of ${nameOf(service)}`,
    },
    {
      change: { object: nameOf(pod), field: "spec.hostAliases", value: null },
      kubectl: `kubectl exec ${pod.metadata.name} -n ${namespaceOf(pod)} -- cat /etc/hosts`,
    },
  );
}

/** An alias is taken as it stands: no search list makes a Service's short name whole. */
function shortAlias({ service, objects }: Case): Fault | undefined {
  const { type, externalName = "" } = service.spec;
  const [name = "", namespace = namespaceOf(service), ...rest] = externalName
    .replace(/(\.svc)?\.?$/, "")
    .split(".");
  if (type !== "ExternalName" || rest.length > 0 || !objects.service(`${namespace}/${name}`))
    return undefined;
  const expected = `${name}.${namespace}.svc.${clusterDomain}`;
  return fault("name", service, "spec.externalName", {
    value: externalName,
    expected,
    sentence: `spec.externalName of ${nameOf(service)} is ${externalName}: an alias is taken as it stands, without a search list, and no DNS server knows that name; ${expected} is the Service's`,
  });
}

/** A Pod whose resolver does not ask the cluster's DNS, for a name that only that one knows. */
function askedElsewhere({ world, origin, goal, objects }: Case): Fault | undefined {
  const pod = podOf(origin);
  if (!pod || !goal || !isElsewhere(pod)) return undefined;
  const asPod = objects.pod(`${namespaceOf(pod)}/${pod.metadata.name}`) ?? pod;
  const names = searched(goal.host, namespaceOf(pod));
  if (!names.some((name) => world.network.clusterDns.has(name))) return undefined;
  const { dnsPolicy = "ClusterFirst", hostNetwork = false } = asPod.spec;
  const expected = hostNetwork ? "ClusterFirstWithHostNet" : "ClusterFirst";
  const why =
    hostNetwork && dnsPolicy === "ClusterFirst" ? ", which with hostNetwork means Default" : "";
  return fault(
    "name",
    asPod,
    "spec.dnsPolicy",
    {
      value: dnsPolicy,
      expected,
      sentence: `spec.dnsPolicy of Pod ${namespaceOf(pod)}/${pod.metadata.name} is ${dnsPolicy}${why}: it asks the node's DNS, which does not know ${goal.host}; ${expected} asks the cluster's`,
    },
    { kubectl: `kubectl exec ${pod.metadata.name} -n ${namespaceOf(pod)} -- cat /etc/resolv.conf` },
  );
}

function podOf(origin: Origin | undefined): Pod | undefined {
  if (origin?.kind === "pod") return origin.sandbox.pod;
  return origin?.kind === "node" ? origin.pod?.pod : undefined;
}

const isElsewhere = ({ spec: { dnsPolicy = "ClusterFirst", hostNetwork } }: Pod): boolean =>
  dnsPolicy === "Default" || (dnsPolicy === "ClusterFirst" && hostNetwork === true);

const searched = (name: string, namespace: string): string[] => [
  `${name}.${namespace}.svc.${clusterDomain}`,
  `${name}.svc.${clusterDomain}`,
  `${name}.${clusterDomain}`,
  name,
];

/**
 * "redis-0.redis": a Pod has a name of its own where its subdomain is the headless Service's name,
 * and its hostname is given; of a StatefulSet's Pods both follow from serviceName.
 */
function nameOfPod({ origin, goal, objects }: Case): Fault | undefined {
  const asker = podOf(origin);
  const [own = "", name = "", inside = asker ? namespaceOf(asker) : "default"] =
    goal!.host.split(".");
  const service = objects.service(`${inside}/${name}`);
  const pod = objects.pod(`${inside}/${own}`);
  if (!service || !pod || service.spec.clusterIP !== "None") return undefined;
  const { subdomain = "", hostname = "" } = pod.spec;
  const isSet = pod.metadata.ownerReferences?.find(({ kind }) => kind === "StatefulSet");
  if (subdomain === name && hostname === own) return undefined;
  const field = isSet
    ? "spec.serviceName"
    : subdomain === name
      ? "spec.hostname"
      : "spec.subdomain";
  const [value, expected] = field === "spec.hostname" ? [hostname, own] : [subdomain, name];
  const owner: KubeObject = isSet
    ? { ...isSet, metadata: { name: isSet.name, namespace: inside } }
    : pod;
  return fault("name", owner, field, {
    value: value || null,
    expected,
    sentence: `${field} of ${nameOf(owner)} is ${value || "not set"}, and it would have to be ${expected} for ${nameOf(pod)} to have the name ${own}.${name}`,
  });
}

/** A Service's name with a namespace that is not its own: the client's, or one that is misspelt. */
function otherNamespace(one: Case): Fault | undefined {
  const { service, origin, goal } = one;
  const pod = podOf(origin);
  if (!pod || !goal) return undefined;
  const [name, namespace] = goal.host.split(".");
  const [own, asker] = [namespaceOf(service), namespaceOf(pod)];
  const meant = namespace ?? asker;
  if (name !== service.metadata.name || own === meant) return undefined;
  if (namespace !== undefined && !isInner(one)) return undefined;
  const whose = namespace === undefined ? `of its own namespace ${asker}` : `of ${namespace}`;
  const right = `${name}.${own}`;
  return fault(
    "name",
    service,
    "metadata.namespace",
    {
      value: own,
      expected: meant,
      sentence: `Service ${name} is in the namespace ${own}, and Pod ${asker}/${pod.metadata.name} asks for "${goal.host}", which means one ${whose}; the name from there is ${right}`,
    },
    {
      change: { object: nameOf(pod), field: "the URL it asks for", value: right },
      kubectl: `kubectl get service ${name} -A`,
    },
  );
}

/** Whether the second label stands for a namespace: the name is none of the Service's outside. */
function isInner({ service, goal, world, objects }: Case): boolean {
  const [name, , svc] = goal!.host.split(".");
  if (svc !== undefined) return svc === "svc";
  return !namesOf(world, objects, service).some((own) => own.split(".")[0] === name);
}

const externalName: Look = (one) => {
  const found = externalNameOf(one);
  return found ? [found] : [];
};

function externalNameOf({ service }: Case): Fault | undefined {
  const { type, externalName } = service.spec;
  if (type !== "ExternalName") return undefined;
  const isAddress = externalName !== undefined && readAddress(externalName) !== undefined;
  const expected = isAddress ? "a DNS name" : "a name that DNS knows";
  const why = isAddress
    ? "is an address; a CNAME leads to a name. For an address make a Service without selector and an EndpointSlice"
    : "leads to a name that no DNS server here knows";
  return fault("name", service, "spec.externalName", {
    value: externalName ?? null,
    expected,
    sentence: `spec.externalName ${externalName} ${why}`,
  });
}

function noSuchService({ service, goal, objects }: Case): Fault[] {
  const name = goal!.host.split(".")[0]!;
  if (service.metadata.name === name) return [];
  const near = nameOf(service);
  return [
    fault(
      "name",
      service,
      "metadata.name",
      {
        value: service.metadata.name,
        expected: name,
        sentence: `none of ${objects.services.length} Services is called ${name} (near: ${near})`,
      },
      {
        change: { object: near, field: "the URL that is asked for", value: service.metadata.name },
        kubectl: "kubectl get services -A",
      },
    ),
  ];
}

interface Ingress extends KubeObject {
  spec?: { rules?: { host?: string }[] };
  status?: { loadBalancer?: { ingress?: unknown[] } };
}

/** A name that only an Ingress has: its controller's address is what a record has to lead to. */
function hostOfIngress({ goal, objects }: Case): Fault | undefined {
  for (const ingress of objects.all<Ingress>("Ingress")) {
    const place = (ingress.spec?.rules ?? []).findIndex(({ host }) => isHost(host, goal!.host));
    if (place < 0) continue;
    const host = ingress.spec!.rules![place]!.host!;
    const isServed = (ingress.status?.loadBalancer?.ingress ?? []).length > 0;
    const expected = `a DNS record of ${goal!.host} that leads to the Ingress controller`;
    return fault(
      "name",
      ingress,
      `spec.rules[${place}].host`,
      {
        value: host,
        expected,
        sentence: `${host} is a host of ${nameOf(ingress)}, and no DNS server knows ${goal!.host}; ${isServed ? "a record has to lead to the address in its status" : "no Ingress controller has given it an address"}`,
      },
      { change: undefined },
    );
  }
  return undefined;
}

/** "*.example.com" stands for one label more (kubernetes: networking/v1, IngressRule). */
const isHost = (host: string | undefined, name: string): boolean =>
  host === name ||
  (host?.startsWith("*.") === true && host.slice(2) === name.replace(/^[^.]+\./, ""));

/** A name of the user's own domain, for which nobody made a record. */
function noRecord({ service, goal, world, objects }: Case): Fault[] {
  const names = namesOf(world, objects, service);
  const isAsked = names.length === 0 || names.includes(goal!.host);
  // the record waits for the load balancer's address, and that is the next rung
  if (isAsked && ingressOf(service).length === 0) return [];
  const value = service.metadata.annotations?.[hostnameAnnotation] ?? null;
  const known = names.length > 0 ? `; its names are ${names.join(", ")}` : "";
  const goalOf = ingressOf(service)[0] ?? "its load balancer";
  return [
    fault(
      "name",
      service,
      `metadata.annotations["${hostnameAnnotation}"]`,
      {
        value,
        expected: goal!.host,
        sentence: `no DNS record leads from ${goal!.host} to ${nameOf(service)}${known}; a record has to lead to ${goalOf}, which its owner makes, or ExternalDNS where this annotation asks for it`,
      },
      { kubectl: `dig ${goal!.host}; ${kubectlGet(service, "")}` },
    ),
  ];
}
