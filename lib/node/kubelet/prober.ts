import type { Clock } from "../../api/clock.js";
import type { Probe } from "../../objects/types.js";

interface ProberOptions {
  clock: Clock;
  probe: Probe;
  /** "Pod default/web" */
  about: string;
  /**
   * Asks once: answers, or tells `heard` later. `background`: nobody waits for it.
   */
  run(heard: (answer: Answer) => void, background: boolean): Answer | undefined;
  /** Told of each failed attempt, and of those that could not be made: `how` says so. */
  onFailure(message: string, how?: string): void;
  /**
   * Told when enough attempts in a row went the other way; at first nothing is known, and both
   * verdicts are news.
   */
  onChange(ok: boolean): void;
  /** When the container started: initialDelaySeconds counts from there. */
  since: number;
  /** Nobody waits for its first verdict. */
  background?: boolean;
  /** It ends with its first success. */
  once?: boolean;
}

/** What a probe came to. */
export interface Answer {
  ok: boolean;
  message: string;
  /** Where it could not be made, which counts for nothing: the words for that. */
  how?: string;
}

/** Probes one container, again and again. (pkg/kubelet/prober/worker.go) */
export class Prober {
  #verdict: boolean | undefined;
  #run = 0;
  #last: boolean | undefined;
  #stopped = false;
  #cancel!: () => void;

  constructor(private readonly options: ProberOptions) {
    this.#schedule(
      Math.max(
        0,
        options.since + (options.probe.initialDelaySeconds ?? 0) * 1_000 - options.clock.now(),
      ),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** Somebody waits for the first verdict; after that it is background work. */
  #schedule(delay: number): void {
    const waitedFor = this.#verdict === undefined && !this.options.background;
    this.#cancel = this.options.clock.schedule(delay, () => this.#attempt(), {
      background: !waitedFor,
      about: this.options.about,
    });
  }

  #attempt(): void {
    const { clock, probe, background } = this.options;
    const next = clock.now() + (probe.periodSeconds ?? 10) * 1_000;
    const heard = (answer: Answer): void => {
      if (!this.#stopped && this.#goesOn(answer)) this.#schedule(Math.max(0, next - clock.now()));
    };
    const answer = this.options.run(heard, background ?? this.#verdict !== undefined);
    if (answer) heard(answer);
  }

  /** Takes an answer in. */
  #goesOn({ ok, message, how }: Answer): boolean {
    const {
      probe: { successThreshold = 1, failureThreshold = 3 },
      once,
    } = this.options;
    if (!ok) this.options.onFailure(message, how);
    if (how) return true;
    this.#run = ok === this.#last ? this.#run + 1 : 1;
    this.#last = ok;
    if (ok !== this.#verdict && this.#run >= (ok ? successThreshold : failureThreshold)) {
      this.#verdict = ok;
      this.options.onChange(ok);
      if (ok && once) return false;
    }
    return !this.#stopped;
  }
}
