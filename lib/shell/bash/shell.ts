/**
 * A bash whose commands belong to a place.
 *
 * - The grammar is unbash's (its AST of bash's grammar); what it means is here: statements in this
 *   file, words in words.ts, conditions in conditions.ts, builtins in builtins.ts.
 * - Everything that may wait is an act (machinery/act.ts): `sleep 5`, a full pipe, a `curl` that
 *   nobody answers yield to the clock. So shells run side by side in virtual time, and with a real
 *   clock in real time; the same seed prints the same bytes.
 * - A command is a value (place.ts): it gets its arguments, its descriptors and its place, and
 *   reads nothing but that place's kernel, sockets, processes and files.
 * - Bytes are texts of characters 0 to 255; `${#x}` counts bytes, as in the C locale that most
 *   images have.
 * - Bounds: steps, processes, variables, files, output; whoever ends by one has an exit code.
 */
import {
  parse,
  type Assignment,
  type Case,
  type Command as SimpleCommand,
  type CommandArgument,
  type CommandNode,
  type CompoundList,
  type Function as FunctionNode,
  type PipelineNode,
  type Redirection,
  type Script,
  type Statement,
} from "unbash";
import { either, Signal, type Act } from "../../machinery/act.js";
import { keyOf, valueOf } from "./arithmetic.js";
import { builtins, declarations, Leave } from "./builtins.js";
import { condition } from "./conditions.js";
import { absolute, FileError } from "../files.js";
import { matches, patternOf } from "./pattern.js";
import type { Command, Place } from "../place.js";
import { Exit, ForkError, signalName, signals, type Process } from "../process.js";
import { Redirector } from "./redirections.js";
import { inputOf, pipe, type Stream } from "../streams.js";
import { ShellError, Variables } from "./variables.js";
import {
  aroundOf,
  elementsOf,
  fieldsOf,
  numberOf,
  patternText,
  shellQuoted,
  textOf,
} from "./words.js";

/** Functions may call each other so deep. */
const DEEPEST = 200;
/** So many bytes `$(…)` may be. */
const LONGEST_OUTPUT = 8 * 1024 * 1024;

/** Somebody at the terminal wants no more of what was asked for. */
export class Interrupted extends Error {}

export interface Job {
  number: number;
  process: Process;
  text: string;
}

