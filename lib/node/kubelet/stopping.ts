/**
 * How a container ends: its preStop hook, SIGTERM, and what its process makes of that. The times
 * decide what a client sees of a Pod that is being replaced.
 */
import type { Container } from "../../objects/types.js";

/** How long a well-behaved process takes to end after SIGTERM. */
export const STOP_MS = 1_000;
/**
 * What a process gets after SIGTERM even where its hook has used up the grace period.
 * (pkg/kubelet/kuberuntime: minimumGracePeriodInSeconds)
 */
const LEAST_GRACE_MS = 2_000;

/** The end of one container, in milliseconds from the moment the kubelet begins to stop it. */
export interface Stopping {
  /** The hook is over and the process gets SIGTERM. */
  signal: number;
  /** It takes no connections from here on: each new one is refused. */
  closes: number;
  /** It has ended. */
  ends: number;
}

/**
 * nginx, like most servers, closes its listening sockets when it is told to end and goes on only
 * with the connections it has (nginx.org/en/docs/control.html). One that drains goes on accepting:
 * Kubernetes' own agnhost does so with `netexec --delay-shutdown=SECONDS`.
 */
export function stoppingOf(container: Container, graceMs: number): Stopping {
  const signal = Math.min(preStopMs(container), graceMs);
  const left = Math.max(graceMs - signal, LEAST_GRACE_MS);
  const drains = drainMs(container);
  const ends = signal + Math.min(drains || STOP_MS, left);
  return { signal, closes: drains ? ends : signal, ends };
}

/** A hook of another kind is taken to be over at once. */
function preStopMs({ lifecycle }: Container): number {
  const { sleep, exec } = lifecycle?.preStop ?? {};
  return (sleep?.seconds ?? sleepOf(exec?.command ?? [])) * 1_000;
}

/** Seconds that `sleep N` takes, alone or within `sh -c`. */
function sleepOf(command: readonly string[]): number {
  const [program = "", option, script = ""] = command;
  const words = /(^|\/)(ba|da|a)?sh$/.test(program) && option === "-c" ? script : command.join(" ");
  const found = /(?:^|[;&\s])(?:\/\S*\/)?sleep\s+(\d{1,6}(?:\.\d{1,3})?)(s|m)?(?=$|[;&\s])/.exec(
    words,
  );
  return found ? Number(found[1]) * (found[2] === "m" ? 60 : 1) : 0;
}

function drainMs({ image = "", command = [], args = [] }: Container): number {
  if (!/(^|\/)agnhost(:|@|$)/.test(image)) return 0;
  const words = [...command, ...args];
  const at = words.findIndex((word) => word.startsWith("--delay-shutdown"));
  if (!words.includes("netexec") || at < 0) return 0;
  const seconds = Number(words[at]!.split("=")[1] ?? words[at + 1]);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}
