/**
 * Commands that a kubelet runs in a container beside its own: exec probes, and hooks.
 * (kubernetes: pkg/probe/exec/exec.go; pkg/kubelet/lifecycle/handlers.go; k8s.io/cri-client:
 * pkg/remote_runtime.go, ExecSync)
 */
import type { Answer } from "../node/kubelet/prober.js";
import { execute, NoProgramError, Sink, type Place } from "../shell/index.js";
import { type Allowance, ForkError, signals } from "../shell/process.js";

/** Bytes that a probe keeps of what its command prints. (maxReadLength) */
const MOST_BYTES = 10 * 1024;

/** What became of a command. */
export type Outcome =
  | { how: "ended"; status: number; output: string }
  | { how: "timed out"; why: string }
  | { how: "not started"; why: string };

export interface Asked {
  command: readonly string[];
  /** Undefined: as long as it takes. */
  seconds?: number | undefined;
  /** Nobody waits for it. */
  background: boolean;
  allowance: Allowance;
}

/** Runs it; `done` hears of its end once. */
export function runAsked(place: Place, asked: Asked, done: (outcome: Outcome) => void): void {
  const { command, seconds, background, allowance } = asked;
  const { clock } = place.acts;
  let output = "";
  const sink = new Sink(
    Infinity,
    (bytes) => (output += bytes.slice(0, MOST_BYTES - output.length)),
    () => {},
  );
  let cancel = () => {};
  let isOver = false;
  const finish = (outcome: Outcome): void => {
    if (isOver) return;
    isOver = true;
    cancel();
    done(outcome);
  };
  try {
    const process = execute(place, command, { stdout: sink, background, allowance });
    process.ended.wait(() => finish({ how: "ended", status: process.status!, output }), background);
    if (process.status !== undefined)
      return finish({ how: "ended", status: process.status, output });
  } catch (error) {
    if (!(error instanceof NoProgramError) && !(error instanceof ForkError)) throw error;
    return finish({ how: "not started", why: notStarted(error) });
  }
  if (seconds === undefined) return;
  cancel = clock.schedule(
    1000 * seconds,
    () => {
      finish({
        how: "timed out",
        why: `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${seconds}s`,
      });
      place.processes.signalAll(signals.KILL, (each) => each.allowance === allowance);
    },
    { background },
  );
}

const notStarted = (error: Error): string =>
  "rpc error: code = Unknown desc = failed to exec in container: failed to start exec: OCI runtime " +
  `exec failed: exec failed: unable to start container process: ${
    error instanceof ForkError ? "fork/exec: resource temporarily unavailable" : error.message
  }`;

/** What a probe makes of it. */
export function answerOf(outcome: Outcome): Answer {
  switch (outcome.how) {
    case "ended":
      return { ok: outcome.status === 0, message: outcome.output };
    case "timed out":
      return { ok: false, message: outcome.why };
    case "not started":
      return { ok: false, message: outcome.why, how: "errored and resulted in unknown state" };
  }
}
