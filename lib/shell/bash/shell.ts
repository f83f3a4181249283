/**
 * A shell: what it keeps while it runs, and what expansions, builtins and commands ask of it. How
 * its statements run is bash.ts's, which is above all of them.
 */
import {
  parse,
  type Assignment,
  type Command as SimpleCommand,
  type CommandNode,
  type CompoundList,
  type Function as FunctionNode,
  type Script,
  type Statement,
} from "unbash";
import type { Act } from "../../machinery/act.js";
import { FileError } from "../files.js";
import type { Place } from "../place.js";
import { Exit, ForkError, signals, type Process } from "../process.js";
import { Traps } from "./traps.js";
import { ShellError, Variables } from "./variables.js";

/** Functions may call each other so deep. */
export const DEEPEST = 200;

/** Somebody at the terminal wants no more of what was asked for. */
export class Interrupted extends Error {}

/** `break`, `continue`, `return`: they leave what is around them. */
export class Leave extends Error {
  constructor(
    readonly what: "break" | "continue" | "return",
    readonly status: number,
    readonly levels = 1,
  ) {
    super(what);
  }
}

/** A function, and the text that it was read from. */
export interface ShellFunction {
  node: FunctionNode;
  source: string;
}

export interface Job {
  number: number;
  process: Process;
  text: string;
}

export abstract class Shell {
  readonly variables: Variables;
  readonly functions: Map<string, ShellFunction>;
  /** "errexit", "xtrace", "nounset", "pipefail", "noglob", "noexec". */
  readonly options: Set<string>;
  readonly traps: Traps;
  readonly jobs: Job[] = [];
  jobNumber = 0;
  /** What was typed at its prompt, the last line last. */
  readonly history: string[] = [];
  positional: string[] = [];
  status = 0;
  /** $! */
  lastBackground: number | undefined;
  isInteractive = false;
  /** Whether what it reads has no lines: somebody types them. */
  readonly #isTyped: boolean = false;
  /** Where `getopts` is in its word. */
  optionAt = 1;
  /** The text that it reads, and where it is in it. */
  source = "";
  at = 0;
  /** How many conditions are around: there a failure is no reason to leave. */
  #conditions = 0;
  #depth = 0;
  /** When it began, in milliseconds of its clock. */
  readonly started: number;
  /** Whether PIPESTATUS is a pipeline's. */
  wasPiped = false;
  /** The descriptor of the next `<(…)`. */
  substitutions = 63;
  /** The command whose program takes the process over: the only one that is left to do. */
  becomes: SimpleCommand | undefined;
  /** The arrays of a declaration that has not made its variables yet. */
  readonly arrays = new Map<string, Assignment>();

  constructor(
    readonly place: Place,
    readonly process: Process,
    /** $0: "bash", or a script's path. */
    public name: string,
    from?: Shell,
  ) {
    this.variables = from?.variables.copy() ?? new Variables();
    this.functions = new Map(from?.functions);
    this.options = new Set(from?.options);
    this.traps = new Traps(from?.traps);
    this.started = from ? from.started : place.acts.clock.now();
    process.onSignal = (signal) => this.traps.take(signal, this.isInteractive);
    if (from) {
      this.#isTyped = from.isInteractive || from.#isTyped;
      this.positional = [...from.positional];
      this.status = from.status;
      this.lastBackground = from.lastBackground;
      this.source = from.source;
      this.at = from.at;
      this.#conditions = from.#conditions;
      this.#depth = from.#depth;
      return;
    }
    for (const [name, value] of Object.entries(process.env)) {
      const variable = this.variables.declare(name);
      variable.value = value;
      variable.isExported = true;
    }
    this.variables.set("IFS", " \t\n");
    this.variables.set("PWD", process.folder);
    this.variables.declare("PWD").isExported = true;
    this.variables.set("OPTIND", "1");
    if (this.variables.get("PATH") === undefined)
      this.variables.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    for (const [name, value] of [
      ["SHELL", "/bin/bash"],
      ["HOSTNAME", place.hostname],
      ["BASH_VERSION", "5.2.37(1)-release"],
    ] as const)
      if (this.variables.get(name) === undefined) this.variables.set(name, value);
  }

  // ---- how it runs (bash.ts)

  abstract statement(statement: Statement): Act<void>;
  /** A command, and what went wrong in it said. */
  abstract command(node: CommandNode): Act<void>;
  /** What a script prints: `$(…)`. */
  abstract outputOf(script: Script): Act<string>;
  /** `<(…)`: the path under which a command finds the pipe. */
  abstract substitute(operator: "<" | ">", script: Script): string;
  /** The same shell as it is now, in another process. */
  abstract copy(process: Process): Shell;

