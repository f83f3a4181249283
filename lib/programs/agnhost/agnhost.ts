/**
 * agnhost, the image of Kubernetes' own tests: a program of many sub-commands, most of which answer
 * over the network and tell of themselves in their logs. (kubernetes: test/images/agnhost)
 */
import { Signal, within, type Act } from "../../machinery/act.js";
import type { Transport } from "../../net/packet.js";
import type { Context } from "../../shell/place.js";
import { signalName, signals } from "../../shell/process.js";
import { know, programsOf, type Reached } from "../images.js";
import { klogLine, portOf, type Given, type Servers } from "./given.js";
import { netexec } from "./netexec.js";
import { guestbook, liveness, nettest, porter, serveHostname, testWebserver } from "./servers.js";
import { tools } from "./tools.js";

const servers: Readonly<Record<string, Servers>> = {
  netexec,
  porter,
  "serve-hostname": serveHostname,
  "test-webserver": testWebserver,
  liveness,
  guestbook,
  net: nettest,
  nettest,
};

// ---- where no process of it runs: asked at a port, it answers as one would ---------------------

know(["agnhost"], (reached) => {
  const { protocol, port, sandbox, container } = reached;
  const of = asking.get(sandbox) ?? new Map<string, ReturnType<Servers>>();
  asking.set(sandbox, of);
  const known = of.get(container.name) ?? serversOf(reached);
  of.set(container.name, known);
  return known.get(`${protocol} ${port}`);
});

/** What they have been told they keep as long as the Pod is there. */
const asking = new WeakMap<object, Map<string, ReturnType<Servers>>>();

function serversOf(reached: Reached): ReturnType<Servers> {
  const words = reached.words.filter((word) => !/(^|\/)agnhost(-2)?$/.test(word));
  const [subcommand = "pause", ...rest] = words;
  return servers[subcommand]?.(asked(reached, rest)) ?? new Map();
}

function asked({ clock, hostname, container, place }: Reached, words: string[]): Given {
  const env = (container.env ?? []) as { name: string; value?: string }[];
  return {
    clock,
    hostname,
    words,
    env: Object.fromEntries(env.map(({ name, value }) => [name, value])),
    began: clock.now(),
    place,
    log: () => {},
    exit: () => {},
    isEnding: () => false,
  };
}

// ---- as a process -------------------------------------------------------------------------------

function* agnhost(context: Context): Act<number> {
  const [subcommand = "pause", ...words] = context.args;
  const tool = tools[subcommand];
  if (tool) return yield* tool(context);
  if (subcommand === "pause") return yield* pause(context);
  const server = servers[subcommand];
  if (server) return yield* served(context, server, words, subcommand);
  yield* context.err(`Error: unknown command ${JSON.stringify(subcommand)} for "app"\n`);
  return 1;
}

/** Until it is told to end. */
function* served(
  context: Context,
  server: Servers,
  words: string[],
  subcommand: string,
): Act<number> {
  const { place, process } = context;
  const { clock } = place.acts;
  const changed = new Signal();
  const lines: string[] = [];
  let code: number | undefined;
  let told = false;
  const log = (line: string): void => {
    lines.push(line);
    changed.fire();
  };
  process.onSignal = (signal) => {
    if (signal !== signals.TERM && (signal !== signals.INT || process.pid !== 1)) return false;
    told = true;
    changed.fire();
    return true;
  };
  const given: Given = {
    clock,
    hostname: place.hostname,
    words,
    env: process.env,
    began: clock.now(),
    place: () => place,
    log,
    exit: (status) => {
      code = status;
      changed.fire();
    },
    isEnding: () => told,
  };
  const open: (() => void)[] = [];
  try {
    for (const [where, listener] of server(given)) {
      const [protocol, port] = where.split(" ") as [Transport, string];
      const close = place.network.listen(protocol, Number(port), listener);
      if (!close) {
        const why = `listen ${protocol.toLowerCase()} :${port}: bind: address already in use`;
        yield* context.err(logged(clock.now(), process.pid, why));
        return 1;
      }
      open.push(close);
    }
    let end = Infinity;
    for (;;) {
      while (lines.length > 0) yield* context.err(logged(clock.now(), process.pid, lines.shift()!));
      if (code !== undefined) return code;
      if (told && end === Infinity) {
        end = clock.now() + afterTerm(given, subcommand);
        if (subcommand === "serve-hostname")
          log("Shutting down after receiving signal: terminated.");
      }
      const left = end - clock.now();
      if (left <= 0) return 0;
      if (lines.length > 0) continue;
      if (left === Infinity) yield changed.wait;
      else yield* within(clock, left, fired(changed));
    }
  } finally {
    for (const close of open) close();
  }
}

function* fired(signal: Signal): Act<void> {
  yield signal.wait;
}

/** Milliseconds from SIGTERM until it ends. */
function afterTerm(given: Given, subcommand: string): number {
  if (subcommand === "netexec") return portOf(given, "delay-shutdown", 0) * 1000;
  return subcommand === "serve-hostname" ? 60_000 : 0;
}

/** Of what Go's own log is given. (k8s.io/component-base: logs.go) */
const logged = (now: number, pid: number, line: string): string =>
  klogLine(now, pid, "log.go:245", line);

/** (pause.go) */
function* pause(context: Context): Act<number> {
  const { process, place } = context;
  const told = new Signal();
  let signal: number | undefined;
  process.onSignal = (number) => {
    if (number !== signals.TERM && number !== signals.INT) return false;
    signal = number;
    told.fire();
    return true;
  };
  yield* context.out("Paused\nSignals registered\n");
  while (signal === undefined) yield told.wait;
  const words = signalName(signal) === "TERM" ? "terminated" : "interrupt";
  const message = `exiting because of signal "${words}"\n`;
  const path = process.env["TERMINATION_MESSAGE_PATH"] || "/dev/termination-log";
  place.files.write(path, message);
  yield* context.out(message);
  return signal === signals.INT ? 1 : 2;
}

// its programs lie at the root
programsOf(["agnhost"], { agnhost, "/agnhost": agnhost, "/agnhost-2": agnhost });