export class Shell {
  readonly variables: Variables;
  readonly functions: Map<string, { node: FunctionNode; source: string }>;
  /** "errexit", "xtrace", "nounset", "pipefail", "noglob", "noexec". */
  readonly options: Set<string>;
  readonly traps: Map<string, string>;
  readonly jobs: Job[] = [];
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
  readonly interrupted = new Signal();
  readonly #pending: number[] = [];
  #source = "";
  #at = 0;
  /** How many conditions are around: there a failure is no reason to leave. */
  #conditions = 0;
  #depth = 0;
  #jobNumber = 0;
  readonly #seconds: number;
  /** Whether PIPESTATUS is a pipeline's. */
  #wasPiped = false;
  #substitutions = 63;
  /** The command whose program takes the process over: the only one that is left to do. */
  #becomes: SimpleCommand | undefined;

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
    this.traps = new Map([...(from?.traps ?? [])].filter(([, action]) => action === ""));
    this.#seconds = from ? from.#seconds : place.acts.clock.now();
    process.onSignal = (signal) => this.#signalled(signal);
    if (from) {
      this.#isTyped = from.isInteractive || from.#isTyped;
      this.positional = [...from.positional];
      this.status = from.status;
      this.lastBackground = from.lastBackground;
      this.#source = from.#source;
      this.#at = from.#at;
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
    const action = this.traps.get("EXIT");
    this.traps.delete("EXIT");
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
    const [saved, at] = [this.#source, this.#at];
    this.#source = text;
    try {
      for (const statement of script.commands) {
        const wrong = script.errors?.find(({ pos }) => pos <= statement.end);
        if (wrong) break;
        yield* this.#statement(statement);
      }
      const [wrong] = script.errors ?? [];
      if (wrong) {
        this.#at = wrong.pos;
        yield* this.complain(`syntax error: ${wrong.message}`);
        this.status = 2;
        if (!this.isInteractive) throw new Exit(2);
      }
    } finally {
      this.#source = saved;
      this.#at = at;
    }
  }

  /** `eval`, `source`, a trap. */
  *evaluate(text: string): Act<number> {
    if (++this.#depth > DEEPEST) {
      this.#depth = 0;
      throw new ShellError("maximum eval nesting level exceeded", 1, true);
    }
    try {
      yield* this.read(text);
    } finally {
      this.#depth--;
    }
    return this.status;
  }

  /** "bash: line 3: " */
  get prefix(): string {
    if (this.isInteractive || this.#isTyped) return `${this.name}: `;
    return `${this.name}: line ${this.line}: `;
  }

  get line(): number {
    let line = 1;
    for (let i = 0; i < this.#at && i < this.#source.length; i++)
      if (this.#source[i] === "\n") line++;
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

  // ---- statements

  *list({ commands }: CompoundList | Script): Act<void> {
    for (const statement of commands) yield* this.#statement(statement);
  }

  *#statement({ command, background, pos, end }: Statement): Act<void> {
    this.#at = pos;
    yield* this.#traps();
    if (background) return yield* this.#inBackground(command, this.#source.slice(pos, end));
    if (command.type !== "AndOr") return yield* this.#checked(command);
    for (const [i, each] of command.commands.entries()) {
      const operator = command.operators[i - 1];
      if (operator === "&&" && this.status !== 0) continue;
      if (operator === "||" && this.status === 0) continue;
      if (i === command.commands.length - 1) yield* this.#checked(each);
      else yield* this.#asCondition(() => this.#pipeline(each));
    }
  }

  /** Runs it, and leaves where it fails and `set -e` says so. */
  *#checked(node: PipelineNode): Act<void> {
    yield* this.#pipeline(node);
    if (this.status === 0 || this.#conditions > 0) return;
    if (node.type === "Pipeline" && node.prefixes.some(({ type }) => type === "Negation")) return;
    const trap = this.traps.get("ERR");
    if (trap) yield* this.#runTrap(trap);
    if (this.options.has("errexit") && !isCompound(node)) throw new Exit(this.status);
  }

  *#asCondition(run: () => Act<void>): Act<void> {
    this.#conditions++;
    try {
      yield* run();
    } finally {
      this.#conditions--;
    }
  }

  *#inBackground(node: PipelineNode | { type: "AndOr" }, text: string): Act<void> {
    const nothing = inputOf("");
    const process = yield* this.fork(
      function* (shell) {
        shell.#becomes = simpleOf(node);
        yield* shell.#statement({
          type: "Statement",
          pos: shell.#at,
          end: shell.#at,
          command: node as PipelineNode,
          background: undefined,
        });
      },
      new Map([[0, nothing]]),
    );
    nothing.release();
    this.lastBackground = process.pid;
    const number = this.jobs.length === 0 ? (this.#jobNumber = 1) : ++this.#jobNumber;
    this.jobs.push({ number, process, text: text.replace(/\s*&\s*$/, "") });
    if (this.isInteractive) yield* this.write(2, `[${number}] ${process.pid}\n`);
    this.status = 0;
  }

  *#pipeline(node: PipelineNode): Act<void> {
    if (node.type !== "Pipeline") {
      yield* this.#command(node);
      if (this.#wasPiped) this.variables.setArray("PIPESTATUS", new Map([["0", `${this.status}`]]));
      this.#wasPiped = false;
      return;
    }
    const started = this.place.acts.clock.now();
    const isNegated = node.prefixes.filter(({ type }) => type === "Negation").length % 2 === 1;
    const one = node.commands.length <= 1 ? node.commands[0] : undefined;
    const run = one
      ? () => this.#command(one)
      : node.commands.length > 1
        ? () => this.#piped(node.commands, node.operators)
        : undefined;
    if (run && isNegated) yield* this.#asCondition(run);
    else if (run) yield* run();
    if (isNegated) this.status = this.status === 0 ? 1 : 0;
    if (node.prefixes.some(({ type }) => type === "Time")) {
      const seconds = (this.place.acts.clock.now() - started) / 1000;
      const real = `${Math.floor(seconds / 60)}m${(seconds % 60).toFixed(3)}s`;
      yield* this.write(2, `\nreal\t${real}\nuser\t0m0.000s\nsys\t0m0.000s\n`);
    }
  }

  *#piped(commands: readonly CommandNode[], operators: readonly string[]): Act<void> {
    const processes: Process[] = [];
    let input: Stream | undefined;
    for (const [i, command] of commands.entries()) {
      const isLast = i === commands.length - 1;
      const next = isLast ? undefined : pipe();
      const fds = new Map<number, Stream>();
      if (input) fds.set(0, input);
      if (next) fds.set(1, next.writer);
      if (next && operators[i] === "|&") fds.set(2, next.writer);
      try {
        const run = (shell: Shell): Act<void> => {
          shell.#becomes = simpleOf(command);
          return shell.#command(command);
        };
        processes.push(yield* this.fork(run, fds));
      } catch (error) {
        next?.reader.release();
        throw error;
      } finally {
        input?.release();
        next?.writer.release();
      }
      input = next?.reader;
    }
    const statuses: number[] = [];
    for (const process of processes) statuses.push(yield* process.wait());
    const failed = this.options.has("pipefail")
      ? statuses.findLast((each) => each !== 0)
      : undefined;
    this.status = failed ?? statuses.at(-1)!;
    this.#wasPiped = true;
    this.variables.setArray(
      "PIPESTATUS",
      new Map(statuses.map((status, i) => [String(i), String(status)])),
    );
  }

