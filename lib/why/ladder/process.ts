/** The last rung: whether a process in the Pods listens where the Service sends. */
import { Sandbox } from "../../node/machine.js";
import { namespacedName } from "../../objects/names.js";
import type { Pod, ServicePort } from "../../objects/types.js";
import { labelsText } from "../near.js";
import { kubectlGet, nameOf } from "../objects.js";
import type { Fault } from "../types.js";
import { fault, listed, portOf, protocolOf, type Case, type Look } from "./case.js";
import { meantBy } from "./meant.js";
import { whyNotReady } from "./pods.js";

export const lookAtProcess: Look = (one) => {
  const port = portOf(one) ?? one.service.spec.ports?.[0];
  const meant = meantBy(one.objects, one.service);
  const pods =
    one.pod === undefined
      ? meant.pods
      : meant.pods.filter((pod) => namespacedName(pod) === one.pod);
  if (!port || pods.length === 0) return [];
  const deaf = pods.filter((pod) => !hears(one, pod, port));
  if (deaf.length === 0) return [];
  const crashed = deaf.find((pod) => hearsBySpec(pod, port));
  if (crashed) return hasCrashed(one, crashed);
  return deaf.length === meant.pods.length || one.pod !== undefined
    ? [wrongPort(one, deaf[0]!, port)]
    : [wrongPods(one, deaf[0]!, port, deaf.length, pods.length)];
};

/** The Pod's number for the Service's targetPort; undefined where it has none of that name. */
function numberIn(
  pod: Pod,
  { targetPort, port, protocol = "TCP" }: ServicePort,
): number | undefined {
  if (typeof targetPort !== "string") return targetPort ?? port;
  return pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .find((each) => each.name === targetPort && (each.protocol ?? "TCP") === protocol)
    ?.containerPort;
}

/** A port by name that the Pod does not have is a matter of the endpoints. */
function hearsBySpec(pod: Pod, port: ServicePort): boolean {
  const number = numberIn(pod, port);
  return number === undefined || new Sandbox(pod, []).listens(protocolOf(port), number);
}

function hears({ world }: Case, pod: Pod, port: ServicePort): boolean {
  const number = numberIn(pod, port);
  if (number === undefined) return true;
  const running = world.network.sandbox(namespacedName(pod))?.sandbox;
  return (running ?? new Sandbox(pod, [])).listens(protocolOf(port), number);
}

/** By its spec it would listen, and its process is not there. */
function hasCrashed({ objects, service }: Case, pod: Pod): Fault[] {
  if (service.spec.publishNotReadyAddresses) return []; // the rung above has said so
  const one = whyNotReady(objects, pod);
  return /^status\.conditions|^metadata/.test(one.field)
    ? [
        fault(
          "process",
          pod,
          "status.containerStatuses",
          {
            value: null,
            expected: "running",
            sentence: `a process of ${nameOf(pod)} has ended, so nothing listens there`,
          },
          {
            change: undefined,
            kubectl: `kubectl logs ${pod.metadata.name} -n ${pod.metadata.namespace ?? "default"} --previous`,
          },
        ),
      ]
    : [{ ...one, rung: "process" }];
}

function wrongPort(one: Case, pod: Pod, port: ServicePort): Fault {
  const place = one.service.spec.ports!.indexOf(port);
  const [number, protocol] = [numberIn(pod, port)!, protocolOf(port)];
  const service = nameOf(one.service);
  const sandbox = new Sandbox(pod, []);
  const other = (["TCP", "UDP", "SCTP"] as const).find(
    (each) => each !== protocol && sandbox.listens(each, number),
  );
  if (other)
    return fault("process", one.service, `spec.ports[${place}].protocol`, {
      value: protocol,
      expected: other,
      sentence: `spec.ports[${place}].protocol of ${service} is ${protocol}, and the process in ${nameOf(pod)} listens on ${other} ${number}`,
    });
  const certain = sandbox.explainListening(protocol, number);
  if (certain.isCertain) return ofProcess(pod, certain);
  const heard = portsOf(pod, protocol);
  const by = port.targetPort === undefined ? `, the same as port, for lack of a targetPort` : "";
  return fault(
    "process",
    one.service,
    `spec.ports[${place}].targetPort`,
    {
      value: port.targetPort ?? port.port,
      expected: heard[0] ?? "a port that the process listens on",
      sentence: `spec.ports[${place}].targetPort of ${service} is ${port.targetPort ?? port.port}${by}, and no process in ${nameOf(pod)} listens on ${protocol} ${number}${heard.length > 0 ? `; it listens on ${listed(heard)}` : ""}`,
    },
    { kubectl: kubectlGet(pod, "-o jsonpath='{.spec.containers[*].ports}'") },
  );
}

/** The Pod's own words leave no doubt: it listens at the loopback address alone, or on nothing. */
function ofProcess(pod: Pod, { field, words }: { field: string; words: string }): Fault {
  const value = /"([^"]+)"/.exec(words)?.[1] ?? words;
  const isLoopback = words.includes("loopback");
  return fault(
    "process",
    pod,
    field,
    {
      value,
      expected: isLoopback ? "0.0.0.0" : "a process that listens",
      sentence: `${nameOf(pod)} ${words} (${field})`,
    },
    {
      kubectl: `kubectl exec ${pod.metadata.name} -n ${pod.metadata.namespace ?? "default"} -- ss -ltn`,
    },
  );
}

/** The ports that a Pod's processes listen on, as far as its spec tells. */
function portsOf(pod: Pod, protocol: "TCP" | "UDP" | "SCTP"): number[] {
  const sandbox = new Sandbox(pod, []);
  const declared = pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.map((each) => each.containerPort),
  );
  return [...new Set([...declared, ...usual])].filter((port) => sandbox.listens(protocol, port));
}

/** Ports that well-known images listen on without a word in the manifest. */
const usual = [80, 443, 8080, 6379, 5432, 3306, 27017];

/** The selector also matches Pods that have nothing to do with it. */
function wrongPods(one: Case, pod: Pod, port: ServicePort, deaf: number, all: number): Fault {
  const selector = labelsText(one.service.spec.selector ?? {});
  const number = numberIn(pod, port);
  return fault(
    "process",
    one.service,
    "spec.selector",
    {
      value: selector,
      expected: `labels that ${pod.metadata.name} does not have`,
      sentence: `selector ${selector} of ${nameOf(one.service)} matches ${all} Pods, and ${deaf} of them do not listen on ${protocolOf(port)} ${number} (${nameOf(pod)}): is it too wide?`,
    },
    {
      change: undefined,
      kubectl: `kubectl get pods -n ${pod.metadata.namespace ?? "default"} -l ${selector}`,
    },
  );
}
