/**
 * A container's standard streams: what it prints goes into its log and to all who are attached to
 * it, what they type reaches it. (containerd: internal/cri/io/container_io.go)
 */
import type { Act } from "../machinery/act.js";
import type { Container } from "../objects/types.js";
import { pipe, Stream } from "../shell/streams.js";
import { Terminal } from "../shell/terminal.js";
import type { Log, StreamName } from "./log.js";

/** Bytes of standard input that a container may leave unread: more are refused. */
const UNHEARD = 16 * 1024 * 1024;

/** Somebody who is attached. */
export interface Attached {
  hear(stream: StreamName, bytes: string): void;
  /** Waits while it has not read what it heard: the container waits with it. */
  catchUp(): Act<void>;
  /** The container has ended. */
  ended(): void;
}

export interface StdioOptions {
  container: Container;
  log: Log;
  clock: { now(): number };
  /** ^C and ^\, for those in the foreground. */
  onSignal: (name: "INT" | "QUIT") => void;
}

export class Stdio {
  /** Standard input, output and error. */
  readonly streams: readonly Stream[];
  readonly terminal: Terminal | undefined;
  readonly #stdin = pipe();
  readonly #clients = new Set<Attached>();

  constructor(private readonly options: StdioOptions) {
    const { container, onSignal } = options;
    const [out, err] = [this.#heardAs("stdout"), this.#heardAs("stderr")];
    if (container.tty)
      this.terminal = new Terminal(out, onSignal, (echo) => this.#hear("stdout", echo));
    if (!container.stdin) this.#noMoreInput();
    const shown = this.terminal?.output;
    const input = this.terminal?.input ?? this.#stdin.reader;
    this.streams = [input, shown ?? out, shown ?? err];
  }

  /** Answers how to leave. `types`: it may say something, too. */
  attach(client: Attached, types: boolean): () => void {
    this.#clients.add(client);
    return () => {
      if (this.#clients.delete(client) && types) this.clientEnds();
    };
  }

  /** Somebody types. False: too much is unread. */
  keys(bytes: string): boolean {
    if (!this.options.container.stdin) return true;
    if (this.terminal) this.terminal.keys(bytes);
    if (this.terminal) return true;
    const { pipe } = this.#stdin.writer;
    if (pipe.size + bytes.length > UNHEARD) return false;
    pipe.push(bytes);
    return true;
  }

  /** Who typed has said all. */
  clientEnds(): void {
    if (this.options.container.stdinOnce && !this.terminal) this.#noMoreInput();
  }

  /** The container's first process has it all; when it ends, the rest is given up. */
  release(): void {
    for (const stream of new Set(this.streams)) stream.release();
  }

  end(): void {
    this.options.log.end(this.options.clock.now());
    for (const client of [...this.#clients]) client.ended();
    this.#clients.clear();
  }

  #noMoreInput(): void {
    this.terminal?.hangUp();
    this.#stdin.writer.pipe.end();
  }

  #hear(stream: StreamName, bytes: string): void {
    this.options.log.add(this.options.clock.now(), stream, bytes);
    for (const client of this.#clients) client.hear(stream, bytes);
  }

  #heardAs(name: StreamName): Stream {
    const hear = (bytes: string): void => this.#hear(name, bytes);
    return new Heard(hear, this.#clients);
  }
}

class Heard extends Stream {
  constructor(
    private readonly hear: (bytes: string) => void,
    private readonly clients: ReadonlySet<Attached>,
  ) {
    super();
  }

  override *write(bytes: string): Act<boolean> {
    this.hear(bytes);
    for (const client of this.clients) yield* client.catchUp();
    return true;
  }
}
