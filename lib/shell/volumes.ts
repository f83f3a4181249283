/**
 * The volumes of one Pod, which its containers share: what a kubelet mounts, and how it keeps up
 * with objects that change. (kubernetes: pkg/kubelet/volumemanager; kubelet_pods.go, makeMounts)
 */
import { expanded } from "../node/kubelet/containers/expansion.js";
import type { Home } from "../node/kubelet/containers/downward.js";
import {
  isFilled,
  payloadOf,
  type Payload,
  type TokenSource,
  type Volume,
} from "../node/kubelet/containers/payload.js";
import { boundToken, renewedAfter } from "../node/kubelet/containers/token.js";
import type { Random } from "../machinery/random.js";
import type { Clock } from "../api/clock.js";
import type { Began, Sandbox } from "../node/machine.js";
import type { Container, KubeObject, Pod } from "../objects/types.js";
import { objectsOf, revisionAt, type Source } from "./api-objects.js";
import { absolute, folder, type Entry, type Files, type Folder } from "./files.js";
import { VolumeFolder } from "./volume-folder.js";

/**
 * A Pod is looked at again after a minute, or up to half of one more. (pkg/kubelet: syncFrequency,
 * workerResyncIntervalJitterFactor) Milliseconds.
 */
const SYNC_MS = 60_000;
const SYNC_JITTER = 0.5;
/** Of what objects do not fill; in memory it has the sticky bit that tmpfs gives it. */
const [ON_DISK, IN_MEMORY] = [0o777, 0o1777];
/** Where a source does not say, a token is for an hour. Seconds. */
const TOKEN_SECONDS = 3600;

interface Mount {
  name: string;
  mountPath: string;
  subPath?: string;
  subPathExpr?: string;
  readOnly?: boolean;
}

/** Where a Pod's volumes are. */
export interface Surroundings {
  readonly clock: Clock;
  readonly apiserver: Source;
  /** This Pod's own. */
  readonly random: Random;
  readonly home: Home;
  readonly sandbox: Sandbox;
  /** A folder of the node's, made where there is none. */
  readonly onNode: (path: string) => Entry;
  /** The folder of a claim, which outlives Pods. */
  readonly claimed: (claim: string) => Folder;
  /** Whether the Pod still runs here. */
  readonly isThere: () => boolean;
}

export class Volumes {
  readonly #folders = new Map<string, Folder>();
  /** Those that objects fill. */
  readonly #filled = new Map<Volume, VolumeFolder>();
  readonly #tokens = new Map<string, { text: string; renew: number }>();
  #cancel: () => void = () => {};

  constructor(private readonly around: Surroundings) {
    const { sandbox, clock } = around;
    const begun = this.#begun?.at ?? clock.now();
    for (const volume of (sandbox.pod.spec.volumes ?? []) as Volume[])
      if (isFilled(volume)) this.#fill(volume, begun);
    if (this.#filled.size > 0) this.#catchUp(begun);
  }

  /** Puts a container's volumes into its files. `variables`: its environment, for subPathExpr. */
  mount(files: Files, container: Container, variables: ReadonlyMap<string, string>): void {
    const mounts = [...((container.volumeMounts ?? []) as Mount[])];
    // those that are within others come after them
    mounts.sort((a, b) => a.mountPath.length - b.mountPath.length);
    for (const mount of mounts) {
      const { name, subPath, subPathExpr, readOnly = false } = mount;
      const within =
        subPath ?? (subPathExpr && expanded(subPathExpr, (each) => variables.get(each)));
      const whole = this.#volume(name);
      const isReadOnly = readOnly || this.#isReadOnly(name);
      const entry = within ? this.#below(whole, within) : whole;
      files.mount(absolute(mount.mountPath.replace(/\/+$/, ""), "/"), mountedAs(entry, isReadOnly));
    }
  }

  /** The kubelet looks at the Pod again: what has changed is written. */
  sync(): void {
    for (const [volume, target] of this.#filled)
      this.#write(volume, target, this.around.apiserver.store.revision);
  }

  /** When the first of its containers began. */
  get #begun(): Began | undefined {
    return [...this.around.sandbox.began].sort((a, b) => a.at - b.at)[0];
  }

  // ---- what they hold

  #spec(name: string): Volume | undefined {
    return ((this.around.sandbox.pod.spec.volumes ?? []) as Volume[]).find(
      (each) => each.name === name,
    );
  }

