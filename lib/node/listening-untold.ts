/**
 * On which ports processes listen of which their spec says nothing: what the manuals of well-known
 * programs and images say, and what speaks against a port that is declared.
 */
import type { Container } from "../objects/types.js";
import { flagged, listenFlag, loopback, untold, type Process, type Word } from "./listening.js";

/** Of these none is a second port, for metrics or the like. */
const ownPortFlag = /^--?(?:(?:http|listen|server)[-.])?port$/i;
/** Without one of those flags these listen on the loopback address. (their own manuals) */
const localByDefault =
  /(?:^| |\/)(flask run|mlflow (?:server|ui)|uvicorn|hypercorn|daphne|gunicorn|fastapi dev|mkdocs serve|artisan serve|manage\.py runserver|ng serve|hugo server|jekyll serve|kubectl proxy|tensorboard)(?: |$)/;
/** What else may tell them: an address by itself, a file, a short flag of their own. */
const toldElsewhere =
  /(?:^| )(?:(?:0|0\.0\.0\.0|\*|\[?::\]?)(?::\d+)?|-h|-c|--config\S*|--bind_all)(?: |$)/;
/** Variables that may tell a process where to listen. */
export const listenVariable = /HOST|BIND|ADDR|CMD_ARGS|^PORT$/;
/** Images whose own command is a shell or an interpreter that ends where it has no terminal. */
const bareImage =
  /^(?:docker\.io\/)?(?:library\/)?(?:busybox|alpine|ubuntu|debian|centos|fedora|bash|python|node|ruby|golang|openjdk|hello-world)(?:[:@]|$)/;

/** Whether its own command is a shell's, which ends at once. */
export const isBareImage = (image: string): boolean => bareImage.test(image);

/** A program that listens on the loopback address as long as nobody tells it another one. */
function localUntold(
  { env = [], ...rest }: Container,
  words: readonly Word[],
): Process["onlyLocal"] {
  const found = localByDefault.exec(words.map((word) => word.text).join(" "));
  const program = found?.[1];
  const isTold =
    toldElsewhere.test(found ? found.input.slice(found.index + program!.length) : "") ||
    [...flagged(words)].some(({ flag }) => listenFlag.test(flag)) ||
    (rest as { envFrom?: unknown[] }).envFrom !== undefined ||
    (env as { name?: string }[]).some(({ name = "" }) => listenVariable.test(name));
  if (program === undefined || isTold) return undefined;
  const { field } = words[0]!;
  return {
    port: undefined,
    field,
    text: program,
    words: "is told no address, and is taken to listen",
  };
}

/** A declared port that the environment speaks against; nobody knows which the program heeds. */
function doubtOf({ env = [], ports = [] }: Container, words: readonly Word[]): string {
  const isDeclared = (text: string) => ports.some(({ containerPort }) => containerPort === +text);
  for (const { flag, value, word } of flagged(words))
    if (ownPortFlag.test(flag) && /^\d+$/.test(value) && !isDeclared(value))
      return `, though its arguments say ${word.text}`;
  for (const { name = "", value = "" } of env as { name?: string; value?: string }[]) {
    const isOther = name === "PORT" && /^\d+$/.test(value) && !isDeclared(value);
    if (isOther || (name === "HOST" && loopback.test(value)))
      return `, though its environment says ${name}=${value}`;
  }
  return "";
}

const bare =
  "has no command, and its image's own, a shell or an interpreter, ends at once where it has no terminal";

Object.assign(untold, { bare, isBare: isBareImage, local: localUntold, doubt: doubtOf });
