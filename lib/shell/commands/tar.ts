/**
 * tar, as `kubectl cp` needs it and people type it: -c, -x and -t of ustar archives, with the long
 * names of GNU and POSIX. (POSIX.1-2001, pax; GNU tar's manual)
 */
import type { Act } from "../../machinery/act.js";
import { dated } from "../dates.js";
import { FileError, type Entry } from "../files.js";
import type { Context } from "../place.js";
import { open } from "../bash/redirections.js";
import type { Stream } from "../streams.js";
import { complain, optionsOf, refuse } from "./common.js";
import { modeText } from "./ls.js";
import { headerOf, membersOf, padding, RECORD, type Member } from "./tar-format.js";

const grammar = {
  letters: "cxtvmpohkf:C:",
  long: {
    create: "c",
    extract: "x",
    get: "x",
    list: "t",
    verbose: "v",
    file: "f:",
    directory: "C:",
    touch: "m",
    "same-permissions": "p",
    "no-same-permissions": "no-same-permissions",
    "no-same-owner": "o",
    "strip-components": "strip-components:",
  },
};

const FAILED = 2;

/** What was asked for. */
interface Asked {
  context: Context;
  flags: ReadonlyMap<string, string>;
  words: readonly string[];
  /** Where paths begin. */
  folder: string;
  archive: Stream;
}

export function* tar(context: Context): Act<number> {
  // the letters may come without a dash: "tar cf - x"
  const [first = "", ...rest] = context.args;
  const args = first.startsWith("-") || first === "" ? context.args : [`-${first}`, ...rest];
  const { flags, words } = yield* optionsOf(context, grammar, FAILED, args);
  const modes = ["c", "x", "t"].filter((letter) => flags.has(letter));
  if (modes.length !== 1)
    return yield* refuse(
      context,
      FAILED,
      modes.length > 1
        ? "You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option"
        : "You must specify one of the '-Acdtrux', '--delete' or '--test-label' options",
    );
  const folder = context.path(flags.get("C") ?? ".");
  if (context.place.files.find(folder)?.kind !== "folder")
    return yield* fatal(context, `${flags.get("C")}: Cannot open: No such file or directory`);
  if (flags.has("c") && words.length === 0)
    return yield* refuse(context, FAILED, "Cowardly refusing to create an empty archive");
  const file = flags.get("f") ?? "-";
  let archive: Stream;
  try {
    archive = archiveAt(context, file, flags.has("c"));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return yield* fatal(context, `${file}: Cannot open: ${error.message}`);
  }
  try {
    const asked = { context, flags, words, folder, archive };
    const isGood = yield* flags.has("c") ? create(asked) : readThrough(asked);
    if (isGood) return 0;
    yield* complain(context, "Exiting with failure status due to previous errors");
    return FAILED;
  } finally {
    archive.release();
  }
}

function* fatal(context: Context, why: string): Act<number> {
  yield* complain(context, why);
  return yield* refuse(context, FAILED, "Error is not recoverable: exiting now");
}

function archiveAt({ place, process, input }: Context, file: string, isNew: boolean): Stream {
  if (file !== "-") return open(place, process, file, isNew ? ">" : "<");
  return isNew ? process.fds.get(1)!.retain() : input.retain();
}

// ---- writing ------------------------------------------------------------------------------------

function* create(asked: Asked): Act<boolean> {
  const { context, words, folder } = asked;
  let isGood = true;
  let written = 0;
  if (words.some((word) => word.startsWith("/")))
    yield* complain(context, "Removing leading `/' from member names");
  for (const word of words) {
    const path = word.startsWith("/") ? word : `${folder}/${word}`;
    const entry = context.place.files.find(path, false);
    if (entry) written += yield* add(asked, word.replace(/(?<=.)\/+$/, ""), entry);
    else {
      yield* complain(context, `${word}: Cannot stat: No such file or directory`);
      isGood = false;
    }
  }
  // two empty blocks, and what fills the record
  const end = 1_024 + ((RECORD - ((written + 1_024) % RECORD)) % RECORD);
  yield* write(asked, "\0".repeat(end));
  return isGood;
}

