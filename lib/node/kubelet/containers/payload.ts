/**
 * The files of a volume that the API server's objects fill: ConfigMap, Secret, downward API,
 * projected. (kubernetes: pkg/volume/configmap, secret, downwardapi, projected)
 */
import { bytesOf } from "../../../machinery/pipe.js";
import type { Pod } from "../../../objects/types.js";
import { fieldOf, resourceOf, type Home, type ResourceField } from "./downward.js";
import { notAtHand } from "./environment.js";
import { heldBy, type Objects } from "./objects.js";

/** A file in a volume: its bytes and its mode. */
export interface Projection {
  readonly bytes: string;
  readonly mode: number;
}

/** By the paths in the volume. */
export type Payload = ReadonlyMap<string, Projection>;

interface KeyToPath {
  key: string;
  path: string;
  mode?: number;
}
interface HolderSource {
  name?: string;
  secretName?: string;
  optional?: boolean;
  items?: KeyToPath[];
  defaultMode?: number;
}
interface DownwardSource {
  items?: {
    path: string;
    mode?: number;
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: ResourceField;
  }[];
  defaultMode?: number;
}
export interface TokenSource {
  path: string;
  audience?: string;
  expirationSeconds?: number;
}
interface Source {
  configMap?: HolderSource;
  secret?: HolderSource;
  downwardAPI?: DownwardSource;
  serviceAccountToken?: TokenSource;
}

/** What a Pod's spec says of a volume. */
export interface Volume extends Source {
  name: string;
  projected?: { sources?: Source[]; defaultMode?: number };
  emptyDir?: { medium?: string };
  hostPath?: { path: string; type?: string };
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean };
}

export interface Filling {
  readonly pod: Pod;
  readonly home: Home;
  readonly objects: Objects;
  /** The token that a source asks for, as it is now. */
  readonly token: (source: TokenSource) => string;
}

/** Whether objects fill it: such a volume cannot be written to. */
export const isFilled = ({ configMap, secret, downwardAPI, projected }: Volume): boolean =>
  Boolean(configMap ?? secret ?? downwardAPI ?? projected);

/** A file's, where nobody says. (DefaultMode of each source) */
const MODE = 0o644;

/**
 * What is in the volume now. `lacks` hears of each object and key that should be there; what it
 * stands for says so.
 */
export function payloadOf(volume: Volume, filling: Filling, lacks: () => void): Payload {
  const { projected, configMap, secret, downwardAPI } = volume;
  const mode = (projected ?? configMap ?? secret ?? downwardAPI)?.defaultMode ?? MODE;
  const sources = projected ? (projected.sources ?? []) : [volume];
  return new Map(
    sources.flatMap((source) =>
      filesOf(source, filling, lacks).map(({ path, mode: own, bytes }) => [
        cleaned(path),
        { bytes, mode: own ?? mode },
      ]),
    ),
  );
}

interface File {
  path: string;
  mode?: number | undefined;
  bytes: string;
}

function filesOf(source: Source, filling: Filling, lacks: () => void): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap) return held("ConfigMap", configMap, filling, lacks);
  if (secret) return held("Secret", secret, filling, lacks);
  if (downwardAPI) return told(downwardAPI, filling);
  if (serviceAccountToken)
    return [{ path: serviceAccountToken.path, bytes: filling.token(serviceAccountToken) }];
  return [];
}

function held(
  kind: "ConfigMap" | "Secret",
  { name, secretName, optional = false, items = [] }: HolderSource,
  { objects, pod }: Filling,
  lacks: () => void,
): File[] {
  const called = secretName ?? name ?? "";
  const files = heldBy(objects, kind, called, pod.metadata.namespace ?? "default")?.files;
  if (!files && !optional) lacks();
  if (items.length === 0) return [...(files ?? [])].map(([path, bytes]) => ({ path, bytes }));
  return items.flatMap(({ key, path, mode }) => {
    const bytes = files?.get(key);
    if (bytes !== undefined) return { path, mode, bytes };
    if (optional) return [];
    lacks();
    return { path, mode, bytes: notAtHand(`${kind} ${called}`, key) };
  });
}

/** Labels, annotations and resources; what is known to the kubelet alone is for variables. */
const told = ({ items = [] }: DownwardSource, { pod, home }: Filling): File[] =>
  items.map(({ path, mode, fieldRef, resourceFieldRef }) => {
    const text = fieldRef
      ? fieldOf(fieldRef.fieldPath, pod, home)
      : resourceFieldRef && resourceOf(resourceFieldRef, pod, undefined, home);
    return { path, mode, bytes: bytesOf(text ?? "") };
  });

/** "a/b" of "./a//b/". */
const cleaned = (path: string): string =>
  path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
