/** The sixth rung: why the Pods that a Service means are not ready. */
import { namespacedName } from "../../objects/names.js";
import { condition, isReady } from "../../objects/pods.js";
import type { Container, ContainerStatus, Pod, Probe } from "../../objects/types.js";
import { Sandbox } from "../../node/machine.js";
import { nameOf, type Objects } from "../objects.js";
import type { Fault } from "../types.js";
import type { Look } from "./case.js";
import { readyEndpoints } from "./endpoints.js";
import { meantBy } from "./meant.js";
import { notReady as lostNode } from "./node-port.js";
import { ofSpec, ofStatus } from "./pod-fault.js";
import { unscheduled } from "./unscheduled.js";

export const lookAtPods: Look = ({ objects, service, pod: asked, share }) => {
  const meant = meantBy(objects, service);
  if (meant.by === "template" || meant.by === "nothing") return [];
  const isPublished = service.spec.publishNotReadyAddresses === true;
  if (!isPublished && readyEndpoints(objects, service).length > 0) return [];
  if (isPublished && share === 1) return [];
  const pods =
    asked === undefined ? meant.pods : meant.pods.filter((pod) => namespacedName(pod) === asked);
  const unready = pods.filter((pod) => !isReady(pod) || pod.metadata.deletionTimestamp);
  if (unready.length === 0 || (!isPublished && unready.length < pods.length)) return [];
  const found = unready.map((pod) => whyNotReady(objects, pod));
  const [first] = found;
  const alike = found.filter((each) => each.field === first!.field).length;
  return [counted(first!, alike, pods.length)];
};

const counted = (one: Fault, alike: number, all: number): Fault =>
  all < 2 ? one : { ...one, sentence: `${one.sentence} (so it is with ${alike} of ${all} Pods)` };

/** The first thing that keeps a Pod from being ready, in the order in which it comes to life. */
export function whyNotReady(objects: Objects, pod: Pod): Fault {
  return (
    leaving(pod) ??
    ended(pod) ??
    onLostNode(objects, pod) ??
    unscheduled(objects, pod) ??
    initialising(pod) ??
    containers(objects, pod) ??
    gates(pod) ??
    probes(pod) ??
    unexplained(pod)
  );
}

// ---- before it runs ----

function leaving(pod: Pod): Fault | undefined {
  const { deletionTimestamp } = pod.metadata;
  if (!deletionTimestamp) return undefined;
  return ofStatus(pod, "metadata.deletionTimestamp", {
    value: deletionTimestamp,
    expected: null,
    sentence: `${nameOf(pod)} is being deleted, since ${deletionTimestamp}, and takes no new connections`,
  });
}

function ended(pod: Pod): Fault | undefined {
  const { phase, reason, message } = pod.status ?? {};
  if (phase !== "Succeeded" && phase !== "Failed") return undefined;
  const why = [reason, message].filter(Boolean).join(": ");
  return ofStatus(pod, "status.phase", {
    value: phase,
    expected: "Running",
    sentence: `${nameOf(pod)} has ended, status.phase is ${phase}${why && ` (${why})`}; a Pod that has ended is no endpoint`,
  });
}

function onLostNode(objects: Objects, pod: Pod): Fault | undefined {
  const { nodeName = "" } = pod.spec;
  const node = objects.node(nodeName);
  if (!node && nodeName && objects.nodes.length > 0) return onNoNode(objects, pod);
  const ready = node && condition(node, "Ready");
  if (!node || !ready || ready.status === "True") return undefined;
  const one = lostNode(objects, node.metadata.name, "pod");
  return { ...one, sentence: `${one.sentence}; ${nameOf(pod)} is on it` };
}

