/** mkdir, rm, mv, cp and what else changes files. (coreutils) */
import type { Act } from "../../machinery/act.js";
import { FileError } from "../files.js";
import type { Command, Context } from "../place.js";
import { each } from "./each-word.js";
import { optionsOf, refuse } from "./common.js";

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
      const entry = files.changeable(context.path(word));
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

export const files: Readonly<Record<string, Command>> = {
  mkdir,
  rm,
  rmdir,
  touch,
  mv,
  cp,
  chmod,
  ln,
  mktemp,
};
