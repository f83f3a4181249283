/**
 * A bash whose commands belong to a place.
 *
 * - The grammar is unbash's (its AST of bash's grammar); what it means is here: lists and
 *   pipelines in statements.ts, what holds other commands in compound.ts, commands in simple.ts,
 *   their words in words.ts, their programs in programs.ts, builtins in builtins.ts. Each is given
 *   a Shell (shell.ts) and runs what stands in it by the methods that are bound to it here.
 * - Everything that may wait is an act (machinery/act.ts): `sleep 5`, a full pipe, a `curl` that
 *   nobody answers yield to the clock. So shells run side by side in virtual time, and with a real
 *   clock in real time; the same seed prints the same bytes.
 * - A command is a value (place.ts): it gets its arguments, its descriptors and its place, and
 *   reads nothing but that place's kernel, sockets, processes and files.
 * - Bytes are texts of characters 0 to 255; `${#x}` counts bytes, as in the C locale that most
 *   images have.
 * - Bounds: steps, processes, variables, files, output; whoever ends by one has an exit code.
 */
import type { CommandNode, Script, Statement } from "unbash";
import type { Act } from "../../machinery/act.js";
import type { Process } from "../process.js";
import { command } from "./compound.js";
import { Shell } from "./shell.js";
import { statement } from "./statements.js";
import { outputOf, substitute } from "./substitution.js";

export class Bash extends Shell {
  statement(node: Statement): Act<void> {
    return statement(this, node);
  }

  command(node: CommandNode): Act<void> {
    return command(this, node);
  }

  outputOf(script: Script): Act<string> {
    return outputOf(this, script);
  }

  substitute(operator: "<" | ">", script: Script): string {
    return substitute(this, operator, script);
  }

  copy(process: Process): Bash {
    return new Bash(this.place, process, this.name, this);
  }
}