/** Whoever wrote nodeName passed the scheduler by, and no kubelet of that name is there. */
function onNoNode(objects: Objects, pod: Pod): Fault {
  const nodes = objects.nodes
    .slice(0, 5)
    .map(({ metadata }) => metadata.name)
    .join(", ");
  const value = pod.spec.nodeName!;
  return ofSpec(pod, "spec.nodeName", {
    value,
    expected: nodes,
    sentence: `spec.nodeName of ${nameOf(pod)} is ${value}, and no Node is called so: no kubelet runs it (the nodes are ${nodes})`,
  });
}

// ---- while it starts ----

function initialising(pod: Pod): Fault | undefined {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const place = statuses.findIndex(({ state, ready }) => !ready && !hasEndedWell(state));
  if (place < 0 || condition(pod, "Initialized")?.status === "True") return undefined;
  const { name, state = {}, lastState } = statuses[place]!;
  const bad = state.terminated ?? lastState?.terminated;
  const how =
    state.waiting?.reason ??
    (state.running ? "it is running, and should end" : `ended with ${bad?.exitCode}`);
  return ofStatus(pod, `status.initContainerStatuses[${place}].state`, {
    value: state.waiting?.reason ?? (state.running ? "running" : "terminated"),
    expected: "terminated with exit code 0",
    sentence: `the init container ${name} of ${nameOf(pod)} has not ended well: ${how}; the others wait for it`,
  });
}

const hasEndedWell = (state: ContainerStatus["state"]): boolean =>
  state?.terminated?.exitCode === 0;

function containers(objects: Objects, pod: Pod): Fault | undefined {
  for (const [i, status] of (pod.status?.containerStatuses ?? []).entries()) {
    const { waiting, terminated } = status.state ?? {};
    const place = Math.max(
      0,
      pod.spec.containers.findIndex(({ name }) => name === status.name),
    );
    if (waiting) return waits(objects, pod, i, place, status);
    if (terminated) return crashed(pod, `status.containerStatuses[${i}].state`, place, status);
  }
  return undefined;
}

function waits(
  objects: Objects,
  pod: Pod,
  i: number,
  place: number,
  status: ContainerStatus,
): Fault | undefined {
  const { reason = "", message } = status.state!.waiting!;
  const { image, name } = pod.spec.containers[place]!;
  const more = message ? `: ${message}` : "";
  if (/Image|ErrImage/.test(reason))
    return ofSpec(pod, `spec.containers[${place}].image`, {
      value: image ?? status.image ?? "",
      expected: "an image that can be pulled",
      sentence: `the image ${image} of container ${name} of ${nameOf(pod)} cannot be had, ${reason}${more}`,
    });
  if (reason === "CrashLoopBackOff")
    return crashed(pod, `status.containerStatuses[${i}].lastState`, place, status);
  if (reason === "ContainerCreating" || reason === "PodInitializing" || reason === "")
    return (
      heldUp(objects, pod) ??
      ofStatus(pod, `status.containerStatuses[${i}].state.waiting.reason`, {
        value: reason || null,
        expected: "running",
        sentence: `container ${name} of ${nameOf(pod)} does not run yet, ${reason}${more}: what do the Pod's events say?`,
      })
    );
  return ofStatus(pod, `status.containerStatuses[${i}].state.waiting.reason`, {
    value: reason,
    expected: "running",
    sentence: `container ${name} of ${nameOf(pod)} cannot start, ${reason}${more}`,
  });
}