  /** A subshell with descriptors of its own, which begins when this one waits. */
  *fork(run: (shell: Shell) => Act<void>, fds: ReadonlyMap<number, Stream>): Act<Process> {
    const { process: parent, place, name } = this;
    yield* this.#beforeProcess();
    const copy = (process: Process): Shell => new Shell(place, process, name, this);
    const early: { shell?: Shell } = {};
    const process = place.processes.spawn({
      args: parent.args,
      parent,
      fds: new Map([...parent.fds, ...fds]),
      env: parent.env,
      folder: parent.folder,
      allowance: parent.allowance,
      background: parent.background,
      *run() {
        const shell = early.shell!;
        try {
          yield* run(shell);
        } catch (error) {
          if (error instanceof Exit) shell.status = error.code;
          else if (error instanceof Leave) shell.status = error.status;
          else yield* shell.fail(error);
        }
        return yield* shell.leave();
      },
    });
    // as it is now, not as it is when the child has its turn
    early.shell = copy(process);
    return process;
  }

  // ---- commands

  *#command(node: CommandNode): Act<void> {
    yield* this.process.spend();
    try {
      yield* this.#run(node);
    } catch (error) {
      if (error instanceof Exit || error instanceof Leave || error instanceof Interrupted)
        throw error;
      yield* this.fail(error);
    }
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

