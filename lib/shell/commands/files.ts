/** Commands about files: ls, mkdir, rm, cp, mv, touch, chmod, ln, stat, find, mktemp, … */
import type { Act } from "../../machinery/act.js";
import { FileError, type Entry } from "../files.js";
import { matches, patternOf } from "../bash/pattern.js";
import { dated } from "../dates.js";
import type { Command, Context } from "../place.js";
import { complain, optionsOf, refuse } from "./common.js";

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

/** "drwxr-xr-x" */
export function modeText({ kind, mode }: Entry): string {
  const letter = { file: "-", made: "-", device: "c", folder: "d", link: "l" }[kind];
  const bits = [..."rwxrwxrwx"].map((bit, i) => (mode & (1 << (8 - i)) ? bit : "-"));
  if (mode & 0o1000) bits[8] = mode & 1 ? "t" : "T";
  return letter + bits.join("");
}

function* ls(context: Context): Act<number> {
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
  if (isFolder && flags.has("l")) yield* context.out(`total ${4 * sorted.length}\n`);
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

/** Does something for each word; says what fails, and goes on. */
function* each(
  context: Context,
  words: readonly string[],
  what: (word: string) => string,
  run: (word: string) => void,
): Act<number> {
  if (words.length === 0) return yield* refuse(context, 1, "missing operand");
  let status = 0;
  for (const word of words) {
    yield* context.process.spend();
    try {
      run(word);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      yield* complain(context, `${what(word)}: ${error.message}`);
      status = 1;
    }
  }
  return status;
}

function* mkdir(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "pm:v",
    long: { parents: "p", mode: "m:" },
  });
  return yield* each(
    context,
    words,
    (word) => `cannot create directory '${word}'`,
    (word) => context.place.files.makeFolder(context.path(word), flags.has("p")),
  );
}

function* rm(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, {
    letters: "rRfvid",
    long: { recursive: "r", force: "f" },
  });
  if (words.length === 0 && flags.has("f")) return 0;
  const { files } = context.place;
  return yield* each(
    context,
    words,
    (word) => `cannot remove '${word}'`,
    (word) => {
      const path = context.path(word).replace(/(?<=.)\/$/, "");
      const entry = files.find(path, false);
      if (!entry && flags.has("f")) return;
      const isWhole = flags.has("r") || flags.has("R");
      if (entry?.kind === "folder" && !isWhole) throw new FileError("EISDIR");
      if (entry?.kind === "device" || entry?.kind === "made") throw new FileError("EPERM");
      files.remove(path, isWhole);
    },
  );
}

function* rmdir(context: Context): Act<number> {
  const { words } = yield* optionsOf(context, { letters: "p" });
  const { files } = context.place;
  return yield* each(
    context,
    words,
    (word) => `failed to remove '${word}'`,
    (word) => {
      if (files.at(context.path(word), false).kind !== "folder") throw new FileError("ENOTDIR");
      files.remove(context.path(word).replace(/(?<=.)\/$/, ""));
    },
  );
}

function* touch(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "acmd:t:r:" });
  const { files, acts } = context.place;
  return yield* each(
    context,
    words,
    (word) => `cannot touch '${word}'`,
    (word) => {
      const entry = files.find(context.path(word));
      if (entry) entry.modified = acts.clock.now();
      else if (!flags.has("c")) files.open(context.path(word), true);
    },
  );
}

function* mv(context: Context): Act<number> {
  const { words } = yield* optionsOf(context, { letters: "fvn" });
  const target = words.at(-1);
  if (words.length < 2 || target === undefined)
    return yield* refuse(context, 1, "missing file operand");
  return yield* each(
    context,
    words.slice(0, -1),
    (word) => `cannot move '${word}' to '${target}'`,
    (word) => context.place.files.move(context.path(word), context.path(target)),
  );
}

function* cp(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "rRafpv" });
  const target = words.at(-1);
  if (words.length < 2 || target === undefined)
    return yield* refuse(context, 1, "missing file operand");
  const { files } = context.place;
  const isWhole = flags.has("r") || flags.has("R") || flags.has("a");
  const copy = (from: string, to: string, depth: number): void => {
    const entry = files.at(from);
    if (entry.kind !== "folder") return files.write(to, files.read(from));
    if (!isWhole) throw new FileError("EISDIR");
    if (`${to}/`.startsWith(`${from}/`) || depth > 100) throw new FileError("EINVAL");
    files.makeFolder(to, true);
    for (const name of entry.entries.keys()) copy(`${from}/${name}`, `${to}/${name}`, depth + 1);
  };
  return yield* each(
    context,
    words.slice(0, -1),
    (word) => `cannot copy '${word}'`,
    (word) => {
      const into = files.find(context.path(target))?.kind === "folder";
      const name = word.replace(/\/+$/, "").split("/").at(-1)!;
      const to = context.path(into ? `${target}/${name}` : target).replace(/(?<=.)\/$/, "");
      copy(context.path(word).replace(/(?<=.)\/$/, ""), to, 0);
    },
  );
}

function* chmod(context: Context): Act<number> {
  const [mode = "", ...words] = context.args.filter((word) => word !== "-R");
  const { files } = context.place;
  const symbolic = /^([ugoa]*)([-+=])([rwxX]*)$/.exec(mode);
  if (!/^[0-7]{3,4}$/.test(mode) && !symbolic)
    return yield* refuse(context, 1, `invalid mode: '${mode}'`);
  return yield* each(
    context,
    words,
    (word) => `cannot access '${word}'`,
    (word) => {
      const entry = files.at(context.path(word));
      if (!symbolic) return void (entry.mode = parseInt(mode, 8));
      const [, who = "", operator, bits = ""] = symbolic;
      const all = who === "" || who.includes("a") ? "ugo" : who;
      let mask = 0;
      for (const [i, one] of [..."ugo"].entries())
        if (all.includes(one))
          for (const [bit, value] of [
            ["r", 4],
            ["w", 2],
            ["x", 1],
          ] as const)
            if (bits.includes(bit)) mask |= value << (6 - 3 * i);
      entry.mode =
        operator === "-" ? entry.mode & ~mask : operator === "+" ? entry.mode | mask : mask;
    },
  );
}