/** Why nothing of the Pod can be started, as its events say, and the field that this is about. */
function heldUp(objects: Objects, pod: Pod): Fault | undefined {
  const told = (reason: string) => objects.warning(pod, [reason]);
  const refused = told("PodOSNotSupported");
  const { name } = (pod.spec.os ?? {}) as { name?: string };
  if (refused !== undefined)
    return ofSpec(pod, "spec.os.name", {
      value: name ?? null,
      expected: "the operating system of the node",
      sentence: `${nameOf(pod)} is for ${name}, and its node ${pod.spec.nodeName} runs another system: ${refused}`,
    });
  const message = told("FailedMount") ?? told("FailedAttachVolume");
  if (message !== undefined) {
    const volume = /volume "([^"]+)"/.exec(message)?.[1];
    const volumes = (pod.spec.volumes ?? []) as { name: string }[];
    const place = volumes.findIndex(({ name }) => name === volume);
    return ofSpec(pod, place < 0 ? "spec.volumes" : `spec.volumes[${place}]`, {
      value: volume ?? null,
      expected: "a volume that can be mounted",
      sentence: `a volume of ${nameOf(pod)} cannot be mounted: ${message}`,
    });
  }
  const sandbox = told("FailedCreatePodSandBox");
  if (sandbox === undefined) return undefined;
  const isTooLong = pod.spec.setHostnameAsFQDN && /is too long/.test(sandbox);
  const field = isTooLong ? "spec.setHostnameAsFQDN" : "status.containerStatuses";
  return (isTooLong ? ofSpec : ofStatus)(pod, field, {
    value: isTooLong ? true : "no sandbox",
    expected: isTooLong ? false : "running",
    sentence: `${nameOf(pod)} has no sandbox yet: ${sandbox}`,
  });
}

/** The process ended: for want of memory, at the liveness probe's word, or by itself. */
function crashed(pod: Pod, field: string, place: number, status: ContainerStatus): Fault {
  const end = status.lastState?.terminated ?? status.state?.terminated;
  const container = pod.spec.containers[place]!;
  const often = `it was restarted ${status.restartCount} times`;
  if (end?.reason === "OOMKilled") {
    const memory = container.resources?.limits?.["memory"];
    const limit = `spec.containers[${place}].resources.limits.memory`;
    return ofSpec(pod, limit, {
      value: memory === undefined ? null : String(memory),
      expected: "more",
      sentence: `container ${container.name} of ${nameOf(pod)} was killed for its memory (OOMKilled), ${limit} is ${memory === undefined ? "not set" : String(memory)}; ${often}`,
    });
  }
  const live = probeFault(pod, place, "startupProbe") ?? probeFault(pod, place, "livenessProbe");
  if (live) return { ...live, sentence: `${live.sentence}; so the kubelet restarts it, ${often}` };
  const code = end?.exitCode ?? null;
  return ofStatus(pod, `${field}.terminated.exitCode`, {
    value: code,
    expected: "a process that runs",
    sentence: `container ${container.name} of ${nameOf(pod)} ends again and again${code === null ? "" : `, the last time with exit code ${code}`}; ${often}`,
  });
}

// ---- while it runs ----

function gates(pod: Pod): Fault | undefined {
  const all = pod.spec.readinessGates ?? [];
  const place = all.findIndex(
    ({ conditionType }) => condition(pod, conditionType)?.status !== "True",
  );
  if (place < 0) return undefined;
  const { conditionType } = all[place]!;
  return ofSpec(pod, `spec.readinessGates[${place}].conditionType`, {
    value: conditionType,
    expected: "a condition that somebody sets to True",
    sentence: `${nameOf(pod)} waits for its readiness gate: its condition ${conditionType} is ${condition(pod, conditionType)?.status ?? "not there"}`,
  });
}

function probes(pod: Pod): Fault | undefined {
  for (const [i, { name, startupProbe, readinessProbe }] of pod.spec.containers.entries()) {
    const status = pod.status?.containerStatuses?.find((each) => each.name === name);
    if (status?.ready) continue;
    const which = startupProbe && status?.started !== true ? "startupProbe" : "readinessProbe";
    if (which === "startupProbe" || readinessProbe)
      return probeFault(pod, i, which) ?? asksElsewhere(pod, i, which) ?? saysNo(pod, i, which);
  }
  return undefined;
}

type ProbeName = "readinessProbe" | "livenessProbe" | "startupProbe";

