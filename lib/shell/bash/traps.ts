/** What a shell does about signals, and those that wait for their turn. (bash, trap.c) */
import { Signal } from "../../machinery/act.js";
import { signalName, signals } from "../process.js";

export class Traps {
  /** What is done about each, by its name without SIG; "": nothing at all. */
  readonly actions: Map<string, string>;
  /** Fires when a signal has come that somebody who waits should see. */
  readonly interrupted = new Signal();
  readonly #pending: number[] = [];

  /** A subshell has those that do nothing, and no other. */
  constructor(from: Traps | undefined) {
    this.actions = new Map([...(from?.actions ?? [])].filter(([, action]) => action === ""));
  }

  /** A signal comes; false: the process ends by it. */
  take(signal: number, isInteractive: boolean): boolean {
    const name = signalName(signal);
    const action = name === undefined ? undefined : this.actions.get(name);
    if (action === undefined) {
      // who types goes on, without what was asked for
      if (!isInteractive || (signal !== signals.INT && signal !== signals.TERM)) return false;
      if (signal === signals.INT) this.#pending.push(signal);
      this.interrupted.fire();
      return true;
    }
    if (action === "") return true;
    this.#pending.push(signal);
    this.interrupted.fire();
    return true;
  }

  /** The signal that has waited longest. */
  get pending(): number | undefined {
    return this.#pending[0];
  }

  /** Takes the signal that has waited longest. */
  next(): number | undefined {
    return this.#pending.shift();
  }

  /** Whether somebody pressed ^C at the shell's terminal since it was asked last. */
  takeInterrupt(): boolean {
    const at = this.actions.has("INT") ? -1 : this.#pending.indexOf(signals.INT);
    if (at >= 0) this.#pending.splice(at, 1);
    return at >= 0;
  }
}
