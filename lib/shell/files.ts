/**
 * The files of one place, in memory. A folder may be in several trees at once, as a volume is.
 *
 *     const files = new Files(clock);
 *     files.write("/tmp/x", "hello\n");
 *     files.read("/tmp/x");              // "hello\n"; throws FileError where there is none
 *
 * What they hold are bytes (machinery/pipe.ts). All trees together may hold `limit` bytes.
 */

/** errno, by its name in the C library; the text is what strerror says. */
export const errors = {
  ENOENT: "No such file or directory",
  EEXIST: "File exists",
  EISDIR: "Is a directory",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  EACCES: "Permission denied",
  EROFS: "Read-only file system",
  ENOSPC: "No space left on device",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  EBADF: "Bad file descriptor",
  EPERM: "Operation not permitted",
  EBUSY: "Device or resource busy",
  EINVAL: "Invalid argument",
} as const;

export class FileError extends Error {
  constructor(readonly code: keyof typeof errors) {
    super(errors[code]);
  }
}

export interface Regular {
  kind: "file";
  bytes: string;
  mode: number;
  modified: number;
}
/** Its content is made when somebody reads it: /etc/resolv.conf, /proc/… */
export interface Made {
  kind: "made";
  make: () => string;
  mode: number;
  modified: number;
}
/** A character device. */
export interface Device {
  kind: "device";
  /** So many bytes; "" at the end. */
  read: (max: number) => string;
  /** False: no space left. */
  write: (bytes: string) => boolean;
  mode: number;
  modified: number;
}
export interface Folder {
  kind: "folder";
  entries: Map<string, Entry>;
  mode: number;
  modified: number;
  /** A volume hangs here: it can neither be removed nor moved. */
  isMount?: boolean;
  /** Nothing in it can be changed from here. */
  isReadOnly?: boolean;
}
export interface Link {
  kind: "link";
  to: string;
  mode: number;
  modified: number;
}
export type Entry = Regular | Made | Device | Folder | Link;

export const folder = (modified = 0): Folder => ({
  kind: "folder",
  entries: new Map(),
  mode: 0o755,
  modified,
});

const LONGEST_NAME = 255;
const MOST_LINKS = 40;
const MOST_FILES = 10_000;

const isMount = (entry: Entry): boolean => entry.kind === "folder" && entry.isMount === true;

/** How much the trees that share it hold, and may hold. */
export class Quota {
  bytes = 0;
  files = 0;

  constructor(readonly limit = 16 * 1024 * 1024) {}

  take(bytes: number): void {
    if (this.bytes + bytes > this.limit) throw new FileError("ENOSPC");
    this.bytes += bytes;
  }

  takeFile(): void {
    if (this.files >= MOST_FILES) throw new FileError("ENOSPC");
    this.files++;
  }
}

export class Files {
  readonly root: Folder;

