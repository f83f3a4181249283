/** A shell's variables: texts, arrays by number, and arrays by name; local ones on top. */

/** What cannot be assigned, or is not what it should be; the shell says so and goes on. */
export class ShellError extends Error {
  /** `status`: the exit code. `isFatal`: a shell that is not interactive ends. */
  constructor(
    message: string,
    readonly status = 1,
    readonly isFatal = false,
  ) {
    super(message);
  }
}

export interface Variable {
  value: string | Map<string, string> | undefined;
  /** An array whose keys are names, not numbers. */
  isNamed?: boolean;
  isExported?: boolean;
  isReadonly?: boolean;
  isInteger?: boolean;
}

/** The bytes that a variable may hold. */
const LIMIT = 16 * 1024 * 1024;

function refuseHuge(value: string): void {
  if (value.length > LIMIT) throw new ShellError("xrealloc: cannot allocate memory", 2, true);
}

export class Variables {
  /** The innermost last. */
  readonly #scopes: Map<string, Variable>[];

  constructor(scopes: Map<string, Variable>[] = [new Map<string, Variable>()]) {
    this.#scopes = scopes;
  }

  /** For a subshell: what it changes stays its own. */
  copy(): Variables {
    const copyOf = (variable: Variable): Variable => ({
      ...variable,
      value: variable.value instanceof Map ? new Map(variable.value) : variable.value,
    });
    return new Variables(
      this.#scopes.map((scope) => new Map([...scope].map(([name, one]) => [name, copyOf(one)]))),
    );
  }

  find(name: string): Variable | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]!.get(name);
      if (found) return found;
    }
    return undefined;
  }

  /** A text; of an array its element 0. */
  get(name: string): string | undefined {
    const value = this.find(name)?.value;
    return value instanceof Map ? value.get("0") : value;
  }

  /** The elements of an array in order; a text is an array of one. */
  elements(name: string): [key: string, value: string][] {
    const value = this.find(name)?.value;
    if (value === undefined) return [];
    if (!(value instanceof Map)) return [["0", value]];
    const all = [...value];
    return this.find(name)!.isNamed ? all : all.sort(([a], [b]) => Number(a) - Number(b));
  }

  /** Throws ShellError where it is read-only. */
  set(name: string, value: string): void {
    const variable = this.#writable(name);
    refuseHuge(value);
    if (variable.value instanceof Map) variable.value.set("0", value);
    else variable.value = value;
  }

  setElement(name: string, key: string, value: string): void {
    const variable = this.#writable(name);
    refuseHuge(value);
    if (!(variable.value instanceof Map))
      variable.value = new Map(variable.value === undefined ? [] : [["0", variable.value]]);
    variable.value.set(key, value);
  }

  setArray(name: string, values: Map<string, string>): void {
    const variable = this.#writable(name);
    variable.value = values;
  }

  #writable(name: string): Variable {
    const variable = this.find(name) ?? this.declare(name);
    if (variable.isReadonly) throw new ShellError(`${name}: readonly variable`);
    return variable;
  }

  /** The variable of that name, made where there is none. `local`: in the innermost scope. */
  declare(name: string, local = false): Variable {
    const scope = local ? this.#scopes.at(-1)! : this.#scopes[0]!;
    const found = local ? scope.get(name) : this.find(name);
    if (found) return found;
    const made: Variable = { value: undefined };
    scope.set(name, made);
    return made;
  }

  unset(name: string): void {
    if (this.find(name)?.isReadonly)
      throw new ShellError(`unset: ${name}: cannot unset: readonly variable`);
    for (let i = this.#scopes.length - 1; i >= 0; i--) if (this.#scopes[i]!.delete(name)) return;
  }

  unsetElement(name: string, key: string): void {
    const value = this.find(name)?.value;
    if (value instanceof Map) value.delete(key);
  }

  get isLocal(): boolean {
    return this.#scopes.length > 1;
  }

  enter(): void {
    this.#scopes.push(new Map());
  }

  leave(): void {
    this.#scopes.pop();
  }

  /** All names with their variables, by name. */
  all(): [name: string, variable: Variable][] {
    const all = new Map(this.#scopes.flatMap((scope) => [...scope]));
    return [...all].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** What a program gets. */
  exported(): Record<string, string> {
    return Object.fromEntries(
      this.all().flatMap(([name, { value, isExported }]) =>
        isExported && typeof value === "string" ? [[name, value]] : [],
      ),
    );
  }
}