  *#run(node: CommandNode): Act<void> {
    switch (node.type) {
      case "Command":
        return yield* this.#simple(node);
      case "Redirected":
        return yield* this.redirected(node.redirects, () => this.#run(node.command));
      case "Function":
        this.functions.set(node.name.value, { node, source: this.#source });
        this.status = 0;
        return;
      case "Subshell": {
        const process = yield* this.fork((shell) => shell.list(node.body), new Map());
        this.status = yield* process.wait();
        return;
      }
      case "BraceGroup":
        return yield* this.list(node.body);
      case "If": {
        for (const { clause, then } of [node, ...node.elif]) {
          yield* this.#asCondition(() => this.list(clause));
          if (this.status === 0) return yield* this.#body(then);
        }
        this.status = 0;
        if (node.else) yield* this.#body(node.else);
        return;
      }
      case "While":
        return yield* this.#loop(
          () => this.#holds(node.clause, node.kind === "until"),
          () => this.list(node.body),
        );
      case "For": {
        const words = node.wordlist ? yield* fieldsOf(this, node.wordlist) : [...this.positional];
        let i = 0;
        const { variables, process } = this;
        return yield* this.#loop(
          function* () {
            yield* process.spend();
            if (i >= words.length) return false;
            variables.set(node.name.value, words[i++]!);
            return true;
          },
          () => this.list(node.body),
        );
      }
      case "ArithmeticFor": {
        const calculate = (what: typeof node.test) => numberOf(this, what, "0");
        if (node.initialize) yield* calculate(node.initialize);
        let isFirst = true;
        return yield* this.#loop(
          function* () {
            if (!isFirst && node.update) yield* calculate(node.update);
            isFirst = false;
            return !node.test || (yield* calculate(node.test)) !== 0n;
          },
          () => this.list(node.body),
        );
      }
      case "Case":
        return yield* this.#case(node);
      case "TestCommand":
        this.status = (yield* condition(this, node.expression)) ? 0 : 1;
        return;
      case "ArithmeticCommand": {
        const value = yield* numberOf(this, node.expression, `$((${node.body}))`);
        this.status = value === 0n ? 1 : 0;
        return;
      }
      case "Select":
      case "Coproc":
        throw new ShellError(`${node.type.toLowerCase()}: not modelled here`, 2);
    }
  }

  *#body(list: CompoundList): Act<void> {
    this.status = 0;
    yield* this.list(list);
  }

  *#holds(clause: CompoundList, isNegated: boolean): Act<boolean> {
    yield* this.#asCondition(() => this.list(clause));
    return (this.status === 0) !== isNegated;
  }

  *#loop(holds: () => Act<boolean>, body: () => Act<void>): Act<void> {
    let status = 0;
    for (;;) {
      yield* this.process.spend();
      try {
        if (!(yield* holds())) break;
        this.status = 0;
        yield* body();
        status = this.status;
      } catch (error) {
        if (!(error instanceof Leave) || error.what === "return") throw error;
        status = error.status;
        if (error.levels > 1) throw new Leave(error.what, status, error.levels - 1);
        if (error.what === "break") break;
      }
    }
    this.status = status;
  }

  *#case({ word, items }: Case): Act<void> {
    const text = yield* textOf(this, word);
    let falls = false;
    this.status = 0;
    for (const { pattern, body, terminator } of items) {
      let isIt = falls;
      for (const each of pattern) {
        if (isIt) break;
        isIt = matches(patternOf(yield* patternText(this, each)), text);
      }
      if (!isIt) continue;
      yield* this.list(body);
      if (terminator !== ";&" && terminator !== ";;&") return;
      falls = terminator === ";&";
    }
  }

  // ---- simple commands

  *#simple(node: SimpleCommand): Act<void> {
    this.#at = node.pos;
    const redirects = node.redirects;
    const assignments = node.prefix.filter((each) => each.type === "Assignment");
    if (!node.name) return yield* this.#assignOnly(assignments, redirects);
    const name = node.name;
    const fields = yield* fieldsOf(this, [name]);
    const isDeclaration = fields.length === 1 && declarations.has(fields[0]!);
    for (const argument of node.args)
      if (argument.type === "Word") fields.push(...(yield* fieldsOf(this, [argument])));
      else fields.push(...(yield* this.#argument(argument, isDeclaration)));
    if (fields.length === 0) return yield* this.#assignOnly(assignments, redirects);
    if (this.options.has("xtrace")) yield* this.#trace(assignments, fields);
    yield* this.#call(fields, assignments, redirects, node === this.#becomes);
  }

  /** `local x=$y`: not split; `x=(…)` is assigned and named. */
  *#argument(argument: CommandArgument & Assignment, isDeclaration: boolean): Act<string[]> {
    if (argument.value.type === "ArrayValue") {
      if (!isDeclaration) throw new ShellError("syntax error near unexpected token `('", 2);
      return [`${argument.name}=${yield* this.#arrayText(argument)}`];
    }
    const value = yield* textOf(this, argument.value);
    return [`${argument.name}${argument.append ? "+" : ""}=${value}`];
  }

  /** Kept aside under a number until the declaration has made its variable. */
  readonly arrays = new Map<string, Assignment>();
  *#arrayText(argument: Assignment): Act<string> {
    const key = `\0array ${this.arrays.size}`;
    this.arrays.set(key, argument);
    return key;
  }

  *#assignOnly(assignments: readonly Assignment[], redirects: readonly Redirection[]): Act<void> {
    this.status = 0;
    yield* this.redirected(redirects, () => this.#assignAll(assignments));
  }

  *#assignAll(assignments: readonly Assignment[]): Act<void> {
    for (const each of assignments) yield* this.assign(each);
    if (this.options.has("xtrace") && assignments.length > 0) yield* this.#trace(assignments, []);
  }

  *assign({ name, value, append, index }: Assignment): Act<void> {
    const { variables } = this;
    if (value.type === "ArrayValue") {
      const before = append ? new Map(variables.elements(name)) : new Map<string, string>();
      variables.setArray(name, yield* elementsOf(this, name, value, before));
      return;
    }
    const text = yield* textOf(this, value);
    if (index) {
      const key = yield* keyOf(aroundOf(this), name, yield* textOf(this, index));
      const before = variables.elements(name).find(([each]) => each === key)?.[1];
      variables.setElement(name, key, append ? (before ?? "") + text : text);
    } else yield* this.setText(name, text, append ?? false);
  }

  /** `x=text`, `x+=text`; of a whole number its value. */
  *setText(name: string, text: string, append: boolean): Act<void> {
    const before = this.variables.get(name) ?? "";
    if (this.variables.find(name)?.isInteger) {
      const value = yield* valueOf(aroundOf(this), append ? `${before || 0} + ${text}` : text);
      this.variables.set(name, String(value));
    } else this.variables.set(name, append ? before + text : text);
    if (this.options.has("allexport")) this.variables.declare(name).isExported = true;
  }

  *#trace(assignments: readonly Assignment[], fields: readonly string[]): Act<void> {
    const shown = (text: string): string =>
      /^[\w@%+=:,./-]+$/.test(text) ? text : shellQuoted(text);
    const ps4 = this.variables.get("PS4") ?? "+ ";
    for (const { name } of fields.length > 0 ? [] : assignments)
      yield* this.write(
        2,
        `${ps4}${name}=${shown(this.variables.get(name) ?? "").replace(/^''$/, "")}\n`,
      );
    if (fields.length > 0) yield* this.write(2, `${ps4}${fields.map(shown).join(" ")}\n`);
  }

  *#call(
    fields: readonly string[],
    assignments: readonly Assignment[],
    redirects: readonly Redirection[],
    becomes: boolean,
  ): Act<void> {
    const [name = "", ...args] = fields;
    const builtin = builtins[name];
    const found = this.functions.get(name);
    if (found || builtin) {
      if (name === "exec") return yield* this.#exec(args, redirects);
      if (redirects.length === 0 && assignments.length === 0) {
        if (found) yield* this.#callFunction(found, args);
        else this.status = yield* builtin!(this, args);
        return;
      }
      const run = function* (this: Shell): Act<void> {
        if (found) yield* this.#callFunction(found, args);
        else this.status = yield* builtin!(this, args);
      }.bind(this);
      return yield* this.redirected(redirects, () => this.#withAssignments(assignments, run));
    }
    yield* this.redirected(redirects, () =>
      this.#withAssignments(assignments, () =>
        becomes ? this.#become(fields) : this.external(fields),
      ),
    );
  }

  /** Variables that are there for one command only. */
  *#withAssignments(assignments: readonly Assignment[], run: () => Act<void>): Act<void> {
    if (assignments.length === 0) return yield* run();
    this.variables.enter();
    try {
      for (const { name, value } of assignments) {
        const text = value.type === "Word" ? yield* textOf(this, value) : "";
        const variable = this.variables.declare(name, true);
        variable.value = text;
        variable.isExported = true;
      }
      yield* run();
    } finally {
      this.variables.leave();
    }
  }

  *#callFunction(
    { node, source }: { node: FunctionNode; source: string },
    args: string[],
  ): Act<void> {
    if (++this.#depth > DEEPEST) {
      this.#depth = 0;
      throw new ShellError(
        `${node.name.value}: maximum function nesting level exceeded (${DEEPEST})`,
        1,
        true,
      );
    }
    const [positional, before, at] = [this.positional, this.#source, this.#at];
    this.positional = args;
    this.#source = source;
    this.variables.enter();
    try {
      if (node.body.type === "CompoundList") yield* this.list(node.body);
      else yield* this.#run(node.body);
    } catch (error) {
      if (!(error instanceof Leave) || error.what !== "return") throw error;
      this.status = error.status;
    } finally {
      this.variables.leave();
      this.positional = positional;
      this.#source = before;
      this.#at = at;
      this.#depth--;
    }
  }

  *#exec(args: readonly string[], redirects: readonly Redirection[]): Act<void> {
    const redirector = new Redirector(this);
    for (const redirect of redirects) yield* redirector.apply(redirect);
    redirector.keep();
    if (args.length === 0) return void (this.status = 0);
    yield* this.external(args);
    throw new Exit(this.status);
  }

  /** Runs with redirections, and takes them back. */
  *redirected(redirects: readonly Redirection[], run: () => Act<void>): Act<void> {
    if (redirects.length === 0) return yield* run();
    const redirector = new Redirector(this);
    try {
      for (const redirect of redirects) yield* redirector.apply(redirect);
      yield* run();
    } finally {
      redirector.restore();
    }
  }

  // ---- programs

  /** A program of the place, in a process of its own. */
  *external(fields: readonly string[]): Act<void> {
    const child = yield* this.start(fields);
    if (child) this.status = yield* child.wait();
  }

  /** A program takes this process over, which has nothing else to do. (execve) */
  *#become(fields: readonly string[]): Act<void> {
    const found = yield* this.#found(fields);
    if (!found) return;
    yield* this.#beforeProcess();
    const { place, process } = this;
    process.args = found.args;
    process.env = this.variables.exported();
    process.onSignal = undefined;
    throw new Exit(yield* runCommand(place, process, found.command, found.args));
  }

  /** A program by the name that a command begins with; undefined: none, which has been said. */
  *#found([name = "", ...args]: readonly string[]): Act<
    { command: Command; args: string[] } | undefined
  > {
    const program = this.#program(name);
    if (!("failed" in program))
      return { command: program.command, args: [name, ...program.before, ...args] };
    yield* this.complain(`${name}: ${program.failed}`);
    this.status = program.status;
    return undefined;
  }

  /** Undefined: there is none of that name, which has been said. */
  *start(fields: readonly string[], group?: "own"): Act<Process | undefined> {
    const found = yield* this.#found(fields);
    if (!found) return undefined;
    yield* this.#beforeProcess();
    const { place, process: parent } = this;
    return spawnCommand(place, {
      ...found,
      parent,
      fds: parent.fds,
      env: this.variables.exported(),
      folder: parent.folder,
      group,
    });
  }

  #program(
    name: string,
  ): { command: Command; before: string[] } | { failed: string; status: number } {
    const { commands, files } = this.place;
    const base = /^(?:\/usr)?(?:\/local)?\/s?bin\/([^/]+)$/.exec(name)?.[1];
    const command = commands.get(base ?? name);
    if (command) return { command, before: [] };
    const paths = name.includes("/")
      ? [absolute(name, this.process.folder)]
      : (this.variables.get("PATH") ?? "").split(":").map((folder) => `${folder}/${name}`);
    if (name === "") return { failed: "command not found", status: 127 };
    for (const path of paths) {
      const entry = files.find(path);
      if (!entry) continue;
      if (entry.kind === "folder") {
        if (!name.includes("/")) continue;
        return { failed: "Is a directory", status: 126 };
      }
      if ((entry.mode & 0o111) === 0) {
        if (!name.includes("/")) continue;
        return { failed: "Permission denied", status: 126 };
      }
      const interpreter = /^#!\s*(\S+)[ \t]*(\S*)/.exec(files.read(path));
      const words = interpreter ? interpreter.slice(1).filter((word) => word !== "") : ["sh"];
      if (/\/env$/.test(words[0]!)) words.shift();
      const own = commands.get(words[0]!.replace(/^.*\//, ""));
      if (!own)
        return { failed: `${words[0]}: bad interpreter: No such file or directory`, status: 126 };
      return { command: own, before: [...words.slice(1), path] };
    }
    const assumed = this.place.assumed?.(name, this.process);
    if (assumed) return { command: assumed, before: [] };
    return name.includes("/")
      ? { failed: "No such file or directory", status: 127 }
      : { failed: "command not found", status: 127 };
  }

  /** What a script prints, `$(…)`. */
  *outputOf(script: Script): Act<string> {
    const { reader, writer } = pipe();
    const file = fileOf(script);
    let process: Process;
    try {
      process = yield* this.fork(
        function* (shell) {
          if (script.source !== undefined) shell.#source = script.source;
          shell.options.delete("errexit"); // shopt inherit_errexit is off
          if (!file) return yield* shell.list(script);
          yield* shell.redirected([file], () => copyInput(shell));
        },
        new Map([[1, writer]]),
      );
    } finally {
      writer.release();
    }
    const parts: string[] = [];
    let size = 0;
    for (;;) {
      const bytes = yield* reader.read();
      if (bytes === "") break;
      parts.push(bytes);
      size += bytes.length;
      yield* this.process.spend(1 + (bytes.length >> 10));
      if (size > LONGEST_OUTPUT) {
        reader.release();
        throw new ShellError("xrealloc: cannot allocate memory", 2, true);
      }
    }
    reader.release();
    this.status = yield* process.wait();
    return parts.join("");
  }

  /** `<(…)`: the path under which a command finds the pipe. */
  substitute(operator: "<" | ">", script: Script): string {
    const { reader, writer } = pipe();
    const [own, other] = operator === "<" ? [reader, writer] : [writer, reader];
    const fd = this.#substitutions--;
    const act = this.fork(
      (shell) => shell.list(script),
      new Map([[operator === "<" ? 1 : 0, other]]),
    );
    // it waits for nothing before it has begun
    while (!act.next().done);
    other.release();
    this.process.setFd(fd, own);
    return `/dev/fd/${fd}`;
  }

  // ---- parameters

  /** $name, $1, $?, …; undefined: unset. */
  parameter(name: string): string | undefined {
    const clock = this.place.acts.clock;
    switch (name) {
      case "?":
        return String(this.status);
      case "#":
        return String(this.positional.length);
      case "$":
        return String(this.#shellPid());
      case "!":
        return this.lastBackground === undefined ? undefined : String(this.lastBackground);
      case "-":
        return `${this.options.has("errexit") ? "e" : ""}hB${this.isInteractive ? "i" : ""}`;
      case "0":
        return this.name;
      case "@":
      case "*":
        return this.positional.join(" ");
      case "RANDOM":
        return String(Math.floor(this.place.random() * 32_768));
      case "SECONDS":
        return String(Math.floor((clock.now() - this.#seconds) / 1000));
      case "EPOCHSECONDS":
        return String(Math.floor(clock.now() / 1000));
      case "LINENO":
        return String(this.line);
      case "BASHPID":
        return String(this.process.pid);
      case "PPID":
        return String(this.process.parent?.pid ?? 0);
      case "UID":
      case "EUID":
        return "0";
    }
    if (/^\d+$/.test(name)) return this.positional[Number(name) - 1];
    return this.variables.get(name);
  }

  /** A subshell calls itself what its shell is called. */
  #shellPid(): number {
    let process = this.process;
    while (process.parent && process.parent.args === process.args) process = process.parent;
    return process.pid;
  }

  refuseUnset(name: string): void {
    if (!this.options.has("nounset") || name === "@" || name === "*") return;
    throw new ShellError(`${/^\d/.test(name) ? `$${name}` : name}: unbound variable`, 127, true);
  }

  get separators(): string {
    return this.variables.get("IFS") ?? " \t\n";
  }

  // ---- signals

  #signalled(signal: number): boolean {
    const name = signalName(signal);
    const action = name === undefined ? undefined : this.traps.get(name);
    if (action === undefined) {
      // who types goes on, without what was asked for
      if (!this.isInteractive || (signal !== signals.INT && signal !== signals.TERM)) return false;
      if (signal === signals.INT) this.#pending.push(signal);
      this.interrupted.fire();
      return true;
    }
    if (action === "") return true;
    this.#pending.push(signal);
    this.interrupted.fire();
    return true;
  }

  get hasSignal(): number | undefined {
    return this.#pending[0];
  }

  *#traps(): Act<void> {
    for (let signal = this.#pending.shift(); signal; signal = this.#pending.shift()) {
      const name = signalName(signal)!;
      const action = this.traps.get(name);
      if (action === undefined) throw new Interrupted();
      yield* this.#runTrap(action);
    }
  }

  /** Whether somebody pressed ^C at its terminal since it was asked last. */
  takeInterrupt(): boolean {
    const at = this.traps.has("INT") ? -1 : this.#pending.indexOf(signals.INT);
    if (at >= 0) this.#pending.splice(at, 1);
    return at >= 0;
  }

  /** Takes what a new process costs. Throws Interrupted where it is not wanted any more. */
  *#beforeProcess(): Act<void> {
    yield* this.process.spend(5);
    if (this.takeInterrupt()) throw new Interrupted();
  }

  *#runTrap(action: string): Act<void> {
    const { status } = this;
    yield* this.evaluate(action);
    this.status = status;
  }

  /** Until the process ends, or a signal that is trapped comes: then undefined. */
  *waitInterruptibly(process: Process): Act<number | undefined> {
    while (process.status === undefined) {
      if (this.hasSignal !== undefined) return undefined;
      yield either(process.ended.wait, this.interrupted.wait);
    }
    return process.status;
  }
}

