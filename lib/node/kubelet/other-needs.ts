/**
 * What a Pod needs beside ConfigMaps and Secrets: an image's name, its node's operating system, a
 * user that it may be; and what it names that is not looked for here (a service account, a runtime,
 * a driver), which is taken to be there, and told with each verdict.
 */
import type { Client } from "../../api/client.js";
import { isApiError } from "../../api/errors.js";
import { quantity } from "../../objects/quantity.js";
import type { Container, Kind, Pod, PodSpec } from "../../objects/types.js";
import { grantedTo, type Granted } from "../granted.js";
import { endOf } from "./command.js";
import type { Lack } from "./needs.js";

/**
 * A Pod for another operating system than its node's. In life it fails, and a workload makes
 * another one at once, for ever; here it waits, with the same words. (pkg/kubelet/lifecycle:
 * predicate.go)
 */
export function otherSystem({ spec }: Pod, client: Client): Lack | undefined {
  const { name } = (spec.os ?? {}) as { name?: string };
  if (name === undefined || name === systemOf(client, spec.nodeName)) return undefined;
  return {
    reason: "PodOSNotSupported",
    message: "Failed to admit pod as the OS field doesn't match node OS",
  };
}

const systemOf = (client: Client, node = ""): string =>
  client.get("Node", node).metadata.labels?.["kubernetes.io/os"] ?? "linux";

/** A host name has at most so many characters. (Linux: HOST_NAME_MAX) */
const NAME_MAX = 64;

/** (pkg/kubelet/util, GetNodenameForKernel; pkg/kubelet/kubelet_pods.go, truncatePodHostname) */
export function longName({ spec, metadata }: Pod): Lack | undefined {
  const { hostname = metadata.name, subdomain, setHostnameAsFQDN } = spec;
  if (!setHostnameAsFQDN || !subdomain) return undefined;
  const name = `${hostname}.${subdomain}.${metadata.namespace}.svc.cluster.local`;
  if (name.length <= NAME_MAX) return undefined;
  return {
    reason: "FailedCreatePodSandBox",
    message: `Failed to create pod sandbox: failed to construct FQDN from Pod hostname and cluster domain, FQDN ${name} is too long (${NAME_MAX} characters is the max, ${name.length} characters requested)`,
  };
}

// (distribution/reference: a repository is lower-case, a tag has at most 128 characters)
const image =
  /^(?:(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9+.-]*:[0-9a-fA-F]{32,})?$/;

/** Why no image can have this name, as the kubelet says it; undefined: one can. */
export function badImage({ image: name = "" }: Container): string | undefined {
  if (image.test(name)) return undefined;
  const lower = image.test(name.toLowerCase())
    ? `repository name (${/\/|:\d+\//.test(name) ? name : `library/${name}`}) must be lowercase`
    : "invalid reference format";
  return `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format${lower.startsWith("repository") ? `: ${lower}` : ""}`;
}

interface Security {
  runAsNonRoot?: boolean;
  runAsUser?: number;
  readOnlyRootFilesystem?: boolean;
  capabilities?: { drop?: string[] };
  seccompProfile?: Profile;
  appArmorProfile?: Profile;
  sysctls?: { name: string }[];
}

interface Profile {
  type?: string;
  localhostProfile?: string;
}

const securityOf = ({ securityContext }: { securityContext?: unknown }): Security =>
  securityContext ?? {};

/** (pkg/kubelet/kuberuntime/security_context.go, verifyRunAsNonRoot) */
export function isAgainstRoot(container: Container, { spec, metadata }: Pod): string | undefined {
  const { runAsNonRoot, runAsUser } = { ...securityOf(spec), ...securityOf(container) };
  return runAsNonRoot && runAsUser === 0
    ? `container's runAsUser breaks non-root policy (pod: "${metadata.name}_${metadata.namespace}(${metadata.uid})", container: ${container.name})`
    : undefined;
}

/**
 * What the Pod is taken to have, and nobody here looked for. `isComplete`: accounts and Secrets
 * that are not there were refused already, or are known to be missing.
 */
export function taken(pod: Pod, client: Client, isComplete: boolean): Granted[] {
  const { spec } = pod;
  const { initContainers = [], containers } = spec;
  return [
    ...(isComplete ? [] : absentAccount(pod, client)),
    ...absentSecrets(pod, client, isComplete),
    ...ofWholePod(spec),
    ...ofVolumes(spec),
    ...security(securityOf(spec), "spec.securityContext"),
    ...initContainers.flatMap(initContainer),
    ...containers.flatMap((one, i) => ofContainer(one, `spec.containers[${i}]`)),
    ...grantedTo({ ...pod, status: {} }),
  ];
}

const isThere = (client: Client, kind: string, name: string, namespace?: string): boolean => {
  try {
    client.get(kind as Kind, name, namespace);
    return true;
  } catch (error) {
    if (!isApiError(error)) throw error;
    return false;
  }
};

function absentAccount({ spec, metadata }: Pod, client: Client): Granted[] {
  const name = spec.serviceAccountName ?? spec.serviceAccount ?? "default";
  if (name === "default" || isThere(client, "ServiceAccount", name, metadata.namespace)) return [];
  const sentence = `ServiceAccount ${name} is taken to be there; without it no such Pod is made`;
  return [{ field: "spec.serviceAccountName", sentence }];
}

