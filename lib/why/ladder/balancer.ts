/** The second rung: whether there is a load balancer, and whether it lets the client in. */
import { internetHost } from "../../journey/origin.js";
import { parseAddress, readAddress, readCIDR } from "../../net/ip.js";
import { internalBy } from "../../objects/annotations.js";
import type { Node, Service } from "../../objects/types.js";
import { ingressOf } from "../aim.js";
import { nameOf } from "../objects.js";
import type { Fault } from "../types.js";
import { addressOf, fault, labelField, listed, type Case, type Look } from "./case.js";
import { lookAtPort } from "./port.js";

const exclude = "node.kubernetes.io/exclude-from-external-load-balancers";

export const lookAtBalancer: Look = (one) => {
  if (ingressOf(one.service).length === 0 && one.service.spec.type === "LoadBalancer")
    return [pending(one)];
  return [
    ...lookAtPort(one, "load-balancer"),
    ...internal(one),
    ...sourceRanges(one),
    ...allExcluded(one),
  ];
};

/** It is asked for inside the cloud's network, and the client is not there. */
function internal({ service, disposition, from }: Case): Fault[] {
  const key = internalBy(service);
  if (key === undefined || disposition !== "no route") return [];
  const value = service.metadata.annotations![key]!;
  return [
    fault("load-balancer", service, `metadata.annotations["${key}"]`, {
      value,
      expected: null,
      sentence: `${key} of ${nameOf(service)} is ${value}: its load balancer is in the cloud's own network, where ${from} does not get to`,
    }),
  ];
}

// ---- there is none ----

/** Why a Service waits for its load balancer. */
export function pending(one: Case): Fault {
  const { service, world } = one;
  const { loadBalancerClass } = service.spec;
  if (loadBalancerClass !== undefined && loadBalancerClass !== world.cloud?.loadBalancerClass)
    return fault("load-balancer", service, "spec.loadBalancerClass", {
      value: loadBalancerClass,
      expected: null,
      sentence: `spec.loadBalancerClass is ${loadBalancerClass}: the cloud's own controller leaves the Service to whoever serves that class, and nobody here does; its address stays <pending>`,
    });
  const refused = refusedBy(one);
  if (refused) return refused;
  const event = one.objects.warning(service, [
    "SyncLoadBalancerFailed",
    "CreatingLoadBalancerFailed",
  ]);
  const why =
    event ??
    (world.makesBalancers === false
      ? "no controller of this cluster makes load balancers: it has no cloud-controller-manager, nor MetalLB or the like"
      : "no controller has given it one yet: is there a cloud-controller-manager, or MetalLB, and what do the Service's events say?");
  return fault(
    "load-balancer",
    service,
    "status.loadBalancer.ingress",
    {
      value: null,
      expected: "an address",
      sentence: `${nameOf(service)} has no load balancer's address, <pending>: ${why}`,
    },
    { change: undefined, kubectl: describe(service) },
  );
}

const describe = ({ metadata }: Service): string =>
  `kubectl describe service ${metadata.name} -n ${metadata.namespace ?? "default"}`;

/** What clouds are known to refuse, by the nodes' providerID. */
function refusedBy({ service, objects, world }: Case): Fault | undefined {
  const cloud = world.cloud?.name ?? objects.nodes[0]?.spec.providerID?.split(":")[0];
  if (cloud === "aws") return refusedByAws(service);
  return cloud === "gce" ? refusedByGcp(service) : undefined;
}

