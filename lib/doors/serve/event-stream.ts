/**
 * Watches on their way to their clients. What a client has not read yet is held, up to a limit for
 * each watch and one for all of them together; beyond that the watch is cut, and its client lists
 * and watches again. An event counts once, however many watches hold it, for they share its bytes.
 * (kubernetes: apiserver/pkg/storage/cacher/cache_watcher.go ends watchers that are too slow)
 *
 *     EventStream  first ── batches ─┐
 *                  queue ── events ──┴─> under way (at most WINDOW) ──> Outlet ──> sent()
 */

// Bytes that may be on their way to one client before more is sent: they wait in the front.
const WINDOW = 256 * 1024;
// Bytes that one watch may leave unread. The largest object is 3 MB.
const UNREAD = 4 * 1024 * 1024;
// Bytes that all watches of a server may hold.
const UNREAD_BY_ALL = 64 * 1024 * 1024;

/** Where a stream goes; the last two end it. */
export interface Outlet {
  write(chunk: Uint8Array): void;
  end(): void;
  cut(): void;
}

/** What the watches of one server hold. */
export class UnreadEvents {
  readonly streams = new Set<EventStream>();
  readonly #holders = new Map<Uint8Array, number>();
  #bytes = 0;

  constructor(readonly limit = UNREAD_BY_ALL) {}

  get bytes(): number {
    return this.#bytes;
  }

  hold(chunk: Uint8Array): void {
    const holders = this.#holders.get(chunk) ?? 0;
    if (holders === 0) this.#bytes += chunk.length;
    this.#holders.set(chunk, holders + 1);
  }

  release(chunk: Uint8Array): void {
    const holders = this.#holders.get(chunk)! - 1;
    if (holders > 0) return void this.#holders.set(chunk, holders);
    this.#holders.delete(chunk);
    this.#bytes -= chunk.length;
  }

  /** Cuts those that are furthest behind, until the others have room. */
  bound(): void {
    while (this.#bytes > this.limit) {
      const [slowest] = [...this.streams].sort((a, b) => b.unread - a.unread);
      if (!slowest) return;
      slowest.cut();
    }
  }
}

/** One watch's way to its client. */
export class EventStream {
  /** What there was when the watch began: made only when there is room for it. */
  #first: Iterator<Uint8Array> | undefined;
  #queue: Uint8Array[] = [];
  #underWay: Uint8Array[] = [];
  #bytesUnderWay = 0;
  #bytesQueued = 0;
  #state: "open" | "ending" | "over" = "open";

  readonly #cleanUps: (() => void)[] = [];
  /** Told of what the client says, where it may say something. */
  onHeard: (message: Uint8Array) => void = () => {};
  /** Told whenever something has left. */
  onSent: () => void = () => {};

  constructor(
    private readonly outlet: Outlet,
    private readonly all: UnreadEvents,
  ) {
    all.streams.add(this);
  }

  /** Bytes that its client has not read. */
  get unread(): number {
    return this.#bytesUnderWay + this.#bytesQueued;
  }

  get over(): boolean {
    return this.#state === "over";
  }

  /** Calls `run` once the stream is over, however it ends. */
  whenOver(run: () => void): void {
    if (this.over) run();
    else this.#cleanUps.push(run);
  }

  /** What goes before all events; these are made as the client reads, and not held before. */
  begin(chunks: Iterable<Uint8Array>): void {
    this.#first = chunks[Symbol.iterator]();
    this.#pump();
  }

  send(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.unread > UNREAD) return this.cut();
    this.#queue.push(chunk);
    this.#bytesQueued += chunk.length;
    this.all.hold(chunk);
    this.#pump();
  }

  /** The front has handed on so many chunks. */
  sent(chunks: number): void {
    for (const chunk of this.#underWay.splice(0, chunks)) {
      this.#bytesUnderWay -= chunk.length;
      this.all.release(chunk);
    }
    this.#pump();
    this.onSent();
  }

  /** The client says something. */
  hear(message: Uint8Array): void {
    if (!this.over) this.onHeard(message);
  }

  /** Ends it after what has been sent so far. */
  end(): void {
    if (this.#state === "open") this.#state = "ending";
    this.#pump();
  }

  /** Ends it at once. */
  cut(): void {
    if (this.#state === "over") return;
    this.close();
    this.outlet.cut();
  }

  /** The client has gone. */
  close(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.all.streams.delete(this);
    for (const chunk of [...this.#underWay, ...this.#queue]) this.all.release(chunk);
    [this.#underWay, this.#queue, this.#first] = [[], [], undefined];
    [this.#bytesUnderWay, this.#bytesQueued] = [0, 0];
    for (const run of this.#cleanUps) run();
  }

  #pump(): void {
    while (this.#state !== "over" && this.#bytesUnderWay < WINDOW) {
      const chunk = this.#next();
      if (!chunk) break;
      this.#underWay.push(chunk);
      this.#bytesUnderWay += chunk.length;
      this.outlet.write(chunk);
    }
    this.all.bound();
    if (this.#state !== "ending" || this.#first || this.#queue.length > 0) return;
    this.close();
    this.outlet.end();
  }

  #next(): Uint8Array | undefined {
    const first = this.#first?.next();
    if (first && !first.done) {
      this.all.hold(first.value);
      return first.value;
    }
    this.#first = undefined;
    const chunk = this.#queue.shift();
    if (chunk) this.#bytesQueued -= chunk.length;
    return chunk;
  }
}
