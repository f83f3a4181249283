/**
 * On which ports a Pod's processes listen, as far as its spec tells. `ports` is documentation, and
 * no image says what it does: so an answer comes with what it was taken from.
 */
import type { Transport } from "../net/packet.js";
import type { Container, Pod } from "../objects/types.js";

/** What these images listen on whatever their manifest declares, unless they are told otherwise. */
const imagePorts: ReadonlyMap<string, number> = new Map([
  ["nginx", 80],
  ["httpd", 80],
  ["caddy", 80],
  ["traefik", 80],
  ["redis", 6379],
  ["whoami", 80],
  ["http-echo", 5678],
  ["hello-app", 8080],
  ["echoserver", 8080],
]);

/** Programs that listen on nothing. */
const idle = new Set(["sleep", "tail", "true", "false", "echo", "cat", "date", "pause", "yes"]);
/** Words of a shell script that are no programs. */
const keywords = new Set(["while", "until", "do", "done", "if", "then", "fi", ":", "exec", "trap"]);

/** Flags whose value is an address to listen on. */
export const listenFlag =
  /^-{1,2}(?:[\w.-]*(?:bind|listen|host|addr|address|interface)[\w.-]*|b|S|l)$/i;
const portFlag = /^-{1,2}(?:[\w.-]*port|p)$/i;
export const loopback =
  /^(?:[a-z]+:\/\/)?(?:127(?:\.\d{1,3}){3}|localhost|\[?::1\]?)(?::(\d+))?\/?$/i;

/** Whether it listens, the field that says so, and in which words. */
export interface Answer {
  listens: boolean;
  field: string;
  /** "is taken to listen on TCP 80, …" */
  words: string;
  /** Whether the field leaves no doubt. */
  isCertain: boolean;
}

export class Listening {
  readonly #specs: readonly Container[];
  /** Worked out when somebody asks: most Pods of a big cluster nobody ever does. */
  #processes: readonly Process[] | undefined;

  constructor({ spec }: Pod) {
    this.#specs = spec.containers;
  }

  get #containers(): readonly Process[] {
    return (this.#processes ??= this.#specs.map(processOf));
  }

  /** Whether somebody listens; `runs` answers which containers do. */
  on(protocol: Transport, port: number, runs: (container: string) => boolean): boolean {
    let isSilent = true;
    let isBusy = this.#containers.length === 0;
    let all = true;
    for (const each of this.#containers) {
      if (!runs(each.name)) all = false;
      else if (takes(each, protocol, port)) return true;
      if (each.isIdle || each.onlyLocal) continue;
      isBusy = true;
      isSilent &&= each.ports.length === 0 && each.image === undefined && each.told.length === 0;
    }
    return isBusy && isSilent && all;
  }