/** The kubelet goes on without them: then the registry decides. */
const absentSecrets = ({ spec, metadata }: Pod, client: Client, isComplete: boolean): Granted[] =>
  (spec.imagePullSecrets ?? []).flatMap(({ name = "" }, i) => {
    if (isThere(client, "Secret", name, metadata.namespace)) return [];
    const sentence = isComplete
      ? `Secret ${name} is not there; the images are taken to be had without it`
      : `Secret ${name} is taken to be there, and to open the registry`;
    return [{ field: `spec.imagePullSecrets[${i}]`, sentence }];
  });

function ofWholePod(spec: PodSpec): Granted[] {
  const { runtimeClassName, hostUsers, activeDeadlineSeconds: deadline } = spec;
  const claims = (spec.resourceClaims ?? []) as { name: string }[];
  return [
    ...said(
      runtimeClassName,
      "spec.runtimeClassName",
      `RuntimeClass ${runtimeClassName} is taken to be there, and its handler on the nodes`,
    ),
    ...claims.map(({ name }, i) => ({
      field: `spec.resourceClaims[${i}]`,
      sentence: `the claim ${name} is taken to be allocated; devices are not modelled`,
    })),
    ...said(
      hostUsers === false,
      "spec.hostUsers",
      "is false: the nodes are taken to have user namespaces",
    ),
    ...said(
      deadline,
      "spec.activeDeadlineSeconds",
      `is ${deadline}: that time is taken not to be over; then the Pod is ended`,
    ),
  ];
}

const said = (isSaid: unknown, field: string, sentence: string): Granted[] =>
  isSaid ? [{ field, sentence }] : [];

/** Those that every node has by itself, or that are looked for elsewhere. */
const ownVolumes = new Set([
  "name",
  "configMap",
  "secret",
  "emptyDir",
  "downwardAPI",
  "projected",
  "persistentVolumeClaim", // granted.ts
]);

const ofVolumes = ({ volumes = [] }: PodSpec): Granted[] =>
  (volumes as Record<string, object>[]).flatMap((volume, i) =>
    Object.keys(volume)
      .filter((source) => !ownVolumes.has(source))
      .flatMap((source) => ofVolume(source, volume[source]!, `spec.volumes[${i}].${source}`)),
  );

function ofVolume(source: string, value: object, field: string): Granted[] {
  const { type = "", path, driver, reference } = value as Record<string, string>;
  if (source === "hostPath")
    return /^(|\w+OrCreate)$/.test(type)
      ? []
      : [{ field, sentence: `${path} is taken to be on the node, a ${type} as is asked for` }];
  const sentence =
    source === "ephemeral"
      ? "its claim is taken to be bound; storage is not modelled"
      : source === "image"
        ? `the image ${reference} is taken to be had`
        : source === "csi"
          ? `the driver ${driver} is taken to be on the node, and to mount the volume`
          : "is taken to be mounted; storage is not modelled";
  return [{ field, sentence }];
}

/** A command of which nothing is known: it may wait for somebody who never comes. */
function initContainer(container: Container, i: number): Granted[] {
  const field = `spec.initContainers[${i}]`;
  if (container.restartPolicy === "Always" || endOf(container)) return [];
  const what = (container.command ?? container.args) ? "its command" : "its image's command";
  return [{ field, sentence: `${what} is taken to end well; the Pod waits for it` }];
}

/** Below this the least of programs may not start. Bytes. */
const LITTLE_MEMORY = 16 * 1024 * 1024;

function ofContainer(container: Container, field: string): Granted[] {
  const memory = container.resources?.limits?.["memory"];
  return [
    ...security(securityOf(container), `${field}.securityContext`),
    ...fileKeys(container, field),
    ...said(
      memory !== undefined && quantity(memory) < LITTLE_MEMORY,
      `${field}.resources.limits.memory`,
      `${memory} is taken to be enough`,
    ),
  ];
}

const fileKeys = ({ env = [] }: Container, field: string): Granted[] =>
  env.flatMap(({ valueFrom }, i) => {
    const file = (valueFrom as { fileKeyRef?: { path?: string; key?: string } } | undefined)
      ?.fileKeyRef;
    return said(
      file,
      `${field}.env[${i}].valueFrom.fileKeyRef`,
      `${file?.path} is taken to have been written, with the key ${file?.key}`,
    );
  });

/** (pkg/kubelet/sysctl/safe_sysctls.go) */
const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_wmem",
]);

function security(context: Security, field: string): Granted[] {
  const { runAsUser = 0, readOnlyRootFilesystem, capabilities, sysctls = [] } = context;
  const limits = [
    ...(runAsUser > 0 ? [`as user ${runAsUser}`] : []),
    ...(readOnlyRootFilesystem ? ["on a root that it cannot write to"] : []),
    ...(capabilities?.drop?.length ? [`without ${capabilities.drop.join(", ")}`] : []),
  ];
  const unsafe = sysctls.filter(({ name }) => !safeSysctls.has(name)).map(({ name }) => name);
  return [
    ...said(limits.length, field, `the image is taken to run ${limits.join(", ")}`),
    ...said(
      unsafe.length,
      `${field}.sysctls`,
      `the kubelet is taken to allow ${unsafe.join(", ")}; by itself it does not`,
    ),
    ...(["seccompProfile", "appArmorProfile"] as const).flatMap((name) =>
      said(
        context[name]?.type === "Localhost",
        `${field}.${name}`,
        `the profile ${context[name]?.localhostProfile} is taken to be on the node`,
      ),
    ),
  ];
}
