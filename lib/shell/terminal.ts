/**
 * A terminal's line discipline, as a kernel has it between somebody's keys and a process (termios,
 * canonical mode: ICANON, ECHO, ISIG, ICRNL, ONLCR): keys become lines, are echoed, and end what
 * runs. Whoever has the keys sends them raw: `kubectl exec -it`, a terminal in a page.
 */
import { Signal, type Act } from "../machinery/act.js";
import { Stream } from "./streams.js";

const [INTERRUPT, END, KILL_LINE, QUIT] = ["\x03", "\x04", "\x15", "\x1c"];
/** So long a line may be (MAX_CANON). */
const LONGEST = 4_096;

export class Terminal {
  /** What a process reads: whole lines. */
  readonly input: Stream;
  /** Where it writes; also its errors. */
  readonly output: Stream;
  readonly #lines = new Lines();
  #line = "";
  #wasReturn = false;

  /** `show`: what appears on it. `onSignal`: "INT" and "QUIT", for those in the foreground. */
  constructor(
    show: Stream,
    private readonly onSignal: (name: "INT" | "QUIT") => void,
    private readonly echo: (bytes: string) => void,
  ) {
    this.input = this.#lines;
    this.output = new TerminalOutput(show);
  }

  /** Keys as they come. */
  keys(bytes: string): void {
    for (const key of bytes) this.#key(key);
  }

  /** Nobody types any more: what reads it sees the end. */
  hangUp(): void {
    this.#lines.end();
  }

  #key(key: string): void {
    // a return and the line feed behind it are one
    const isSecond = key === "\n" && this.#wasReturn;
    this.#wasReturn = key === "\r";
    if (isSecond) return;
    if (key === "\r" || key === "\n") return this.#enter("\n", "\r\n");
    if (key === INTERRUPT || key === QUIT) {
      // what was typed before it and not read yet is gone (NOFLSH is off)
      this.#line = "";
      this.#lines.flush();
      this.echo(key === INTERRUPT ? "^C\r\n" : "^\\\r\n");
      return this.onSignal(key === INTERRUPT ? "INT" : "QUIT");
    }
    if (key === END) {
      if (this.#line === "") return this.hangUp();
      return this.#enter("", "");
    }
    if (key === "\x7f" || key === "\b") return this.#erase();
    if (key === KILL_LINE) {
      while (this.#line !== "") this.#erase();
      return;
    }
    if (this.#line.length >= LONGEST) return;
    this.#line += key;
    this.echo(key < " " && key !== "\t" ? `^${String.fromCharCode(key.charCodeAt(0) + 64)}` : key);
  }

  #enter(end: string, echo: string): void {
    this.#lines.push(this.#line + end);
    this.#line = "";
    if (echo) this.echo(echo);
  }

  /** A character of UTF-8 may have several bytes. */
  #erase(): void {
    if (this.#line === "") return;
    const isTail = (at: number): boolean => (this.#line.charCodeAt(at) & 0xc0) === 0x80;
    let end = this.#line.length - 1;
    while (end > 0 && isTail(end)) end--;
    this.#line = this.#line.slice(0, end);
    this.echo("\b \b");
  }
}

/** Lines that were typed: each read answers one, however many there are. */
class Lines extends Stream {
  override readonly isTerminal = true;
  #typed: string[] = [];
  #ended = false;
  readonly #changed = new Signal();

  override *read(max = Infinity): Act<string> {
    while (this.#typed.length === 0 && !this.#ended) yield this.#changed.wait;
    const line = this.#typed.shift() ?? "";
    if (line.length > max) this.unread(line.slice(max));
    return line.slice(0, max);
  }

  override unread(bytes: string): void {
    if (bytes !== "") this.#typed.unshift(bytes);
  }

  push(line: string): void {
    this.#typed.push(line);
    this.#changed.fire();
  }

  flush(): void {
    this.#typed = [];
  }

  end(): void {
    this.#ended = true;
    this.#changed.fire();
  }
}

class TerminalOutput extends Stream {
  override readonly isTerminal = true;

  constructor(private readonly show: Stream) {
    super();
  }

  override write(bytes: string): Act<boolean> {
    return this.show.write(bytes.replaceAll("\n", "\r\n"));
  }

  protected override close(): void {
    this.show.release();
  }
}