/** A probe that asks a port on which nobody listens, or a name that the container does not have. */
export function probeFault(pod: Pod, place: number, which: ProbeName): Fault | undefined {
  const container = pod.spec.containers[place]!;
  const probe = container[which];
  const how = probe?.httpGet ? "httpGet" : probe?.tcpSocket ? "tcpSocket" : undefined;
  if (!probe || !how) return undefined;
  const value = probe[how]!.port;
  const number = typeof value === "number" ? value : numberOf(container, value);
  const field = `spec.containers[${place}].${which}.${how}.port`;
  const ports = (container.ports ?? []).filter(({ protocol = "TCP" }) => protocol === "TCP");
  const expected = ports[0]?.containerPort ?? "the port that the process listens on";
  if (number === undefined)
    return ofSpec(pod, field, {
      value,
      expected: ports[0]?.name ?? expected,
      sentence: `${field} of ${nameOf(pod)} is ${value}, and its container ${container.name} has no port of that name (${portsText(ports)})`,
    });
  if (new Sandbox(withoutProbes(pod), []).listens("TCP", number)) return undefined;
  return ofSpec(pod, field, {
    value,
    expected,
    sentence: `${field} of ${nameOf(pod)} is ${value}, and its processes do not listen there (${portsText(ports)})`,
  });
}

/** Where its processes listen for all that is known beside the probes, which are in doubt here. */
const withoutProbes = (pod: Pod): Pod => ({
  ...pod,
  spec: {
    ...pod.spec,
    containers: pod.spec.containers.map(
      ({ readinessProbe: _, livenessProbe: __, startupProbe: ___, ...container }) => container,
    ),
  },
});

const numberOf = ({ ports = [] }: Container, name: string): number | undefined =>
  ports.find((each) => each.name === name)?.containerPort;

const portsText = (ports: NonNullable<Container["ports"]>): string =>
  ports.length === 0
    ? "it declares no port"
    : `it has ${ports.map(({ name, containerPort }) => (name ? `${name} ${containerPort}` : containerPort)).join(", ")}`;

/** The kubelet asks from the node's network, where the loopback address is the node's own. */
function asksElsewhere(pod: Pod, place: number, which: ProbeName): Fault | undefined {
  const probe = pod.spec.containers[place]![which]!;
  const how = probe.httpGet?.host ? "httpGet" : "tcpSocket";
  const host = probe[how]?.host;
  if (!host) return undefined;
  const isLoopback = /^(127\.|localhost$|::1$)/.test(host);
  if (isLoopback && pod.spec.hostNetwork) return undefined;
  const field = `spec.containers[${place}].${which}.${how}.host`;
  const whose = isLoopback
    ? "the node's own address, and not the Pod's"
    : "asked instead of the Pod";
  return ofSpec(pod, field, {
    value: host,
    expected: null,
    sentence: `${field} of ${nameOf(pod)} is ${host}: that is ${whose}, and nobody answers there; without it the kubelet asks the Pod`,
  });
}

/** The probe reaches the process, which answers badly. */
function saysNo(pod: Pod, place: number, which: ProbeName): Fault {
  const probe: Probe = pod.spec.containers[place]![which]!;
  const path = probe.httpGet?.path;
  const what = path === undefined ? "" : ` at ${path}`;
  return ofSpec(pod, `spec.containers[${place}].${which}`, {
    value: path ?? null,
    expected: "a probe that succeeds",
    sentence: `the ${which} of container ${pod.spec.containers[place]!.name} of ${nameOf(pod)} fails${what}, though its port is one that the container has: the process itself says that it is not ready`,
  });
}

function unexplained(pod: Pod): Fault {
  if (!pod.status?.phase && !pod.status?.conditions) {
    const sentence = `${nameOf(pod)} has no status here, so nobody knows its address: was it taken out of the dump?`;
    return ofStatus(pod, "status", { value: null, expected: "a status", sentence });
  }
  const ready = condition(pod, "Ready");
  const why = [ready?.reason, ready?.message].filter(Boolean).join(": ");
  return ofStatus(pod, 'status.conditions["Ready"]', {
    value: ready?.status ?? null,
    expected: "True",
    sentence: `${nameOf(pod)} is not ready${why && ` (${why})`}`,
  });
}