  /** The same with its reasons. */
  explain(protocol: Transport, port: number, runs: (container: string) => boolean): Answer {
    const wanted = `${protocol} ${port}`;
    const listens = this.on(protocol, port, runs);
    const by = this.#containers.find((each) => runs(each.name) && takes(each, protocol, port));
    if (by) return { listens, ...sourceOf(by, protocol, port), isCertain: false };
    if (listens)
      return {
        listens,
        field: "spec.containers[0].ports",
        words: "declares no port: it is taken to listen on every one",
        isCertain: false,
      };
    const local = this.#containers.find(({ onlyLocal }) => onlyLocal && isAt(onlyLocal, port));
    if (local?.onlyLocal)
      return {
        listens,
        field: local.onlyLocal.field,
        words: `${local.onlyLocal.words ?? "listens"} on the loopback address alone ("${local.onlyLocal.text}"), where nobody outside of the Pod gets to`,
        isCertain: true,
      };
    const lazy = this.#containers.find(({ isIdle }) => isIdle);
    if (lazy && this.#containers.every(({ isIdle }) => isIdle))
      return {
        listens,
        field: `${lazy.path}.command`,
        words: lazy.program ? `runs "${lazy.program}", which listens on no port` : untold.bare,
        isCertain: true,
      };
    const stopped = this.#containers.find(({ name }) => !runs(name));
    if (stopped && takes(stopped, protocol, port))
      return { listens, field: stopped.path, words: "does not run", isCertain: true };
    const others = [...new Set(this.#containers.flatMap(heldBy))].join(", ") || "nothing";
    return {
      listens,
      field: "spec.containers[0].ports",
      words: `is taken to listen on ${others} alone, as far as its spec and its image tell, and not on ${wanted}`,
      isCertain: false,
    };
  }
}

/** What a container's process listens on. */
export interface Process {
  name: string;
  /** "spec.containers[0]" */
  path: string;
  program: string;
  isIdle: boolean;
  image: number | undefined;
  ports: readonly { protocol: string; port: number; field: string; text: string }[];
  /** TCP ports that its arguments, its environment or its probes name. */
  told: readonly { port: number; field: string }[];
  /** `words`: why it is taken to be so, where nothing says it. */
  onlyLocal: { port: number | undefined; field: string; text: string; words?: string } | undefined;
  /** ", though …": what its environment says against what is declared. */
  doubt: string;
}

/** "TCP 80": what it listens on, as far as anybody knows. */
const heldBy = ({ ports, image, told }: Process): string[] => [
  ...ports.map(({ text }) => text),
  ...(image === undefined ? [] : [`TCP ${image}`]),
  ...told.map(({ port }) => `TCP ${port}`),
];

const isAt = (local: { port: number | undefined }, port: number): boolean =>
  local.port === undefined || local.port === port;

function takes(
  { ports, image, told, isIdle, onlyLocal }: Process,
  protocol: Transport,
  port: number,
): boolean {
  if (isIdle || (onlyLocal && protocol === "TCP" && isAt(onlyLocal, port))) return false;
  return (
    ports.some((one) => one.port === port && one.protocol === protocol) ||
    (protocol === "TCP" && (image === port || told.some((one) => one.port === port)))
  );
}

function sourceOf({ ports, path, told, doubt }: Process, protocol: Transport, port: number) {
  const declared = ports.find((one) => one.port === port && one.protocol === protocol);
  const words = `is taken to listen on ${protocol} ${port}`;
  if (declared) return { field: declared.field, words: `${words}, since it is declared${doubt}` };
  const named = told.find((one) => one.port === port);
  if (named) return { field: named.field, words: `${words}, since it is named there` };
  return { field: `${path}.image`, words: `${words}, as this image does` };
}

function processOf(container: Container, i: number): Process {
  const path = `spec.containers[${i}]`;
  const words = wordsOf(container, path);
  const told = [...toldPorts(words), ...environmentPorts(container, path)];
  const base = imageName(container.image ?? "");
  const isTold = words.some(({ text }) => /\d/.test(text)) && told.length > 0;
  return {
    name: container.name,
    path,
    program: words[0]?.text ?? "",
    isIdle: isIdleContainer(container, words),
    image: isTold ? undefined : imagePorts.get(base),
    ports: (container.ports ?? []).map(({ containerPort, protocol = "TCP" }, j) => ({
      protocol,
      port: containerPort,
      field: `${path}.ports[${j}].containerPort`,
      text: `${protocol} ${containerPort}`,
    })),
    // the author of a probe knows where the process listens; of a known image we know it, too
    told: [...told, ...(imagePorts.has(base) ? [] : probedPorts(container, path))],
    onlyLocal: localOnly(words) ?? untold.local(container, words),
    doubt: untold.doubt(container, words),
  };
}

function isIdleContainer(
  { command = [], image = "", ...rest }: Container,
  words: readonly Word[],
): boolean {
  const isBare = untold.isBare(image) && !(rest as { tty?: boolean }).tty;
  if (command.length === 0 && !isBare) return false;
  return words.length === 0 ? isBare : isIdle(words.map(({ text }) => text));
}

/**
 * What nothing in a spec says, and manuals do: listening-untold.ts knows it, which comes with
 * given.ts, and so with everything but a page's first journey.
 */
export const untold = {
  bare: "",
  /** Whether an image's own command is a shell's, which ends at once. */
  isBare: (_image: string): boolean => false,
  /** A program that listens on the loopback address as long as nobody tells it another one. */
  local: (_container: Container, _words: readonly Word[]): Process["onlyLocal"] => undefined,
  /** ", though …": what speaks against a declared port. */
  doubt: (_container: Container, _words: readonly Word[]): string => "",
};

/** Whether it is known of an image what it listens on: "docker.io/library/nginx:1.29". */
export const isKnownImage = (image: string): boolean => imagePorts.has(imageName(image));

/** "nginx" of "registry.example.com:5000/library/nginx:1.27". */
export function imageName(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return name.split(/[:@]/, 1)[0]!;
}

export interface Word {
  text: string;
  field: string;
}

/** The words of its command line; a shell's script is taken apart. */
function wordsOf({ command = [], args = [] }: Container, path: string): Word[] {
  const all = [
    ...command.map((text) => ({ text: String(text), field: `${path}.command` })),
    ...args.map((text) => ({ text: String(text), field: `${path}.args` })),
  ];
  return all.flatMap(({ text, field }) =>
    text
      .split(/\s+/)
      .filter(Boolean)
      .map((word) => ({ text: word.replace(/^["']|["']$/g, ""), field })),
  );
}

/** Whether its programs are all such that listen on nothing. */
function isIdle(words: readonly string[]): boolean {
  const [first = "", second = ""] = words;
  if (!/(^|\/)(ba|da|a)?sh$/.test(first)) return idle.has(first.split("/").pop()!);
  if (!/^-\w*c$/.test(second)) return false;
  const programs = words
    .slice(2)
    .join(" ")
    .split(/;|&&|\|\||[|&\n]|\bdo\b|\bthen\b/)
    .map((part) => part.split(/\s+/).find((word) => word !== "" && !keywords.has(word)))
    .filter((word) => word !== undefined);
  return programs.length > 0 && programs.every((word) => idle.has(word.split("/").pop()!));
}

/** Flags and their values: "--bind 127.0.0.1", "--bind=127.0.0.1". */
export function* flagged(
  words: readonly Word[],
): Generator<{ flag: string; value: string; word: Word }> {
  for (const [i, word] of words.entries()) {
    const [flag = "", value] = word.text.split(/=(.*)/s, 2);
    if (!flag.startsWith("-")) continue;
    const next = value ?? words[i + 1]?.text;
    const text = value === undefined ? `${word.text} ${next}` : word.text;
    if (next !== undefined) yield { flag, value: next, word: { ...word, text } };
  }
}

function localOnly(words: readonly Word[]): Process["onlyLocal"] {
  let found: Process["onlyLocal"];
  for (const { flag, value, word } of flagged(words)) {
    if (!listenFlag.test(flag)) continue;
    const [, port] = loopback.exec(value) ?? [];
    if (!loopback.test(value)) return undefined; // it listens elsewhere, too
    found ??= { port: port ? Number(port) : undefined, ...word };
  }
  return found;
}

function* toldPorts(words: readonly Word[]): Generator<{ port: number; field: string }> {
  for (const { flag, value, word } of flagged(words)) {
    const isPort = portFlag.test(flag) && /^\d{1,5}$/.test(value);
    const listens = listenFlag.test(flag) && /(?:^|:)(\d{1,5})\/?$/.exec(value);
    const port = Number(isPort ? value : listens ? listens[1] : NaN);
    if (port > 0 && port < 65536) yield { port, field: word.field };
  }
}

const environmentPorts = ({ env = [] }: Container, path: string) =>
  (env as { name?: string; value?: string }[]).flatMap(({ name = "", value = "" }, i) =>
    tellsPort(name, value) ? [{ port: Number(value), field: `${path}.env[${i}]` }] : [],
  );

/** Whether a variable of the environment says on which port the process listens. */
export const tellsPort = (name: string, value: string): boolean =>
  /^(?:\w+_)?PORT$/.test(name) && /^\d{2,5}$/.test(value) && !/(DB|REDIS|_SERVICE_)/.test(name);

const probes = ["startupProbe", "readinessProbe", "livenessProbe"] as const;

const probedPorts = (container: Container, path: string) =>
  probes.flatMap((name) => {
    const port = container[name]?.httpGet?.port ?? container[name]?.tcpSocket?.port;
    return typeof port === "number" ? [{ port, field: `${path}.${name}` }] : [];
  });