/** Answers how many bytes it took. */
function* add(asked: Asked, name: string, entry: Entry): Act<number> {
  const { context } = asked;
  const member = name.replace(/^\/+/, "") || "./";
  const content = entry.kind === "file" ? entry.bytes : entry.kind === "made" ? entry.make() : "";
  const bytes = headerOf(member, entry, content.length) + content + padding(content.length);
  yield* context.process.spend(1 + (bytes.length >> 10));
  yield* told(asked, entry.kind === "folder" && !member.endsWith("/") ? `${member}/` : member);
  yield* write(asked, bytes);
  let written = bytes.length;
  if (entry.kind === "folder")
    for (const [each, inside] of entry.entries)
      written += yield* add(asked, name === "/" ? `/${each}` : `${name}/${each}`, inside);
  return written;
}

function* write({ archive, context }: Asked, bytes: string): Act<void> {
  if (!(yield* archive.write(bytes))) yield* refuse(context, FAILED, "Cannot write: Broken pipe");
}

/** -v: where the archive goes to standard output, names go to standard error. */
function* told({ context, flags }: Asked, line: string): Act<void> {
  if (!flags.has("v")) return;
  const isArchive = flags.has("c") && (flags.get("f") ?? "-") === "-";
  yield* isArchive ? context.err(`${line}\n`) : context.out(`${line}\n`);
}

// ---- reading ------------------------------------------------------------------------------------

function* readThrough(asked: Asked): Act<boolean> {
  const { context, archive, words, flags } = asked;
  const members = membersOf(context, archive);
  const missing = new Set(words.map((word) => word.replace(/\/+$/, "")));
  const wanted = [...missing];
  let isGood = true;
  for (;;) {
    const member = yield* members.next();
    if (member === undefined) break;
    if (member === "broken") {
      yield* complain(context, "This does not look like a tar archive");
      return false;
    }
    const name = member.name.replace(/\/+$/, "");
    const by = wanted.find((one) => name === one || name.startsWith(`${one}/`));
    if (words.length > 0 && by === undefined) continue;
    if (by !== undefined) missing.delete(by);
    if (flags.has("t")) yield* context.out(`${listed(member, flags.has("v"))}\n`);
    else isGood = (yield* extracted(asked, member, members.content)) && isGood;
  }
  for (const each of missing) yield* complain(context, `${each}: Not found in archive`);
  return isGood && missing.size === 0;
}

function listed({ name, entry, size }: Member, isLong: boolean): string {
  if (!isLong) return name;
  const time = dated("%Y-%m-%d %H:%M", entry.modified);
  const to = entry.kind === "link" ? ` -> ${entry.to}` : "";
  return `${modeText(entry)} root/root ${String(size).padStart(9)} ${time} ${name}${to}`;
}

/** Whether it was. */
function* extracted(asked: Asked, member: Member, content: () => Act<string>): Act<boolean> {
  const { context, folder, flags } = asked;
  const { files } = context.place;
  const strip = Number(flags.get("strip-components") ?? 0);
  const parts = member.name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) {
    yield* complain(context, `${member.name}: Member name contains '..'`);
    return false;
  }
  const inside = parts.slice(strip);
  if (inside.length === 0) return true;
  if (member.entry.kind === "device") {
    yield* complain(context, `${member.name}: Cannot mknod: Operation not permitted`);
    return false;
  }
  yield* told(asked, member.name);
  const path = `${folder === "/" ? "" : folder}/${inside.join("/")}`;
  try {
    files.makeFolder(path.slice(0, path.lastIndexOf("/")) || "/", true);
    const { entry } = member;
    if (entry.kind === "folder") files.makeFolder(path, true);
    const before = files.find(path, false);
    if (entry.kind !== "folder" && before) files.remove(path);
    if (entry.kind === "link") files.link(path, entry.to);
    if (entry.kind === "file") {
      files.write(path, "");
      const file = files.open(path, false);
      for (let bytes = yield* content(); bytes !== ""; bytes = yield* content())
        if (file.kind === "file") files.append(file, bytes);
    }
    const made = files.at(path, false);
    made.mode = entry.mode;
    if (!flags.has("m")) made.modified = entry.modified;
    return true;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const what = error.code === "ENOSPC" ? "Cannot write" : "Cannot open";
    yield* complain(context, `${member.name}: ${what}: ${error.message}`);
    return false;
  }
}
