/**
 * A flowchart under construction: things with a role (see theme.ts), arrows between them, boxes
 * around them.
 *
 *     const flow = new Flow("LR").node("lb", "stop1", "load balancer").node("a", "node", "node-a");
 *     flow.edge("lb", "a", { path: true }).picture("…")
 *
 * Keys are the caller's and never reach the source: mermaid sees n0, n1, … and escaped labels.
 */
import type { Mermaid } from "./picture.js";
import { look, roles, theme, type Role, type Shape } from "./theme.js";
import { labels } from "./text.js";

const brackets: Record<Shape, [string, string]> = {
  rect: ["[", "]"],
  round: ["(", ")"],
  stadium: ["([", "])"],
  hexagon: ["{{", "}}"],
  lean: ["[/", "/]"],
  subroutine: ["[[", "]]"],
};

export interface EdgeOptions {
  label?: readonly string[];
  /** On the request's way: thick and vermilion. */
  path?: boolean;
  /** On the answer's way: dotted. */
  reply?: boolean;
  /** There, but not what this picture is about. */
  faint?: boolean;
}

export class Flow {
  private readonly ids = new Map<string, string>();
  private readonly lines: string[] = [];
  private readonly styles = new Map<string, number[]>();
  private readonly used = new Set<Role>();
  private readonly faint = new Set<string>();
  private readonly marked = new Set<string>();
  private edges = 0;

  /** `gap`: pixels between one rank and the next. */
  constructor(
    private readonly direction: "LR" | "TB",
    private readonly gap = 34,
  ) {}

  /** How many things it has. */
  get size(): number {
    return this.ids.size;
  }
  has(key: string): boolean {
    return this.ids.has(key);
  }

  /**
   * `path` frames it as a place the request came through; `faint` as one it has not (yet) reached.
   */
  node(
    key: string,
    role: Role,
    label: (string | undefined)[],
    options: { path?: boolean; faint?: boolean } = {},
  ): this {
    const id = this.id(key),
      [open, close] = brackets[roles[role].shape];
    this.used.add(role);
    if (options.path) this.marked.add(id);
    if (options.faint) this.faint.add(id);
    this.lines.push(`${id}${open}"${labels(...label)}"${close}:::${role}`);
    return this;
  }

  /** A box around what `inside` adds. */
  group(
    key: string,
    role: Role,
    title: (string | undefined)[],
    inside: () => void,
    options: { direction?: "LR" | "TB"; path?: boolean; faint?: boolean } = {},
  ): this {
    const id = this.id(key);
    this.used.add(role);
    if (options.path) this.marked.add(id);
    if (options.faint) this.faint.add(id);
    this.lines.push(`subgraph ${id}["${labels(...title)}"]`);
    if (options.direction) this.lines.push(`direction ${options.direction}`);
    inside();
    this.lines.push("end", `class ${id} ${role}`);
    return this;
  }

  edge(from: string, to: string, { label = [], path, reply, faint }: EdgeOptions = {}): this {
    const text = label.length ? `|"${labels(...label)}"|` : "";
    this.lines.push(`${this.id(from)} ${reply ? "-.->" : "-->"}${text} ${this.id(to)}`);
    const style = path
      ? `stroke:${theme.path},stroke-width:4px`
      : reply
        ? `stroke:${theme.line},stroke-width:2px`
        : faint
          ? `stroke:${theme.faint},stroke-width:1px`
          : `stroke:${theme.line},stroke-width:1.5px`;
    this.styles.set(style, [...(this.styles.get(style) ?? []), this.edges++]);
    return this;
  }

  /** An edge that only keeps two things apart. */
  order(from: string, to: string): this {
    this.lines.push(`${this.id(from)} ~~~ ${this.id(to)}`);
    this.edges++;
    return this;
  }

  picture(title: string): Mermaid {
    const classes = [...this.used].map((role) => `classDef ${role} ${style(role)}`);
    if (this.faint.size)
      classes.push(
        `classDef faint fill:#ffffff,stroke:${theme.faint},color:${theme.line}`,
        `class ${[...this.faint].join(",")} faint`,
      );
    if (this.marked.size)
      classes.push(
        `classDef path stroke:${theme.path},stroke-width:3px`,
        `class ${[...this.marked].join(",")} path`,
      );
    const links = [...this.styles].map(([style, edges]) => `linkStyle ${edges.join(",")} ${style}`);
    return {
      kind: "mermaid",
      title,
      source:
        [
          look({ gap: this.gap }),
          `flowchart ${this.direction}`,
          `accTitle: ${labels(title)}`,
          ...this.lines,
          ...classes,
          ...links,
        ].join("\n") + "\n",
    };
  }

  private id(key: string): string {
    if (!this.ids.has(key)) this.ids.set(key, `n${this.ids.size}`);
    return this.ids.get(key)!;
  }
}

function style(role: Role): string {
  const { fill, stroke, ...rest } = roles[role];
  return `fill:${fill},stroke:${stroke},stroke-width:1.5px,color:${theme.ink}${"dash" in rest ? ",stroke-dasharray:5 4" : ""}`;
}
