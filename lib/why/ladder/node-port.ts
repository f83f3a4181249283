/** The third rung: whether the node takes the packet for the Service. */
import { isLocalhost } from "../../journey/lookup.js";
import { othersLabels } from "../../node/proxy/watched.js";
import { condition } from "../../objects/pods.js";
import { isLoopback } from "../aim.js";
import { nameOf, type Objects } from "../objects.js";
import { servesNodePorts } from "../node-port-addresses.js";
import type { Fault, Rung } from "../types.js";
import { addressOf, fault, labelField, listed, type Case, type Look } from "./case.js";
import { localNodes, readyEndpoints } from "./endpoints.js";
import { lookAtPort } from "./port.js";

export const lookAtNodePort: Look = (one) => [
  ...deadNode(one, "node-port"),
  ...(one.door === "node-port" ? lookAtPort(one, "node-port") : []),
  ...notOurs(one, "node-port"),
  ...onLoopback(one),
  ...otherAddresses(one),
  ...otherName(one, "externalTrafficPolicy", "node-port"),
  ...localPolicy(one, "externalTrafficPolicy", "node-port"),
  ...staleProxy(one, "node-port"),
];

export function notOurs({ service }: Case, rung: Rung): Fault[] {
  const label = othersLabels.find((each) => service.metadata.labels?.[each] !== undefined);
  if (!label) return [];
  const value = service.metadata.labels![label]!;
  return [
    fault(rung, service, labelField(label), {
      value,
      expected: null,
      sentence: `the label ${label}${value && `=${value}`} of ${nameOf(service)} tells kube-proxy to leave it to another proxy, so no node has rules for it`,
    }),
  ];
}

/** The node that is asked, or on which the endpoint is, does not answer. */
export function deadNode(one: Case, rung: Rung): Fault[] {
  const { world, objects, journey, node } = one;
  if (one.disposition !== "timed out" && one.disposition !== "no healthy target") return [];
  const address = addressOf(journey?.destination);
  const { network } = world;
  const asked = node === undefined ? undefined : network.machines.get(node);
  const behind = address === undefined ? undefined : network.machineFor(address);
  const dead = [asked, behind].find((machine) => machine && !machine.up);
  return dead ? [notReady(objects, dead.name, rung)] : [];
}

export function notReady(objects: Objects, name: string, rung: Rung): Fault {
  const node = objects.node(name);
  const ready = node && condition(node, "Ready");
  const object = node ?? { apiVersion: "v1", kind: "Node", metadata: { name } };
  const since = ready?.reason ? ` (${ready.reason})` : "";
  return fault(
    rung,
    object,
    'status.conditions["Ready"]',
    {
      value: ready?.status ?? null,
      expected: "True",
      sentence: `the node ${name} does not answer; its condition Ready is ${ready?.status ?? "not there"}${since}`,
    },
    { change: undefined, kubectl: `kubectl describe node ${name}` },
  );
}

/** At loopback addresses kube-proxy serves NodePorts in iptables mode alone, if it does. */
function onLoopback({ world, goal, origin, service }: Case): Fault[] {
  const { host = "", port } = goal ?? {};
  if (origin?.kind !== "node" || !isLoopback(host)) return [];
  if (!service.spec.ports?.some(({ nodePort }) => nodePort === port)) return [];
  const { mode, iptables } = world.kubeProxy;
  const isOther = mode === "nftables";
  if (!isOther && iptables.localhostNodePorts && !host.includes(":")) return [];
  const field = isOther ? "mode" : "iptables.localhostNodePorts";
  const why = isOther
    ? "in nftables mode it serves no NodePort"
    : host.includes(":")
      ? "of IPv6 it serves no NodePort"
      : "so it serves no NodePort";
  const value = isOther ? mode : iptables.localhostNodePorts;
  return [
    {
      rung: "node-port",
      object: "KubeProxyConfiguration",
      field,
      value,
      expected: isOther ? "an address of the node's network" : true,
      sentence: `${field} of kube-proxy's configuration is ${value}: ${why} at the loopback address ${host}; the node's other addresses have it`,
      change: undefined,
      kubectl: "kubectl get configmap kube-proxy -n kube-system -o yaml",
    },
  ];
}

