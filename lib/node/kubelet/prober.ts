import type { Clock } from "../../api/clock.js";
import type { Probe } from "../../objects/types.js";

interface ProberOptions {
  clock: Clock;
  probe: Probe;
  /** "Pod default/web" */
  about: string;
  run(): { ok: boolean; message: string };
  /** Told of each failed attempt. */
  onFailure(message: string): void;
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
    const {
      probe: { periodSeconds = 10, successThreshold = 1, failureThreshold = 3 },
      once,
    } = this.options;
    const { ok, message } = this.options.run();
    this.#run = ok === this.#last ? this.#run + 1 : 1;
    this.#last = ok;
    if (!ok) this.options.onFailure(message);
    if (ok !== this.#verdict && this.#run >= (ok ? successThreshold : failureThreshold)) {
      this.#verdict = ok;
      this.options.onChange(ok);
      if (ok && once) return;
    }
    if (!this.#stopped) this.#schedule(periodSeconds * 1_000);
  }
}