const simpleOf = (node: PipelineNode | { type: "AndOr" }): SimpleCommand | undefined =>
  node.type === "Command" ? node : undefined;

const isCompound = (node: PipelineNode): boolean =>
  ["If", "While", "For", "Case", "BraceGroup", "ArithmeticFor"].includes(node.type);

/** `$(< file)` */
function fileOf({ commands }: Script): Redirection | undefined {
  const command = commands.length === 1 ? commands[0]!.command : undefined;
  if (command?.type !== "Command" || command.name || command.prefix.length !== 1) return undefined;
  const [redirect] = command.prefix;
  return redirect?.type === "Redirect" && redirect.operator === "<" ? redirect : undefined;
}

function* copyInput(shell: Shell): Act<void> {
  const input = shell.process.fds.get(0)!;
  for (let bytes = yield* input.read(); bytes !== ""; bytes = yield* input.read())
    yield* shell.write(1, bytes);
}

export interface Started {
  command: Command;
  /** With the program's name before them. */
  args: readonly string[];
  parent: Process;
  fds: ReadonlyMap<number, Stream>;
  env: Readonly<Record<string, string>>;
  folder: string;
  group?: "own" | undefined;
}

/** A program's process. Throws ForkError where there are too many. */
export function spawnCommand(place: Place, started: Started): Process {
  const { command, args, parent, fds, env, folder, group } = started;
  return place.processes.spawn({
    args,
    parent,
    fds,
    env,
    folder,
    group,
    allowance: parent.allowance,
    background: parent.background,
    run: (process) => runCommand(place, process, command, args),
  });
}

/** A program in the process that there is. */
export function* runCommand(
  place: Place,
  process: Process,
  command: Command,
  [name = "", ...args]: readonly string[],
): Act<number> {
  const write = function* (fd: number, bytes: string): Act<void> {
    yield* process.spend(1 + (bytes.length >> 10));
    const stream = process.fds.get(fd);
    if (!stream) throw new FileError("EBADF");
    if (!(yield* stream.write(bytes)) && fd === 1) throw new Exit(128 + signals.PIPE);
  };
  const short = name.replace(/^.*\//, "");
  try {
    return yield* command({
      place,
      process,
      name: short,
      args,
      input: process.fds.get(0) ?? inputOf(""),
      out: (bytes) => write(1, bytes),
      err: (bytes) => write(2, bytes),
      path: (path) => absolute(path, process.folder),
    });
  } catch (error) {
    if (error instanceof FileError) {
      yield* write(2, `${short}: ${error.message}\n`);
      return 1;
    }
    if (error instanceof ForkError) {
      yield* write(2, `${short}: cannot fork: ${error.message}\n`);
      return 254;
    }
    throw error;
  }
}
