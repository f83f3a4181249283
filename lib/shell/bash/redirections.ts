/** `>`, `<`, `2>&1`, here-documents: descriptors for one command, or for good (`exec`). */
import { parse, type HereDoc, type Redirect, type Redirection } from "unbash";
import type { Act } from "../../machinery/act.js";
import { absolute, FileError } from "../files.js";
import type { Place } from "../place.js";
import type { Process } from "../process.js";
import type { Shell } from "./shell.js";
import { FileStream, inputOf, type Stream } from "../streams.js";
import { ShellError } from "./variables.js";
import { fieldsOf, textOf } from "./words.js";

export class Redirector {
  /** What the descriptors led to before. */
  readonly #saved = new Map<number, Stream | undefined>();

  constructor(private readonly shell: Shell) {}

  *apply(redirection: Redirection): Act<void> {
    const { shell } = this;
    const given = redirection.descriptor;
    const numbered = given?.type === "FileDescriptor" ? given.value : undefined;
    if (given?.type === "FileDescriptorVariable")
      throw new ShellError(`{${given.name}}: descriptors by name are not modelled here`);
    switch (redirection.type) {
      case "HereString":
        this.#set(numbered ?? 0, inputOf(`${yield* textOf(shell, redirection.target)}\n`));
        return;
      case "HereDoc":
        this.#set(numbered ?? 0, inputOf(yield* documentOf(shell, redirection)));
        return;
      case "Redirect":
        return yield* this.#redirect(redirection, numbered);
    }
  }

  *#redirect({ operator, target }: Redirect, numbered: number | undefined): Act<void> {
    const { shell } = this;
    const fields = target ? yield* fieldsOf(shell, [target]) : [];
    if (fields.length !== 1) throw new ShellError(`${target?.text ?? ""}: ambiguous redirect`);
    const [path = ""] = fields;
    if (operator === ">&" || operator === "<&") {
      if (/^\d+$/.test(path) || path === "-") {
        const fd = numbered ?? (operator === ">&" ? 1 : 0);
        return this.#duplicate(fd, path);
      }
      if (operator === "<&" || numbered !== undefined)
        throw new ShellError(`${path}: ambiguous redirect`);
    }
    const isBoth = operator.startsWith("&") || operator === ">&";
    const stream = openedBy(shell, path, operator);
    this.#set(numbered ?? (operator.startsWith("<") ? 0 : 1), stream);
    if (isBoth) this.#set(2, stream.retain());
  }

  #duplicate(fd: number, source: string): void {
    if (source === "-") return this.#set(fd, undefined);
    const stream = this.shell.process.fds.get(Number(source));
    if (!stream) throw new ShellError(`${source}: Bad file descriptor`);
    this.#set(fd, stream.retain());
  }

  #set(fd: number, stream: Stream | undefined): void {
    const { fds } = this.shell.process;
    if (this.#saved.has(fd)) fds.get(fd)?.release();
    else this.#saved.set(fd, fds.get(fd));
    if (stream) fds.set(fd, stream);
    else fds.delete(fd);
  }

  /** They stay. */
  keep(): void {
    for (const stream of this.#saved.values()) stream?.release();
    this.#saved.clear();
  }

  restore(): void {
    const { fds } = this.shell.process;
    for (const [fd, before] of this.#saved) {
      fds.get(fd)?.release();
      if (before) fds.set(fd, before);
      else fds.delete(fd);
    }
    this.#saved.clear();
  }
}

/** Runs with redirections, and takes them back. */
export function* redirected(
  shell: Shell,
  redirects: readonly Redirection[],
  run: () => Act<void>,
): Act<void> {
  if (redirects.length === 0) return yield* run();
  const redirector = new Redirector(shell);
  try {
    for (const redirect of redirects) yield* redirector.apply(redirect);
    yield* run();
  } finally {
    redirector.restore();
  }
}

function openedBy(shell: Shell, path: string, operator: Redirect["operator"]): Stream {
  try {
    return open(shell.place, shell.process, path, operator);
  } catch (error) {
    if (error instanceof FileError) throw new ShellError(`${path}: ${error.message}`);
    throw error;
  }
}

/** Opens a file for a process. Throws FileError. */
export function open(
  { files }: Place,
  process: Process,
  path: string,
  operator: Redirect["operator"],
): Stream {
  const fd = /^\/dev\/(?:fd\/(\d+)|(stdin)|(stdout)|(stderr))$/.exec(
    path.replace(/^\/proc\/(?:self|1)\/fd\//, "/dev/fd/"),
  );
  if (fd) {
    const number = Number(fd[1] ?? (fd[2] ? 0 : fd[3] ? 1 : 2));
    const stream = process.fds.get(number);
    if (!stream) throw new FileError("ENOENT");
    return stream.retain();
  }
  if (path === "") throw new FileError("ENOENT");
  const at = absolute(path, process.folder);
  if (operator === "<") {
    const entry = files.at(at);
    if (entry.kind === "link") throw new FileError("ELOOP");
    // a folder can be opened; reading it fails
    if (entry.kind === "folder") throw new FileError("EISDIR");
    return new FileStream(files, entry, "read");
  }
  const entry = files.open(at, true);
  const appends = operator === ">>" || operator === "&>>";
  if (!appends && operator !== "<>" && entry.kind === "file") files.truncate(entry);
  return new FileStream(files, entry, appends ? "append" : operator === "<>" ? "both" : "write");
}

/** A here-document's text. */
function* documentOf(shell: Shell, { body, delimiter, operator }: HereDoc): Act<string> {
  const text = operator === "<<-" ? body.text.replace(/^\t+/gm, "") : body.text;
  if (delimiter?.quoted) return text;
  if (operator === "<<-" && body.parts) {
    // without its tabs it has other places: it is read again
    const again = parse(`cat <<'E' <<E2\nE\n${text}E2\n`).commands[0]?.command;
    const redirect = again?.type === "Command" ? again.redirects[1] : undefined;
    if (redirect?.type === "HereDoc" && redirect.body.parts)
      return yield* joined(shell, redirect.body);
  }
  return body.parts
    ? yield* joined(shell, body)
    : text.replace(/\\([$`\\])/g, "$1").replace(/\\\n/g, "");
}

function* joined(shell: Shell, { parts, text }: HereDoc["body"]): Act<string> {
  return yield* textOf(shell, {
    type: "Word",
    text: "",
    value: text,
    pos: 0,
    end: 0,
    parts: [
      {
        type: "DoubleQuoted",
        pos: 0,
        end: 0,
        text,
        parts: parts as never,
      },
    ],
  });
}
