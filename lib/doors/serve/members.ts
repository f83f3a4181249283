import { Member, NoAnswer, type OnLine } from "./member.js";
import type { Asked, Failure, Manners, Remote, Reply } from "./remote.js";

// Milliseconds.
// After so long without an answer the members are asked whether they live,
const DOUBT_MS = 600;
// and after so long whoever has said nothing at all is away. A caller waits at most this long for
// a server that is not there.
const AWAY_MS = 1_700;
// A request that may be repeated goes to the next member when the first one is so slow,
const HEDGE_MS = 400;
// and begins a new round so long after all of them said that they cannot at the moment.
const PAUSE_MS = 100;
// How often a member is looked at while a stream from it is open, and while it is silent.
const KEEPALIVE_MS = 3_000;
const REVIVAL_MS = 500;

/**
 * The members of one server: several addresses that serve the same state, or a single one. A
 * request goes to the member that answered last, and to others where that one fails or is slow,
 * until one of them answers. Members of which nothing is heard are left out, and looked at again
 * and again, so that only the first caller waits for them.
 */
export class Members {
  readonly members: readonly Member[];
  #current = 0;
  readonly #streams = new Map<AbortController, Member>();
  readonly #keepAlive: NodeJS.Timeout;
  readonly #closing = new AbortController();

  constructor(
    remote: Remote,
    readonly manners: Manners,
  ) {
    this.members = remote.urls.map((url) => new Member(url, remote));
    this.#keepAlive = setInterval(() => this.#look(), KEEPALIVE_MS);
  }

  /** `since`: when the caller began to wait. */
  request(asked: Asked, since: number): Promise<Reply | Failure> {
    return new Promise((resolve) => new Call(this, asked, since, resolve).start());
  }

