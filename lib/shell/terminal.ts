/**
 * A terminal's line discipline, as a kernel has it between somebody's keys and a process (termios,
 * canonical mode: ICANON, ECHO, ISIG, ICRNL, ONLCR): keys become lines, are echoed, and end what
 * runs. Whoever has the keys sends them raw: `kubectl exec -it`, a terminal in a page. A shell that
 * edits its line itself takes each key as it is meanwhile (`setRaw`: ICANON and ECHO are off).
 */
import { Signal, type Act } from "../machinery/act.js";
import { Stream } from "./streams.js";

const [INTERRUPT, END, KILL_LINE, QUIT] = ["\x03", "\x04", "\x15", "\x1c"];
/** So long a line may be (MAX_CANON). */
const LONGEST = 4_096;

/** Told of each command that a shell at the terminal begins, and of its end. */
export interface Recorder {
  begins(line: string): void;
  ends(exitCode: number): void;
}

export class Terminal {
  /** What a process reads: whole lines. */
  readonly input: TerminalInput;
  /** Where it writes; also its errors. */
  readonly output: Stream;
  /** Letters in a line. */
  columns = 80;
  recorder: Recorder | undefined;
  readonly #lines: TerminalInput;
  #line = "";
  #wasReturn = false;
  #raw = false;
  #isSilent = false;

  /** `show`: what appears on it. `onSignal`: "INT" and "QUIT", for those in the foreground. */
  constructor(
    show: Stream,
    private readonly onSignal: (name: "INT" | "QUIT") => void,
    private readonly echo: (bytes: string) => void,
  ) {
    this.input = this.#lines = new TerminalInput(this);
    this.output = new TerminalOutput(show);
  }

  /** Keys as they come. */
  keys(bytes: string): void {
    for (const key of bytes) this.#key(key);
  }

  /** Whether each key is read as it is; only ^C and ^\\ are the terminal's own then. */
  setRaw(raw: boolean): void {
    if (raw === this.#raw) return;
    this.#raw = raw;
    const typed = raw ? this.#line : this.#lines.take();
    this.#line = "";
    if (raw) return this.#lines.push(typed);
    // what whoever edits has not read is a line all the same, and was not echoed when it came
    this.#isSilent = true;
    this.keys(typed);
    this.#isSilent = false;
  }

  #echo(bytes: string): void {
    if (!this.#isSilent) this.echo(bytes);
  }

  /** Whether somebody reads it, and nothing is there. */
  get isAwaited(): boolean {
    return this.#lines.isAwaited;
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
    if ((key === "\r" || key === "\n") && !this.#raw) return this.#enter("\n", "\r\n");
    if (key === INTERRUPT || key === QUIT) {
      // what was typed before it and not read yet is gone (NOFLSH is off)
      this.#line = "";
      this.#lines.flush();
      this.#echo(key === INTERRUPT ? "^C" : "^\\");
      return this.onSignal(key === INTERRUPT ? "INT" : "QUIT");
    }
    if (this.#raw) return this.#lines.push(key);
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
    this.#echo(key < " " && key !== "\t" ? `^${String.fromCharCode(key.charCodeAt(0) + 64)}` : key);
  }

  #enter(end: string, echo: string): void {
    this.#lines.push(this.#line + end);
    this.#line = "";
    if (echo) this.#echo(echo);
  }

  /** A character of UTF-8 may have several bytes. */
  #erase(): void {
    if (this.#line === "") return;
    const isTail = (at: number): boolean => (this.#line.charCodeAt(at) & 0xc0) === 0x80;
    let end = this.#line.length - 1;
    while (end > 0 && isTail(end)) end--;
    this.#line = this.#line.slice(0, end);
    this.#echo("\b \b");
  }
}

/** Lines that were typed: each read answers one, however many there are. */
export class TerminalInput extends Stream {
  override readonly isTerminal = true;
  #typed: string[] = [];
  #ended = false;
  #readers = 0;
  readonly #changed = new Signal();

  constructor(readonly terminal: Terminal) {
    super();
  }

  get isAwaited(): boolean {
    return this.#readers > 0 && this.#typed.length === 0 && !this.#ended;
  }

  override *read(max = Infinity): Act<string> {
    this.#readers++;
    try {
      while (this.#typed.length === 0 && !this.#ended) yield this.#changed.wait;
    } finally {
      this.#readers--;
    }
    const line = this.#typed.shift() ?? "";
    if (line.length > max) this.unread(line.slice(max));
    return line.slice(0, max);
  }

  override unread(bytes: string): void {
    if (bytes !== "") this.#typed.unshift(bytes);
  }

  push(line: string): void {
    if (line === "") return;
    this.#typed.push(line);
    this.#changed.fire();
  }

  flush(): void {
    this.#typed = [];
  }

  /** What nobody has read. */
  take(): string {
    return this.#typed.splice(0).join("");
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