function* ln(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "sfn" });
  const [to, path] = words;
  if (to === undefined || path === undefined)
    return yield* refuse(context, 1, "missing file operand");
  const { files } = context.place;
  if (!flags.has("s")) return yield* refuse(context, 1, "hard links are not modelled; use -s");
  if (flags.has("f") && files.find(context.path(path), false)) files.remove(context.path(path));
  return yield* each(
    context,
    [path],
    (word) => `failed to create symbolic link '${word}'`,
    (word) => files.link(context.path(word), to),
  );
}

function* readlink(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "fe" });
  for (const word of words) {
    const entry = context.place.files.find(context.path(word), false);
    if (flags.has("f"))
      yield* context.out(`${entry?.kind === "link" ? entry.to : context.path(word)}\n`);
    else if (entry?.kind === "link") yield* context.out(`${entry.to}\n`);
    else return 1;
  }
  return 0;
}

function* find(context: Context): Act<number> {
  const at = context.args.findIndex((word) => /^[-(!]/.test(word));
  const starts = at < 0 ? context.args : context.args.slice(0, at);
  const tests = at < 0 ? [] : context.args.slice(at);
  const checks: ((path: string, entry: Entry, depth: number) => boolean)[] = [];
  let [deepest, least] = [100, 0];
  for (let i = 0; i < tests.length; i++) {
    const value = tests[i + 1] ?? "";
    switch (tests[i]) {
      case "-name": {
        const pattern = patternOf(value);
        checks.push((path) => matches(pattern, path.split("/").at(-1)!));
        i++;
        break;
      }
      case "-type":
        checks.push((_path, { kind }) =>
          value === "d"
            ? kind === "folder"
            : value === "l"
              ? kind === "link"
              : kind !== "folder" && kind !== "link",
        );
        i++;
        break;
      case "-maxdepth":
        deepest = Number(value);
        i++;
        break;
      case "-mindepth":
        least = Number(value);
        i++;
        break;
      case "-print":
        break;
      default:
        return yield* refuse(context, 1, `unknown predicate '${tests[i]}'`);
    }
  }
  let status = 0;
  const walk = function* (path: string, entry: Entry, depth: number): Act<void> {
    yield* context.process.spend();
    if (depth >= least && checks.every((check) => check(path, entry, depth)))
      yield* context.out(`${path}\n`);
    if (entry.kind !== "folder" || depth >= deepest) return;
    for (const [name, child] of entry.entries)
      yield* walk(path.endsWith("/") ? path + name : `${path}/${name}`, child, depth + 1);
  };
  for (const start of starts.length > 0 ? starts : ["."]) {
    const entry = context.place.files.find(context.path(start), false);
    if (entry) yield* walk(start, entry, 0);
    else {
      yield* complain(context, `'${start}': No such file or directory`);
      status = 1;
    }
  }
  return status;
}

function* stat(context: Context): Act<number> {
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

function* eachWord(
  context: Context,
  words: readonly string[],
  use: (word: string, entry: Entry) => Act<void>,
): Act<number> {
  let status = 0;
  for (const word of words) {
    const entry = context.place.files.find(context.path(word), false);
    if (entry) yield* use(word, entry);
    else {
      yield* complain(context, `cannot statx '${word}': No such file or directory`);
      status = 1;
    }
  }
  return status;
}

function* mktemp(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "dup:t", long: { tmpdir: "p:" } });
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const template = words[0] ?? "/tmp/tmp.XXXXXXXXXX";
  const path = template.replace(/X+$/, (all) =>
    [...all].map(() => letters[Math.floor(context.place.random() * letters.length)]).join(""),
  );
  if (flags.has("d")) context.place.files.makeFolder(context.path(path));
  else context.place.files.write(context.path(path), "");
  yield* context.out(`${path}\n`);
  return 0;
}

function* basename(context: Context): Act<number> {
  const [path, suffix = ""] = context.args;
  if (path === undefined) return yield* refuse(context, 1, "missing operand");
  const name =
    path
      .replace(/(?<=.)\/+$/, "")
      .split("/")
      .at(-1) || "/";
  const isCut = suffix !== "" && name !== suffix && name.endsWith(suffix);
  yield* context.out(`${isCut ? name.slice(0, -suffix.length) : name}\n`);
  return 0;
}

function* dirname(context: Context): Act<number> {
  const [path] = context.args;
  if (path === undefined) return yield* refuse(context, 1, "missing operand");
  const at = path.replace(/(?<=.)\/+$/, "").lastIndexOf("/");
  yield* context.out(`${at < 0 ? "." : path.slice(0, at) || "/"}\n`);
  return 0;
}

function* realpath(context: Context): Act<number> {
  return yield* eachWord(context, context.args, function* (word) {
    yield* context.out(`${context.path(word).replace(/(?<=.)\/$/, "")}\n`);
  });
}

export const files: Readonly<Record<string, Command>> = {
  ls,
  mkdir,
  rm,
  rmdir,
  touch,
  mv,
  cp,
  chmod,
  ln,
  readlink,
  find,
  stat,
  mktemp,
  basename,
  dirname,
  realpath,
};