  /** Lines as they come, from one member; `onEnd` tells why there will be no more. */
  stream(asked: Asked, onLine: OnLine, onEnd: (why?: string) => void): () => void {
    const member = this.usable()[0] ?? this.members[this.#current]!;
    const stop = new AbortController();
    this.#streams.set(stop, member);
    member
      .lines(asked, stop.signal, onLine)
      .then(
        () => onEnd(),
        (error: NoAnswer) => {
          this.#leave(member);
          onEnd(error.failure);
        },
      )
      .finally(() => this.#streams.delete(stop));
    return () => stop.abort();
  }

  /** The members to ask, in this order. */
  usable(): Member[] {
    const turn = [...this.members.slice(this.#current), ...this.members.slice(0, this.#current)];
    return turn.filter(({ silent }) => !silent);
  }

  /** This one has answered: it is asked first the next time. */
  prefer(member: Member): void {
    this.#current = this.members.indexOf(member);
  }

  /**
   * Nothing is heard from this one: its streams end, and it is left out until it says something.
   */
  silence(member: Member): void {
    if (member.silent) return;
    member.silent = true;
    this.#leave(member);
    for (const [stop, from] of this.#streams) if (from === member) stop.abort();
    void this.#revive(member);
  }

  close(): void {
    clearInterval(this.#keepAlive);
    this.#closing.abort();
    for (const stop of this.#streams.keys()) stop.abort();
    for (const member of this.members) member.close();
  }

  #leave(member: Member): void {
    if (this.members[this.#current] === member)
      this.#current = (this.#current + 1) % this.members.length;
  }

  async #revive(member: Member): Promise<void> {
    const { signal } = this.#closing;
    while (member.silent && !signal.aborted) {
      // A process that was stopped answers this very probe as soon as it goes on.
      const patience = AbortSignal.any([signal, AbortSignal.timeout(10 * REVIVAL_MS)]);
      if (await member.isAlive(this.manners.alivePath, patience)) member.silent = false;
      else await new Promise((resolve) => setTimeout(resolve, REVIVAL_MS));
    }
  }

  /** A stream does not notice that its member is gone without a word. */
  #look(): void {
    for (const member of new Set(this.#streams.values())) {
      const patience = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(AWAY_MS)]);
      void member.isAlive(this.manners.alivePath, patience).then((alive) => {
        if (!alive && patience.aborted && !this.#closing.signal.aborted) this.silence(member);
      });
    }
  }
}

/** One request, and the members that were asked so far. */
class Call {
  readonly #ending = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Members that have said something since the request began. */
  readonly #alive = new Set<Member>();
  /** Members that were asked whether they live, and have not answered that. */
  readonly #doubted = new Set<Member>();
  /** The members still to be asked in this round. */
  #untried: Member[];
  #rounds = 1;
  #running = 0;
  #hedge: NodeJS.Timeout | undefined;
  #last: Reply | NoAnswer | undefined;

  constructor(
    private readonly pool: Members,
    private readonly asked: Asked,
    private readonly since: number,
    private readonly done: (result: Reply | Failure) => void,
  ) {
    this.#untried = pool.usable();
  }

  start(): void {
    if (this.#untried.length === 0) return this.#giveUp();
    // This thread may have begun only now.
    const late = Math.min(Date.now() - this.since, DOUBT_MS / 2);
    this.#later(DOUBT_MS - late, () => this.#doubt());
    this.#later(AWAY_MS - late, () => this.#judge());
    void this.#attempt();
  }

  /** Whether others can do what the first one does not. */
  get #several(): boolean {
    return this.asked.repeatable && this.pool.members.length > 1;
  }

  /** Most of the members live: they will serve, be it after the election of a leader. */
  get #majority(): boolean {
    return 2 * this.#alive.size > this.pool.members.length;
  }

  async #attempt(): Promise<void> {
    if (this.#untried.length === 0) this.#untried = rotated(this.pool.usable(), this.#rounds++);
    const member = this.#untried.shift();
    if (!member) return;
    clearTimeout(this.#hedge);
    if (this.#several) this.#hedge = this.#later(HEDGE_MS, () => this.#attempt());
    this.#running++;
    const result = await member.exchange(this.asked, this.#ending.signal).catch((e: NoAnswer) => e);
    this.#running--;
    if (this.#ending.signal.aborted) return;
    if (!(result instanceof NoAnswer)) this.#alive.add(member);
    if (result instanceof NoAnswer || (this.#several && isPassing(result))) this.#failed(result);
    else {
      this.pool.prefer(member);
      this.#finish(result);
    }
  }

  #failed(result: Reply | NoAnswer): void {
    this.#last = result;
    const unknown = "unknown" in result && result.unknown;
    if (unknown && !this.asked.repeatable) return this.#giveUp();
    if (this.#untried.length > 0) return void this.#attempt();
    if (this.#running > 0) return;
    if (this.#several && this.#majority) this.#later(PAUSE_MS, () => this.#attempt());
    // An idle connection may have been closed just as it was used again.
    else if (!this.#several && unknown && this.#rounds === 1) void this.#attempt();
    else this.#giveUp();
  }

  #doubt(): void {
    for (const member of this.pool.usable()) {
      this.#doubted.add(member);
      void member.isAlive(this.pool.manners.alivePath, this.#ending.signal).then((alive) => {
        this.#doubted.delete(member);
        if (alive) this.#alive.add(member);
      });
    }
  }

  #judge(): void {
    for (const member of this.#doubted) {
      this.#alive.delete(member);
      this.pool.silence(member);
    }
    const left = this.since + this.pool.manners.patience - Date.now();
    if (left <= 0 || !this.#majority) return this.#giveUp();
    this.#doubt();
    this.#later(Math.min(left, AWAY_MS), () => this.#judge());
  }

  #giveUp(): void {
    const { method, path } = this.asked;
    const failure = `there was no answer to ${method} ${path.replace(/\?.*/, "")}`;
    const unknown = this.#running > 0;
    this.#finish(this.#last && !unknown ? this.#last : { failure, unknown });
  }

  #finish(result: Reply | Failure): void {
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#ending.abort();
    const { failure, unknown } = result as Failure;
    this.done("failure" in result ? { failure, unknown } : result);
  }

  #later(delay: number, run: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delay);
    this.#timers.add(timer);
    return timer;
  }
}

/** A member that cannot at the moment: it has no leader, it is behind a proxy that finds no one. */
const isPassing = ({ status }: Reply): boolean => status >= 502 && status <= 504;

const rotated = <T>(list: T[], by: number): T[] => {
  const start = by % Math.max(1, list.length);
  return [...list.slice(start), ...list.slice(0, start)];
};