  // ---- a whole script

  /** Runs a script to its end, and its trap for EXIT; answers the exit code. */
  *main(source: string): Act<number> {
    try {
      yield* this.read(source);
    } catch (error) {
      if (error instanceof Exit) this.status = error.code;
      else if (error instanceof Leave) this.status = error.status;
      else throw error;
    }
    return yield* this.leave();
  }

  /** The trap for EXIT; answers the exit code. */
  *leave(): Act<number> {
    const { status } = this;
    const action = this.traps.actions.get("EXIT");
    this.traps.actions.delete("EXIT");
    if (action) {
      try {
        yield* this.evaluate(action);
      } catch (error) {
        if (error instanceof Exit) return error.code;
        if (!(error instanceof Leave)) throw error;
      }
    }
    return status;
  }

  /** A text as `bash -c`, a file or standard input has it. */
  *read(text: string): Act<void> {
    const script = parse(text);
    const [saved, at] = [this.source, this.at];
    this.source = text;
    try {
      for (const statement of script.commands) {
        const wrong = script.errors?.find(({ pos }) => pos <= statement.end);
        if (wrong) break;
        yield* this.statement(statement);
      }
      const [wrong] = script.errors ?? [];
      if (wrong) {
        this.at = wrong.pos;
        yield* this.complain(`syntax error: ${wrong.message}`);
        this.status = 2;
        if (!this.isInteractive) throw new Exit(2);
      }
    } finally {
      this.source = saved;
      this.at = at;
    }
  }

  /** `eval`, `source`, a trap. */
  *evaluate(text: string): Act<number> {
    yield* this.nested("maximum eval nesting level exceeded", () => this.read(text));
    return this.status;
  }

  *list({ commands }: CompoundList | Script): Act<void> {
    for (const statement of commands) yield* this.statement(statement);
  }

  /** A function or a text within others. */
  *nested(tooDeep: string, run: () => Act<void>): Act<void> {
    if (++this.#depth > DEEPEST) {
      this.#depth = 0;
      throw new ShellError(tooDeep, 1, true);
    }
    try {
      yield* run();
    } finally {
      this.#depth--;
    }
  }

  /** What runs here may fail: that is no reason to leave. */
  *asCondition(run: () => Act<void>): Act<void> {
    this.#conditions++;
    try {
      yield* run();
    } finally {
      this.#conditions--;
    }
  }

  get isCondition(): boolean {
    return this.#conditions > 0;
  }

  /** Takes what a new process costs. Throws Interrupted where it is not wanted any more. */
  *beforeProcess(): Act<void> {
    yield* this.process.spend(5);
    if (this.traps.takeInterrupt()) throw new Interrupted();
  }

  // ---- what it says

  /** "bash: line 3: " */
  get prefix(): string {
    if (this.isInteractive || this.#isTyped) return `${this.name}: `;
    return `${this.name}: line ${this.line}: `;
  }

  get line(): number {
    let line = 1;
    for (let i = 0; i < this.at && i < this.source.length; i++) if (this.source[i] === "\n") line++;
    return line;
  }

  *complain(message: string): Act<void> {
    yield* this.write(2, `${this.prefix}${message}\n`);
  }

  /** Writes to a descriptor of its own. Throws Exit where nobody reads it. */
  *write(fd: number, bytes: string): Act<void> {
    yield* this.process.spend(1 + (bytes.length >> 10));
    const stream = this.process.fds.get(fd);
    if (!stream) throw new ShellError(`${fd}: Bad file descriptor`);
    if (!(yield* stream.write(bytes)) && fd === 1) throw new Exit(128 + signals.PIPE);
  }

  /** Says what went wrong; a shell that is not interactive ends where that is fatal. */
  *fail(error: unknown): Act<void> {
    if (error instanceof ShellError) {
      yield* this.complain(error.message);
      this.status = error.status;
      if (error.isFatal && !this.isInteractive) throw new Exit(this.status);
    } else if (error instanceof ForkError) {
      yield* this.complain(`fork: ${error.message}`);
      this.status = 254;
      throw new Exit(254);
    } else if (error instanceof FileError) {
      yield* this.complain(error.message);
      this.status = 1;
    } else if (error instanceof RangeError) {
      // the interpreter's own stack
      yield* this.complain("too deeply nested");
      throw new Exit(139);
    } else throw error;
  }

  get separators(): string {
    return this.variables.get("IFS") ?? " \t\n";
  }
}
