/** Whether the Service has the port that was asked for, where it was asked: for all doors. */
import { nameOf } from "../objects.js";
import type { Fault, Rung } from "../types.js";
import { fault, listed, type Case } from "./case.js";

/** The port in the URL against the field of the Service that this door goes by. */
export function lookAtPort(one: Case, rung: Rung): Fault[] {
  const { service, goal, port, door } = one;
  if (!goal || port !== undefined || door === "pod") return [];
  const ports = service.spec.ports ?? [];
  if (ports.length === 0) return [];
  if (door === "node-port") return [atNode(one, rung)];
  const isHeadless = service.spec.clusterIP === "None";
  const otherProtocol = ports.findIndex((each) => each.port === goal.port);
  if (otherProtocol >= 0 && !isHeadless) return [protocol(one, rung, otherProtocol)];
  const place = isHeadless ? Math.max(0, otherProtocol) : 0;
  const { port: value, targetPort = value } = ports[place]!;
  const why = isHeadless
    ? `${nameOf(service)} is headless: its name leads to the Pods themselves, and nobody maps port ${value} to targetPort ${targetPort}`
    : `${nameOf(service)} has the port ${listed(ports.map((each) => each.port))}, and port ${goal.port} was asked for`;
  const expected = isHeadless ? targetPort : goal.port;
  return [
    fault(rung, service, `spec.ports[${place}].port`, {
      value,
      expected,
      sentence: `spec.ports[${place}].port is ${value}: ${why}`,
    }),
  ];
}

function protocol({ service, goal }: Case, rung: Rung, place: number): Fault {
  const { protocol: value = "TCP", port } = service.spec.ports![place]!;
  return fault(rung, service, `spec.ports[${place}].protocol`, {
    value,
    expected: goal!.protocol,
    sentence: `spec.ports[${place}].protocol of ${nameOf(service)} is ${value}, and ${goal!.protocol} ${port} was asked for`,
  });
}

function atNode({ service, goal }: Case, rung: Rung): Fault {
  const { type = "ClusterIP", ports = [] } = service.spec;
  const place = Math.max(
    0,
    ports.findIndex(({ port }) => port === goal!.port),
  );
  const { nodePort } = ports[place]!;
  if (nodePort)
    return fault(rung, service, `spec.ports[${place}].nodePort`, {
      value: nodePort,
      expected: goal!.port,
      sentence: `spec.ports[${place}].nodePort of ${nameOf(service)} is ${nodePort}, and a node was asked for port ${goal!.port}`,
    });
  const expected = type === "LoadBalancer" ? goal!.port : "NodePort";
  const field = type === "LoadBalancer" ? `spec.ports[${place}].nodePort` : "spec.type";
  return fault(rung, service, field, {
    value: type === "LoadBalancer" ? null : type,
    expected,
    sentence: `${nameOf(service)} has no NodePort (spec.type is ${type}), so no node takes port ${goal!.port} for it`,
  });
}
