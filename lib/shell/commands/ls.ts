/** ls and stat. (coreutils, ls.c, stat.c) */
import type { Act } from "../../machinery/act.js";
import { dated } from "../dates.js";
import type { Entry } from "../files.js";
import type { Context } from "../place.js";
import { complain, optionsOf } from "./common.js";
import { eachWord } from "./each-word.js";

export function* ls(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(
    context,
    { letters: "laA1dhFrtSR", long: { all: "a", "almost-all": "A" } },
    2,
  );
  const { files } = context.place;
  let status = 0;
  const single: [string, Entry][] = [];
  const folders: [string, Entry & { kind: "folder" }][] = [];
  for (const word of words.length > 0 ? words : ["."]) {
    const entry = files.find(context.path(word), !flags.has("l") || word.endsWith("/"));
    if (!entry) {
      yield* complain(context, `cannot access '${word}': No such file or directory`);
      status = 2;
    } else if (entry.kind === "folder" && !flags.has("d")) folders.push([word, entry]);
    else single.push([word, entry]);
  }
  yield* listed(context, single, flags, false);
  for (const [i, [word, entry]] of folders.entries()) {
    if (words.length > 1) yield* context.out(`${i > 0 || single.length > 0 ? "\n" : ""}${word}:\n`);
    const dots: [string, Entry][] = flags.has("a")
      ? [
          [".", entry],
          ["..", entry],
        ]
      : [];
    const shown = [...entry.entries].filter(
      ([name]) => flags.has("a") || flags.has("A") || !name.startsWith("."),
    );
    yield* listed(context, [...dots, ...shown], flags, true);
  }
  return status;
}

function* listed(
  context: Context,
  entries: readonly [string, Entry][],
  flags: ReadonlyMap<string, string>,
  isFolder: boolean,
): Act<void> {
  const order = flags.has("t")
    ? ([, a]: [string, Entry], [, b]: [string, Entry]) => b.modified - a.modified
    : flags.has("S")
      ? ([, a]: [string, Entry], [, b]: [string, Entry]) => sizeOf(b) - sizeOf(a)
      : ([a]: [string, Entry], [b]: [string, Entry]) => (a < b ? -1 : 1);
  const sorted = [...entries].sort(order);
  if (flags.has("r")) sorted.reverse();
  if (isFolder && flags.has("l")) {
    const blocks = sorted.reduce((sum, [, entry]) => sum + blocksOf(entry), 0);
    yield* context.out(`total ${4 * blocks}\n`);
  }
  const width = Math.max(0, ...sorted.map(([, entry]) => String(sizeOf(entry)).length));
  for (const [name, entry] of sorted) {
    yield* context.process.spend();
    const suffix = flags.has("F") && entry.kind === "folder" ? "/" : "";
    if (!flags.has("l")) {
      yield* context.out(`${name}${suffix}\n`);
      continue;
    }
    const links = entry.kind === "folder" ? 2 : 1;
    const date = dated("%b %e %H:%M", entry.modified);
    const target = entry.kind === "link" ? ` -> ${entry.to}` : "";
    const size = String(sizeOf(entry)).padStart(width);
    yield* context.out(
      `${modeText(entry)} ${links} root root ${size} ${date} ${name}${suffix}${target}\n`,
    );
  }
}

const sizeOf = (entry: Entry): number => {
  switch (entry.kind) {
    case "file":
      return entry.bytes.length;
    case "made":
      return entry.make().length;
    case "folder":
      return 4_096;
    case "link":
      return entry.to.length;
    case "device":
      return 0;
  }
};

/** Blocks of 4 KiB that it takes on a disk; a link's text stands in its inode. */
const blocksOf = (entry: Entry): number =>
  entry.kind === "link" ? 0 : Math.ceil(sizeOf(entry) / 4_096);

/** "drwxr-xr-x" */
export function modeText({ kind, mode }: Entry): string {
  const letter = { file: "-", made: "-", device: "c", folder: "d", link: "l" }[kind];
  const bits = [..."rwxrwxrwx"].map((bit, i) => (mode & (1 << (8 - i)) ? bit : "-"));
  if (mode & 0o1000) bits[8] = mode & 1 ? "t" : "T";
  return letter + bits.join("");
}

export function* stat(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "c:L",
    long: { format: "c:", printf: "c:" },
  });
  return yield* eachWord(context, words, function* (word, entry) {
    const format = flags.get("c") ?? "  File: %n\n  Size: %s\n";
    const text = format.replace(/%([nsaAFUGuYy])/g, (_all, letter: string) => {
      switch (letter) {
        case "n":
          return word;
        case "s":
          return String(sizeOf(entry));
        case "a":
          return entry.mode.toString(8);
        case "A":
          return modeText(entry);
        case "F":
          return {
            file: "regular file",
            made: "regular file",
            folder: "directory",
            link: "symbolic link",
            device: "character special file",
          }[entry.kind];
        case "Y":
          return String(Math.floor(entry.modified / 1000));
        case "y":
          return dated("%F %T.%N %z", entry.modified);
        case "u":
          return "0";
        default:
          return "root";
      }
    });
    yield* context.out(`${text}\n`);
  });
}