function refusedByAws(service: Service): Fault | undefined {
  const { spec } = service;
  const place = (spec.ports ?? []).findIndex(({ protocol = "TCP" }) => protocol !== "TCP");
  const because = `; the address of ${nameOf(service)} stays <pending>`;
  const refuse = (
    field: string,
    value: string | boolean,
    expected: string | boolean | null,
    why: string,
  ) =>
    fault(
      "load-balancer",
      service,
      field,
      { value, expected, sentence: `${field} is ${value}, and ${why}${because}` },
      { change: { object: nameOf(service), field, value: expected }, kubectl: describe(service) },
    );
  if (place >= 0)
    return refuse(
      `spec.ports[${place}].protocol`,
      spec.ports![place]!.protocol!,
      "TCP",
      "this cloud's classic load balancer takes TCP alone",
    );
  if (spec.allocateLoadBalancerNodePorts === false && spec.ports?.some(({ nodePort }) => !nodePort))
    return refuse(
      "spec.allocateLoadBalancerNodePorts",
      false,
      true,
      "this cloud's load balancer reaches the nodes by NodePort, which the Service does not have",
    );
  if (spec.loadBalancerIP)
    return refuse(
      "spec.loadBalancerIP",
      spec.loadBalancerIP,
      null,
      "this cloud gives no address of one's choice",
    );
  if (spec.sessionAffinity === "ClientIP")
    return refuse(
      "spec.sessionAffinity",
      "ClientIP",
      "None",
      "this cloud's load balancer cannot keep clients together",
    );
  return undefined;
}

function refusedByGcp(service: Service): Fault | undefined {
  const protocols = (service.spec.ports ?? []).map(({ protocol = "TCP" }) => protocol);
  const other = protocols.findIndex((each) => each !== protocols[0]);
  const place = other >= 0 ? other : protocols.indexOf("SCTP");
  if (place < 0) return undefined;
  const field = `spec.ports[${place}].protocol`;
  return fault(
    "load-balancer",
    service,
    field,
    {
      value: protocols[place]!,
      expected: protocols[0]!,
      sentence: `${field} is ${protocols[place]}, and this cloud's load balancer takes one protocol, TCP or UDP; the address of ${nameOf(service)} stays <pending>`,
    },
    { kubectl: describe(service) },
  );
}

// ---- who may come in ----

/** The client's address against spec.loadBalancerSourceRanges. */
function sourceRanges({ service, origin, from, journey }: Case): Fault[] {
  const ranges = service.spec.loadBalancerSourceRanges ?? [];
  if (ranges.length === 0) return [];
  const client = clientOf(origin?.addresses, from, journey?.request.source);
  const isIn = ranges.some(
    (text) => readCIDR(text.trim())?.contains(parseAddress(client)) ?? false,
  );
  if (isIn) return [];
  const family = client.includes(":") ? 128 : 32;
  return [
    fault(
      "load-balancer",
      service,
      "spec.loadBalancerSourceRanges",
      {
        value: listed(ranges),
        expected: client,
        sentence: `spec.loadBalancerSourceRanges of ${nameOf(service)} is [${listed(ranges)}], and the client ${client} is not in it`,
      },
      {
        change: {
          object: nameOf(service),
          field: "spec.loadBalancerSourceRanges",
          value: `${listed(ranges)}, ${client}/${family}`,
        },
      },
    ),
  ];
}

/** The address that the client has; of several the one that it used. */
function clientOf(
  own: readonly string[] | undefined,
  from: string,
  used: string | undefined,
): string {
  const socket = addressOf(used);
  if (socket && readAddress(socket)) return socket;
  return own?.[0] ?? readAddress(from)?.text ?? internetHost.IPv4;
}

// ---- the nodes behind it ----

function allExcluded({ objects, disposition }: Case): Fault[] {
  const { nodes } = objects;
  const isOut = ({ metadata }: Node): boolean => metadata.labels?.[exclude] !== undefined;
  if (disposition !== "no healthy target" || nodes.length === 0 || !nodes.every(isOut)) return [];
  return [
    fault("load-balancer", nodes[0]!, labelField(exclude), {
      value: nodes[0]!.metadata.labels![exclude]!,
      expected: null,
      sentence: `all ${nodes.length} nodes bear the label ${exclude}, ${nameOf(nodes[0]!)} for one, so the load balancer has no targets`,
    }),
  ];
}
