/** An archive's blocks: a header of 512 bytes for each member, its bytes. (POSIX.1-2001, pax) */
import type { Act } from "../../machinery/act.js";
import type { Entry, Folder, Link, Regular } from "../files.js";
import type { Context } from "../place.js";
import { CHUNK, type Stream } from "../streams.js";

const BLOCK = 512;
/** Archives end at a multiple of this. */
export const RECORD = 20 * BLOCK;
/** So long a name may be that stands in a header of its own. */
const LONGEST_NAME = 64 * 1024;

const types: Readonly<Record<Entry["kind"], string>> = {
  file: "0",
  made: "0",
  link: "2",
  device: "3",
  folder: "5",
};

/** What fills a member's last block. */
export const padding = (size: number): string => "\0".repeat((BLOCK - (size % BLOCK)) % BLOCK);

const octal = (value: number, width: number): string =>
  `${Math.max(0, Math.floor(value))
    .toString(8)
    .padStart(width - 1, "0")}\0`;

/** The header block of a member; a long name has one before it, as GNU tar writes it. */
export function headerOf(name: string, entry: Entry, size: number): string {
  const full = entry.kind === "folder" && !name.endsWith("/") ? `${name}/` : name;
  const to = entry.kind === "link" ? entry.to : "";
  const { mode, modified } = entry;
  const own = block(full, types[entry.kind], size, mode, modified / 1_000, to);
  return longer("L", full) + longer("K", to) + own;
}

const longer = (type: string, text: string): string =>
  text.length <= 100
    ? ""
    : block("././@LongLink", type, text.length + 1, 0o644, 0) +
      `${text}\0${padding(text.length + 1)}`;

function block(name: string, type: string, size: number, mode: number, time: number, to = "") {
  const before =
    name.slice(0, 100).padEnd(100, "\0") +
    octal(mode & 0o7777, 8) +
    octal(0, 8).repeat(2) +
    octal(size, 12) +
    octal(time, 12);
  const after =
    type + to.slice(0, 100).padEnd(100, "\0") + "ustar  \0" + "root".padEnd(32, "\0").repeat(2);
  const rest = after.padEnd(BLOCK - before.length - 8, "\0");
  const sum = sumOf(`${before}        ${rest}`);
  return `${before}${sum.toString(8).padStart(6, "0")}\0 ${rest}`;
}

function sumOf(bytes: string): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes.charCodeAt(i);
  return sum;
}

/** What an archive says of a file. */
export interface Member {
  name: string;
  size: number;
  entry: Regular | Folder | Link | Extract<Entry, { kind: "device" }>;
}

/** An archive's members one after the other; `content` reads on in the one that came last. */
export function membersOf(context: Context, input: Stream) {
  let held = "";
  let left = 0;
  let pad = 0;
  let isFirst = true;

  /** Exactly so many bytes, or fewer at the end. */
  function* take(size: number): Act<string> {
    while (held.length < size) {
      const bytes = yield* input.read(CHUNK);
      if (bytes === "") break;
      held += bytes;
      yield* context.process.spend(1 + (bytes.length >> 10));
    }
    const taken = held.slice(0, size);
    held = held.slice(size);
    return taken;
  }

  function* content(): Act<string> {
    const bytes = yield* take(Math.min(left, CHUNK));
    left = bytes === "" ? 0 : left - bytes.length;
    return bytes;
  }

  function* next(): Act<Member | "broken" | undefined> {
    const said = new Map<string, string>();
    for (;;) {
      while (left > 0) yield* content();
      yield* take(pad);
      pad = 0;
      const header = yield* take(BLOCK);
      if (header === "" && !isFirst) return undefined;
      if (/^\0{512}$/.test(header)) return undefined;
      if (header.length < BLOCK || !isGood(header)) return "broken";
      isFirst = false;
      const member = memberOf(header, said);
      [left, pad] = [member.size, padding(member.size).length];
      const type = header[156]!;
      if (!"LKxg".includes(type)) return member;
      if (left > LONGEST_NAME) return "broken";
      const text = yield* take(left);
      left = 0;
      if (type === "L") said.set("path", text.replace(/\0.*$/s, ""));
      if (type === "K") said.set("linkpath", text.replace(/\0.*$/s, ""));
      if (type === "x")
        for (const [, key, value] of text.matchAll(/\d+ ([^=\n]+)=([^\n]*)\n/g))
          said.set(key!, value!);
    }
  }
  return { next, content };
}

const number = (text: string): number => Number.parseInt(text.replace(/[\0 ].*$/s, ""), 8) || 0;
const text = (field: string): string => field.replace(/\0.*$/s, "");

const isGood = (header: string): boolean =>
  sumOf(`${header.slice(0, 148)}        ${header.slice(156)}`) ===
  number(header.slice(148, 156).trimStart());

function memberOf(header: string, said: ReadonlyMap<string, string>): Member {
  const prefix = header.slice(257, 263) === "ustar\0" ? text(header.slice(345, 500)) : "";
  const short = text(header.slice(0, 100));
  const name = said.get("path") ?? (prefix ? `${prefix}/${short}` : short);
  const size = said.has("size") ? Number(said.get("size")) : number(header.slice(124, 136));
  const mode = number(header.slice(100, 108)) & 0o7777;
  const modified = number(header.slice(136, 148)) * 1_000;
  const to = said.get("linkpath") ?? text(header.slice(157, 257));
  const type = header[156]!;
  const entry = entryOf(name.endsWith("/") ? "5" : type, to);
  return { name, size: Number.isFinite(size) ? size : 0, entry: { ...entry, mode, modified } };
}

function entryOf(type: string, to: string): Member["entry"] {
  const base = { mode: 0, modified: 0 };
  if (type === "5") return { ...base, kind: "folder", entries: new Map() };
  if (type === "2") return { ...base, kind: "link", to };
  if (type === "0" || type === "\0" || type === "7") return { ...base, kind: "file", bytes: "" };
  return { ...base, kind: "device", read: () => "", write: () => true };
}
