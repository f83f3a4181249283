/**
 * Looks whether the ConfigMaps and Secrets that a Pod names are there, and the keys in them.
 * (kubernetes: pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables; pkg/volume/configmap,
 * pkg/volume/secret, pkg/volume/projected)
 */
import type { Client } from "../../api/client.js";
import { isApiError } from "../../api/errors.js";
import { actedOn } from "../../objects/kinds.js";
import type { Container, EnvVar, Kind, KubeObject, Pod } from "../../objects/types.js";
import type { Granted } from "../granted.js";
import { needs, type Lack, type Needs } from "./needs.js";
import { badImage, isAgainstRoot, longName, otherSystem, taken } from "./other-needs.js";

type Source = "ConfigMap" | "Secret";
actedOn.add("ConfigMap").add("Secret");

type Holder = KubeObject & { data?: object; binaryData?: object };

/** Where keys of an object go: environment or files. */
interface Reference {
  kind: Source;
  name: string;
  optional: boolean;
  /** Those that must be there. */
  keys: readonly string[];
}

interface NamedSource {
  name?: string;
  secretName?: string;
  optional?: boolean;
  items?: { key: string }[];
}
interface Volume {
  name: string;
  configMap?: NamedSource;
  secret?: NamedSource;
  projected?: { sources?: { configMap?: NamedSource; secret?: NamedSource }[] };
}

const wholePod: Needs["pod"] = (pod, client, isComplete) =>
  otherSystem(pod, client) ?? longName(pod) ?? volume(pod, client, isComplete);

function volume(pod: Pod, client: Client, isComplete: boolean): Lack | undefined {
  for (const each of (pod.spec.volumes ?? []) as Volume[])
    for (const reference of inVolume(each)) {
      const why = whyNot(reference, pod, client, keyNotMounted);
      if (why === undefined || (why.isMissing && !isComplete)) continue;
      const message = `MountVolume.SetUp failed for volume "${each.name}" : ${why.text}`;
      return { reason: "FailedMount", message };
    }
  return undefined;
}

const inVolume = ({ configMap, secret, projected }: Volume): Reference[] =>
  [{ configMap, secret }, ...(projected?.sources ?? [])].flatMap(mounted);

function mounted({
  configMap,
  secret,
}: {
  configMap?: NamedSource | undefined;
  secret?: NamedSource | undefined;
}): Reference[] {
  const of = (kind: Source, source: NamedSource | undefined): Reference[] =>
    source
      ? [
          {
            kind,
            name: source.secretName ?? source.name ?? "",
            optional: source.optional ?? false,
            keys: (source.items ?? []).map(({ key }) => key),
          },
        ]
      : [];
  return [...of("ConfigMap", configMap), ...of("Secret", secret)];
}

const oneContainer: Needs["container"] = (container, pod, client, isComplete) => {
  const noImage = badImage(container);
  if (noImage !== undefined) return { reason: "InvalidImageName", message: noImage };
  const message = environment(container, pod, client, isComplete) ?? isAgainstRoot(container, pod);
  return message === undefined ? undefined : { reason: "CreateContainerConfigError", message };
};

function environment(
  container: Container,
  pod: Pod,
  client: Client,
  isComplete: boolean,
): string | undefined {
  for (const reference of inEnvironment(container)) {
    const why = whyNot(reference, pod, client, keyNotFound);
    if (why && (isComplete || !why.isMissing)) return why.text;
  }
  return undefined;
}

const inEnvironment = ({ envFrom = [], env = [] }: Container): Reference[] => [
  ...(envFrom as From[]).flatMap(wholeObject),
  ...env.flatMap(oneKey),
];

interface From {
  configMapRef?: NamedSource;
  secretRef?: NamedSource;
}

const wholeObject = ({ configMapRef, secretRef }: From): Reference[] =>
  mounted({ configMap: configMapRef, secret: secretRef });

interface KeyReference extends NamedSource {
  key: string;
}

function oneKey({ valueFrom }: EnvVar): Reference[] {
  const { configMapKeyRef, secretKeyRef } = (valueFrom ?? {}) as {
    configMapKeyRef?: KeyReference;
    secretKeyRef?: KeyReference;
  };
  const of = (kind: Source, one: KeyReference | undefined): Reference[] =>
    one ? [{ kind, name: one.name ?? "", optional: one.optional ?? false, keys: [one.key] }] : [];
  return [...of("ConfigMap", configMapKeyRef), ...of("Secret", secretKeyRef)];
}

const granted: Needs["granted"] = (pod, client, isComplete) => [
  ...(isComplete ? [] : missing(pod, client)),
  ...taken(pod, client, isComplete),
];

/** Each object once, at the first field that names it. */
function missing(pod: Pod, client: Client): Granted[] {
  const { volumes = [], initContainers = [], containers } = pod.spec;
  const places: [field: string, references: Reference[]][] = [
    ...(volumes as Volume[]).map((each, i): [string, Reference[]] => [
      `spec.volumes[${i}]`,
      inVolume(each),
    ]),
    ...initContainers.map((each, i): [string, Reference[]] => [
      `spec.initContainers[${i}]`,
      inEnvironment(each),
    ]),
    ...containers.map((each, i): [string, Reference[]] => [
      `spec.containers[${i}]`,
      inEnvironment(each),
    ]),
  ];
  const found = new Map<string, Granted>();
  for (const [field, references] of places)
    for (const reference of references) {
      const object = `${reference.kind} ${reference.name}`;
      const why = whyNot(reference, pod, client, keyNotFound);
      // a Pod that runs although a key is missing was begun when nobody had made the object
      const isTaken = why && (why.isMissing || pod.status?.phase === "Running");
      if (found.has(object) || !isTaken) continue;
      found.set(object, {
        field,
        sentence: `${object} is taken to be there, and to hold what is asked of it`,
      });
    }
  return [...found.values()];
}

type KeyMissing = (kind: Source, key: string, where: string) => string;

const keyNotFound: KeyMissing = (kind, key, where) =>
  `couldn't find key ${key} in ${kind} ${where}`;
const keyNotMounted: KeyMissing = (kind, key) =>
  `${kind === "Secret" ? "" : "configmap "}references non-existent ${kind === "Secret" ? "secret" : "config"} key: ${key}`;

function whyNot(
  { kind, name, optional, keys }: Reference,
  pod: Pod,
  client: Client,
  keyMissing: KeyMissing,
): { text: string; isMissing: boolean } | undefined {
  const { namespace } = pod.metadata;
  let held: Holder;
  try {
    held = client.get(kind as Kind, name, namespace);
  } catch (error) {
    if (!isApiError(error)) throw error;
    const text =
      error.code === 404
        ? `${kind.toLowerCase()} "${name}" not found`
        : `failed to sync ${kind.toLowerCase()} cache: timed out waiting for the condition`;
    return optional && error.code === 404 ? undefined : { text, isMissing: true };
  }
  const there = new Set([...Object.keys(held.data ?? {}), ...Object.keys(held.binaryData ?? {})]);
  const missing = optional ? undefined : keys.find((key) => !there.has(key));
  return missing === undefined
    ? undefined
    : { text: keyMissing(kind, missing, `${namespace}/${name}`), isMissing: false };
}

Object.assign(needs, { pod: wholePod, container: oneContainer, granted } satisfies Needs);