  constructor(
    private readonly clock: { now(): number },
    readonly quota = new Quota(),
  ) {
    this.root = folder(clock.now());
    for (const path of ["bin", "dev", "etc", "home", "proc", "root", "tmp", "usr/bin", "var/log"])
      this.makeFolder(`/${path}`, true);
    this.#device(
      "null",
      () => "",
      () => true,
    );
    this.#device(
      "zero",
      (max) => "\0".repeat(max),
      () => true,
    );
    this.#device(
      "full",
      (max) => "\0".repeat(max),
      () => false,
    );
    (this.at("/tmp") as Folder).mode = 0o1777;
  }

  #device(name: string, read: Device["read"], write: Device["write"]): void {
    const modified = this.clock.now();
    this.mount(`/dev/${name}`, { kind: "device", read, write, mode: 0o666, modified });
  }

  /** What is at a path, links followed; undefined where nothing is. */
  find(path: string, follow = true): Entry | undefined {
    try {
      return this.at(path, follow);
    } catch (error) {
      if (error instanceof FileError) return undefined;
      throw error;
    }
  }

  /** The same, but throws where nothing is. */
  at(path: string, follow = true): Entry {
    return this.#walk(path, follow, 0).entry;
  }

  /** The same, to change its mode or time: EROFS where nothing can be changed. */
  changeable(path: string): Entry {
    const { entry, isReadOnly } = this.#walk(path, true, 0);
    if (isReadOnly) throw new FileError("EROFS");
    return entry;
  }

  #walk(path: string, follow: boolean, links: number): { entry: Entry; isReadOnly: boolean } {
    if (links > MOST_LINKS) throw new FileError("ELOOP");
    const trail: Folder[] = [this.root];
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    let entry: Entry = this.root;
    for (const [i, part] of parts.entries()) {
      if (entry.kind !== "folder") throw new FileError("ENOTDIR");
      if (part === "..") {
        if (trail.length > 1) trail.pop();
        entry = trail.at(-1)!;
        continue;
      }
      const next: Entry | undefined = entry.entries.get(part);
      if (!next) throw new FileError(part.length > LONGEST_NAME ? "ENAMETOOLONG" : "ENOENT");
      const isLast = i === parts.length - 1;
      if (next.kind === "link" && (follow || !isLast)) {
        const base = next.to.startsWith("/") ? "" : `/${parts.slice(0, i).join("/")}`;
        const rest = parts.slice(i + 1).join("/");
        return this.#walk(`${base}/${next.to}/${rest}`, follow, links + 1);
      }
      entry = next;
      if (entry.kind === "folder") trail.push(entry);
    }
    if (path.endsWith("/") && entry.kind !== "folder") throw new FileError("ENOTDIR");
    return { entry, isReadOnly: trail.some((each) => each.isReadOnly) };
  }

  /** The folder that a path's last part is in, and that part. */
  #parent(path: string, isMounting = false): { parent: Folder; name: string } {
    const parts = path.replace(/\/+$/, "").split("/");
    const name = parts.pop()!;
    const { entry: parent, isReadOnly } = this.#walk(parts.join("/") || "/", true, 0);
    if (parent.kind !== "folder") throw new FileError("ENOTDIR");
    if (isReadOnly && !isMounting) throw new FileError("EROFS");
    if (name.length > LONGEST_NAME) throw new FileError("ENAMETOOLONG");
    if (name === "" || name === "." || name === "..") throw new FileError("EISDIR");
    return { parent, name };
  }

  /** A file's bytes. */
  read(path: string): string {
    const entry = this.at(path);
    switch (entry.kind) {
      case "file":
        return entry.bytes;
      case "made":
        return entry.make();
      case "device":
        return entry.read(0);
      case "folder":
        throw new FileError("EISDIR");
      case "link":
        throw new FileError("ELOOP");
    }
  }

  /** Replaces a file's bytes or makes it. */
  write(path: string, bytes: string): void {
    const entry = this.open(path, true);
    if (entry.kind === "device") return void entry.write(bytes);
    this.truncate(entry);
    this.append(entry, bytes);
  }

  /** The file to write to, made where there is none. Throws where it cannot be written. */
  open(path: string, create: boolean): Regular | Device {
    const entry = this.find(path);
    if (!entry && create) return this.#make(path);
    const found = entry ?? this.at(path);
    if (found.kind === "folder") throw new FileError("EISDIR");
    if (found.kind === "made") throw new FileError("EROFS");
    if (found.kind === "file") this.changeable(path);
    if (found.kind === "link") throw new FileError("ELOOP");
    return found;
  }

  #make(path: string): Regular {
    if (path.endsWith("/")) throw new FileError("EISDIR");
    const link = this.find(path, false);
    if (link?.kind === "link") return this.#make(this.#target(path, link));
    const { parent, name } = this.#parent(path);
    this.quota.takeFile();
    const file: Regular = { kind: "file", bytes: "", mode: 0o644, modified: this.clock.now() };
    parent.entries.set(name, file);
    parent.modified = this.clock.now();
    return file;
  }

  #target(path: string, { to }: Link): string {
    return to.startsWith("/") ? to : `${path.slice(0, path.lastIndexOf("/"))}/${to}`;
  }

  truncate(file: Regular): void {
    this.quota.bytes -= file.bytes.length;
    file.bytes = "";
    file.modified = this.clock.now();
  }

  append(file: Regular, bytes: string): void {
    this.quota.take(bytes.length);
    file.bytes += bytes;
    file.modified = this.clock.now();
  }

  /** Puts bytes where a file's position is; answers the position after them. */
  put(file: Regular, at: number, bytes: string): number {
    if (at === file.bytes.length) this.append(file, bytes);
    else {
      const before = file.bytes.slice(0, at).padEnd(at, "\0");
      const all = before + bytes + file.bytes.slice(at + bytes.length);
      this.quota.take(all.length - file.bytes.length);
      file.bytes = all;
      file.modified = this.clock.now();
    }
    return at + bytes.length;
  }

  /** Puts an entry at a path; the folders on the way are made. */
  mount(path: string, entry: Entry): void {
    const at = path.lastIndexOf("/");
    if (at > 0) this.makeFolder(path.slice(0, at), true, true);
    const { parent, name } = this.#parent(path, true);
    parent.entries.set(name, entry);
  }

  makeFolder(path: string, parents = false, isMounting = false): void {
    const found = this.find(path);
    if (found) {
      if (parents && found.kind === "folder") return;
      throw new FileError(parents ? "ENOTDIR" : "EEXIST");
    }
    const at = path.replace(/\/+$/, "").lastIndexOf("/");
    if (parents && at > 0) this.makeFolder(path.slice(0, at), true, isMounting);
    const { parent, name } = this.#parent(path, isMounting);
    this.quota.takeFile();
    parent.entries.set(name, folder(this.clock.now()));
    parent.modified = this.clock.now();
  }

  link(path: string, to: string): void {
    const { parent, name } = this.#parent(path);
    if (parent.entries.has(name)) throw new FileError("EEXIST");
    this.quota.takeFile();
    parent.entries.set(name, { kind: "link", to, mode: 0o777, modified: this.clock.now() });
  }

  /** `whole`: a folder with all that is in it; else it must be empty. */
  remove(path: string, whole = false): void {
    const { parent, name } = this.#parent(path);
    const entry = parent.entries.get(name);
    if (!entry) throw new FileError("ENOENT");
    if (entry.kind === "folder" && !whole && entry.entries.size > 0)
      throw new FileError("ENOTEMPTY");
    if (isMount(entry)) throw new FileError("EBUSY");
    this.#release(entry);
    parent.entries.delete(name);
    parent.modified = this.clock.now();
  }

  #release(entry: Entry): void {
    this.quota.files--;
    if (entry.kind === "file") this.quota.bytes -= entry.bytes.length;
    if (entry.kind === "folder") for (const each of entry.entries.values()) this.#release(each);
  }

  move(from: string, to: string): void {
    const source = this.#parent(from);
    const entry = source.parent.entries.get(source.name);
    if (!entry) throw new FileError("ENOENT");
    if (isMount(entry)) throw new FileError("EBUSY");
    const into = this.find(to)?.kind === "folder" ? `${to}/${source.name}` : to;
    if (`${into}/`.startsWith(`${from}/`)) throw new FileError("EINVAL");
    const target = this.#parent(into);
    const replaced = target.parent.entries.get(target.name);
    if (replaced?.kind === "folder") throw new FileError("EISDIR");
    if (replaced) this.#release(replaced);
    source.parent.entries.delete(source.name);
    target.parent.entries.set(target.name, entry);
  }
}

/** "/a/b" of "../b" seen from "/a/c". */
export function absolute(path: string, folder: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${folder}/${path}`).split("/"))
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  return `/${parts.join("/")}${path.endsWith("/") && parts.length > 0 ? "/" : ""}`;
}