/** kube-proxy takes NodePorts at the addresses of nodePortAddresses alone. */
function otherAddresses({ world, goal, node, door }: Case): Fault[] {
  const { kubeProxy, network } = world;
  if (kubeProxy.nodePortAddresses.length === 0) return [];
  const machines =
    node === undefined ? [...network.machines.values()] : [network.machines.get(node)];
  // a node knows the name localhost, too, and asks 127.0.0.1 first
  const asked = goal && isLocalhost(goal.host) ? "127.0.0.1" : goal?.host;
  const addresses = machines.flatMap((machine) =>
    machine === undefined
      ? []
      : (door === "node-port" && asked ? [asked] : machine.addresses).filter(
          (address) => !servesNodePorts(kubeProxy, machine.addresses, address),
        ),
  );
  if (addresses.length === 0) return [];
  return [
    {
      rung: "node-port",
      object: "KubeProxyConfiguration",
      field: "nodePortAddresses",
      value: listed(kubeProxy.nodePortAddresses),
      expected: addresses[0]!,
      sentence: `nodePortAddresses of kube-proxy's configuration is [${listed(kubeProxy.nodePortAddresses)}], and the node's address ${addresses[0]} is not in it, so it takes no NodePort there`,
      change: { object: "KubeProxyConfiguration", field: "nodePortAddresses", value: "primary" },
      kubectl: "kubectl get configmap kube-proxy -n kube-system -o yaml",
    },
  ];
}

/** kube-proxy takes for its own what endpoints say of a node of its name, and was told another. */
export function otherName(
  { service, objects, world, disposition }: Case,
  policy: "externalTrafficPolicy" | "internalTrafficPolicy",
  rung: Rung,
): Fault[] {
  const value = world.kubeProxy.hostnameOverride;
  if (!value || service.spec[policy] !== "Local" || disposition === "delivered") return [];
  const nodes = localNodes(objects, service);
  if (nodes.size === 0 || nodes.has(value)) return [];
  return [
    {
      rung,
      object: "KubeProxyConfiguration",
      field: "hostnameOverride",
      value,
      expected: listed([...nodes]),
      sentence: `hostnameOverride of kube-proxy's configuration is ${value}, and the endpoints of ${nameOf(service)} say that they are on ${listed([...nodes])}: with spec.${policy} Local no kube-proxy takes one for its own`,
      change: { object: "KubeProxyConfiguration", field: "hostnameOverride", value: null },
      kubectl: "kubectl get configmap kube-proxy -n kube-system -o yaml",
    },
  ];
}

/** Policy Local at a node that has no endpoint of the Service, though another one has. */
export function localPolicy(
  one: Case,
  field: "externalTrafficPolicy" | "internalTrafficPolicy",
  rung: Rung,
): Fault[] {
  const { service, node, objects } = one;
  if (service.spec[field] !== "Local" || readyEndpoints(objects, service).length === 0) return [];
  const nodes = localNodes(objects, service);
  const known = [...nodes].filter((name) => objects.node(name));
  if (known.length === 0 || node === undefined || nodes.has(node)) return [];
  return [
    fault(rung, service, `spec.${field}`, {
      value: "Local",
      expected: "Cluster",
      sentence: `spec.${field} of ${nameOf(service)} is Local, and no endpoint that is ready is on ${node}; they are on ${listed(known)}`,
    }),
  ];
}

/** The node's kube-proxy has stopped, or has not caught up. */
export function staleProxy({ world, node, port }: Case, rung: Rung): Fault[] {
  const proxy = node === undefined ? undefined : world.proxy(node);
  if (!proxy || port === undefined || (proxy.running && !proxy.pending)) return [];
  const how = proxy.running ? "has changes yet to write" : "does not run, and its last rules stay";
  return [
    {
      rung,
      object: `kube-proxy on ${node}`,
      field: "",
      value: proxy.running ? "pending" : "stopped",
      expected: "running",
      sentence: `kube-proxy on ${node} ${how}: the node may lead to endpoints that are gone, and does not know of new ones`,
      change: undefined,
      kubectl: `kubectl get pods -n kube-system -l k8s-app=kube-proxy --field-selector spec.nodeName=${node}`,
    },
  ];
}
