/**
 * The folder of a volume that objects fill, written as a kubelet's AtomicWriter does it: the files
 * in a folder named after the time, `..data` a link to it, and for each of them a link through
 * `..data`, so that all change at once. (kubernetes: pkg/volume/util/atomic_writer.go)
 */
import type { Payload } from "../node/kubelet/containers/payload.js";
import { folder, type Folder } from "./files.js";

const DATA = "..data";

export class VolumeFolder {
  readonly folder: Folder;
  #payload: Payload | undefined;

  /** `random`: from 0 up to 1. `mode`: of the folder itself. */
  constructor(
    private readonly random: () => number,
    now: number,
    mode: number,
  ) {
    this.folder = { ...folder(now), mode };
  }

  /** Whether anything of it is new. */
  write(payload: Payload, now: number): boolean {
    if (this.#payload && isSame(this.#payload, payload)) return false;
    this.#payload = payload;
    const { entries } = this.folder;
    const name = `..${stamp(now)}.${Math.floor(this.random() * 2 ** 32)}`;
    const data = folder(now);
    for (const [path, { bytes, mode }] of payload)
      this.#parent(data, path, now).entries.set(path.slice(path.lastIndexOf("/") + 1), {
        kind: "file",
        bytes,
        mode,
        modified: now,
      });
    const before = entries.get(DATA);
    if (before?.kind === "link") entries.delete(before.to);
    entries.set(name, data);
    this.#link(DATA, name, now);
    for (const [each, entry] of entries)
      if (entry.kind === "link" && each !== DATA && !data.entries.has(each)) entries.delete(each);
    for (const each of data.entries.keys())
      if (!entries.has(each)) this.#link(each, `${DATA}/${each}`, now);
    this.folder.modified = now;
    return true;
  }

  #parent(data: Folder, path: string, now: number): Folder {
    let at = data;
    for (const part of path.split("/").slice(0, -1)) {
      const found = at.entries.get(part);
      const next = found?.kind === "folder" ? found : folder(now);
      at.entries.set(part, next);
      at = next;
    }
    return at;
  }

  #link(name: string, to: string, modified: number): void {
    this.folder.entries.set(name, { kind: "link", to, mode: 0o777, modified });
  }
}

/** A mode alone that is another is no reason to write. (shouldWritePayload) */
const isSame = (a: Payload, b: Payload): boolean =>
  a.size === b.size && [...b].every(([path, { bytes }]) => a.get(path)?.bytes === bytes);

/** "2026_11_30_00_12_59" */
const stamp = (now: number): string =>
  new Date(now).toISOString().slice(0, 19).replace(/[-T:]/g, "_");