  #isReadOnly(name: string): boolean {
    const spec = this.#spec(name);
    return spec !== undefined && (isFilled(spec) || spec.persistentVolumeClaim?.readOnly === true);
  }

  #volume(name: string): Entry {
    const spec = this.#spec(name);
    if (spec?.hostPath) return this.around.onNode(spec.hostPath.path);
    const claim = spec?.persistentVolumeClaim?.claimName;
    if (claim !== undefined) return this.around.claimed(claim);
    const known = this.#folders.get(name);
    if (known) return known;
    const mode = spec?.emptyDir?.medium === "Memory" ? IN_MEMORY : ON_DISK;
    const made: Folder = { ...folder(this.around.clock.now()), mode };
    this.#folders.set(name, made);
    return made;
  }

  /** What is at a path in a volume now, links followed; a folder is made where nothing is. */
  #below(whole: Entry, path: string): Entry {
    let at = whole;
    for (const part of path.split("/").filter((each) => each !== "" && each !== ".")) {
      if (at.kind !== "folder") return at;
      const found: Entry | undefined = at.entries.get(part);
      const next = found?.kind === "link" ? this.#below(whole, found.to) : found;
      const made = next ?? { ...folder(this.around.clock.now()), mode: at.mode };
      if (!found) at.entries.set(part, made);
      at = made;
    }
    return at;
  }

  // ---- what objects fill

  #fill(volume: Volume, begun: number): void {
    const { random, apiserver } = this.around;
    const own = random.fork(volume.name).next;
    const target = new VolumeFolder(own, begun, volume.configMap ? ON_DISK : IN_MEMORY);
    this.#folders.set(volume.name, target.folder);
    this.#filled.set(volume, target);
    this.#write(volume, target, this.#begun?.revision ?? apiserver.store.revision, begun);
  }

  /** Where something is missing by now that was there once, what it held stays. */
  #write(volume: Volume, target: VolumeFolder, revision: number, at?: number): void {
    const now = at ?? this.around.clock.now();
    let isWhole = true;
    const payload = this.#payload(volume, revision, now, () => (isWhole = false));
    if (isWhole || at !== undefined) target.write(payload, now);
  }

  #payload(volume: Volume, revision: number, now: number, lacks: () => void): Payload {
    const { apiserver, home, sandbox } = this.around;
    const objects = objectsOf(apiserver, revision);
    const { name, namespace } = sandbox.pod.metadata;
    const pod = (isOfPod(volume) && (objects.find("Pod", name, namespace) as Pod)) || sandbox.pod;
    const account = (called: string): KubeObject | undefined =>
      objects.find("ServiceAccount", called, namespace);
    const token = (source: TokenSource): string => this.#token(source, pod, account, now);
    return payloadOf(volume, { pod, home, objects, token }, lacks);
  }

  #token(
    { audience, expirationSeconds: seconds = TOKEN_SECONDS }: TokenSource,
    { metadata, spec }: Pod,
    find: (account: string) => KubeObject | undefined,
    now: number,
  ): string {
    const key = `${seconds} ${audience ?? ""}`;
    const known = this.#tokens.get(key);
    if (known && now < known.renew) return known.text;
    const { name, namespace = "default", uid = "" } = metadata;
    const account = spec.serviceAccountName ?? "default";
    const node = this.around.home.node;
    const uidOf = (object: KubeObject | undefined): string => object?.metadata.uid ?? "";
    const bearer = {
      namespace,
      account: { name: account, uid: uidOf(find(account)) },
      pod: { name, uid },
      node: { name: node, uid: uidOf(objectsOf(this.around.apiserver).find("Node", node)) },
    };
    const text = boundToken(bearer, { now, seconds, audience });
    this.#tokens.set(key, { text, renew: now + renewedAfter(seconds) });
    return text;
  }

  // ---- time

  /** Nobody has looked before now: what the last sync until now would have written is there. */
  #catchUp(begun: number): void {
    const { clock, apiserver, random } = this.around;
    const draw = random.fork("syncs").next;
    const period = (): number => Math.round(SYNC_MS * (1 + SYNC_JITTER * draw()));
    let [last, next] = [begun, begun + period()];
    while (next <= clock.now()) [last, next] = [next, next + period()];
    if (last > begun) {
      const revision = revisionAt(apiserver, last);
      for (const [volume, target] of this.#filled) this.#write(volume, target, revision, last);
    }
    const plan = (delay: number): void => {
      const about = `Pod ${this.around.sandbox.key}`;
      this.#cancel = clock.schedule(delay, () => this.#tick(() => plan(period())), {
        background: true,
        about,
      });
    };
    plan(next - clock.now());
  }

  #tick(again: () => void): void {
    if (!this.around.isThere()) return this.#cancel();
    again();
    this.sync();
  }
}

/** Whether something of the Pod's own stands in it that may change. */
const isOfPod = ({ downwardAPI, projected }: Volume): boolean =>
  [downwardAPI, ...(projected?.sources ?? []).map((each) => each.downwardAPI)].some((source) =>
    source?.items?.some(({ fieldRef }) =>
      /^metadata\.(labels|annotations)/.test(fieldRef?.fieldPath ?? ""),
    ),
  );

/** The same files, at a place of their own; one that is read only cannot be opened to write. */
function mountedAs(entry: Entry, isReadOnly: boolean): Entry {
  if (entry.kind === "folder") return new Mounted(entry, isReadOnly);
  if (!isReadOnly || entry.kind !== "file") return entry;
  const { mode, modified } = entry;
  return { kind: "made", make: () => entry.bytes, mode, modified };
}

/** A folder that is another's, in all but what can be done from here. */
class Mounted implements Folder {
  readonly kind = "folder";
  readonly isMount = true;

  constructor(
    private readonly shared: Folder,
    readonly isReadOnly: boolean,
  ) {}

  get entries(): Folder["entries"] {
    return this.shared.entries;
  }

  get mode(): number {
    return this.shared.mode;
  }

  set mode(mode: number) {
    this.shared.mode = mode;
  }

  get modified(): number {
    return this.shared.modified;
  }

  set modified(time: number) {
    this.shared.modified = time;
  }
}
