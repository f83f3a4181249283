/**
 * Which node a request enters and who answers it, as a table of shares: where the lines of all ways
 * would tangle, one look at a cell says what many lines do not.
 */
import { printable } from "stopover/internal/net/printable";
import type { Outcomes } from "stopover";
import type { Svg } from "../picture.js";
import { aligned, fraction } from "../text.js";
import type { Grid } from "./data.js";
import { frame } from "../svg/frame.js";
import { fit, lineHeight, widthOf, wrapTo } from "../svg/measure.js";
import { rect, round, text } from "../svg/pen.js";

/** The shares of all ways: entered node by end, as a picture and as text. */
export function matrix(all: Outcomes): Svg {
  const grid = gridOf(all);
  const title = "Which node a request enters, and who answers it";
  const lines = [["entered", ...grid.columns.map(({ name }) => name)]];
  grid.rows.forEach((row, i) => lines.push([row, ...grid.cells[i]!.map(shareText)]));
  const draw = (width: number, turned: boolean) => {
    const drawn = drawGrid(grid, { x: 16, y: 40, width: width - 32, turned });
    const heading = text(16, 26, fit(title, width - 32), { bold: true });
    const shape = turned ? "stacked" : "wide";
    return frame({ width, height: drawn.height + 52, title, shape }, [heading, drawn.svg]);
  };
  return {
    kind: "svg",
    title,
    text: `${title}\n${aligned(lines)}`,
    svg: draw(960, false),
    stacked: draw(360, true),
  };
}

/** `entered`: the node that a request came to, where no hop of its tells, for it was dead. */
export function gridOf(
  { outcomes }: Outcomes,
  entered: (trip: Outcomes["outcomes"][number]) => string | undefined = () => undefined,
): Grid {
  const columns = new Map<string, Grid["columns"][number]>();
  const shares = new Map<string, Map<string, number>>();
  for (const trip of outcomes) {
    const { probability, disposition, pod, node, hops } = trip;
    const end = disposition === "delivered" ? (pod ?? node ?? "outside") : disposition;
    const row = hops.find(({ kind }) => kind === "node")?.name ?? entered(trip) ?? "no node";
    const name = disposition === "delivered" ? end.replace(/^.*\//, "") : end;
    columns.set(end, { name, node: disposition === "delivered" ? node : undefined });
    const its = shares.get(row) ?? new Map<string, number>();
    shares.set(row, its.set(end, (its.get(end) ?? 0) + probability));
  }
  const isPod = (end: string) => columns.get(end)!.node !== undefined;
  const ends = [...columns.keys()].sort(
    (a, b) =>
      Number(isPod(b)) - Number(isPod(a)) ||
      (columns.get(a)!.node ?? "").localeCompare(columns.get(b)!.node ?? "") ||
      a.localeCompare(b),
  );
  const rows = [...shares.keys()].sort();
  return {
    rows,
    columns: ends.map((end) => columns.get(end)!),
    cells: rows.map((row) => ends.map((end) => shares.get(row)!.get(end) ?? 0)),
  };
}

/**
 * One row for the nodes that the map sums up, and one column for the Pods: a table of forty nodes
 * and sixty Pods says nothing at one look.
 */
export function summedUp(
  grid: Grid,
  hidden: { nodes: ReadonlySet<string>; pods: ReadonlySet<string> },
): Grid {
  const rows = grouped(grid.rows, (name) => hidden.nodes.has(name));
  const columns = grouped(grid.columns, ({ name }) => hidden.pods.has(name));
  const sum = (is: readonly number[], js: readonly number[]) =>
    is.flatMap((i) => js.map((j) => grid.cells[i]![j]!)).reduce((all, share) => all + share, 0);
  return {
    rows: rows.map(([i, ...more]) => (more.length ? `${more.length + 1} more` : grid.rows[i]!)),
    columns: columns.map(([j, ...more]) =>
      more.length ? { name: `${more.length + 1} more Pods`, node: "" } : grid.columns[j]!,
    ),
    cells: rows.map((is) => columns.map((js) => sum(is, js))),
  };
}

/** Each by itself, and those that are hidden together at the end: as places in the list. */
function grouped<T>(all: readonly T[], isHidden: (one: T) => boolean): [number, ...number[]][] {
  const places = all.map((_, i) => i);
  const [first, ...others] = places.filter((i) => isHidden(all[i]!));
  const alone = places.filter((i) => !isHidden(all[i]!)).map((i): [number] => [i]);
  return first === undefined ? alone : [...alone, [first, ...others]];
}

const shareText = (share: number): string => (share === 0 ? "0" : fraction(share));

interface Place {
  x: number;
  y: number;
  width: number;
  /** Pods as rows: for a narrow picture. */
  turned: boolean;
}
interface Head {
  name: string;
  node?: string | undefined;
}

/** The table, drawn, in as many pieces side by side as its width asks for; and how high it is. */
export function drawGrid(grid: Grid, place: Place): { svg: string; height: number } {
  const { x, y, width, turned } = place;
  const nodes: Head[] = grid.rows.map((name) => ({ name, node: name }));
  const [down, across] = turned ? [grid.columns, nodes] : [nodes, grid.columns];
  const names = shortNames(across.map(({ name }) => name));
  const widest = Math.max(
    ...down.map(({ name, node = "" }) => Math.max(widthOf(name), widthOf(node))),
  );
  const left = Math.ceil(Math.min(turned ? 120 : 140, widest + 14));
  const shares = grid.cells.flat().map((share) => widthOf(shareText(share)));
  const heads = names.map((name) => Math.min(88, widthOf(name)));
  const cell = Math.ceil(Math.max(48, ...shares, ...heads)) + 10;
  const most = Math.max(1, Math.floor((width - left) / cell));
  const parts: string[] = [];
  let top = y;
  for (let first = 0; first < across.length; first += most) {
    const columns = across
      .map((head, j) => ({ ...head, short: names[j]! }))
      .slice(first, first + most);
    const piece = drawPiece(down, columns, { x, y: top, left, cell }, (i, j) =>
      turned ? grid.cells[first + j]![i]! : grid.cells[i]![first + j]!,
    );
    parts.push(piece.svg);
    top = piece.bottom + 14;
  }
  const note =
    "framed thick: the Pod is on the node that was entered, so that no second machine is met";
  const lines = wrapTo(note, width);
  parts.push(...lines.map((line, i) => text(x, top + i * lineHeight, line, { colour: "soft" })));
  return { svg: parts.join(""), height: top + lines.length * lineHeight - y };
}

function drawPiece(
  down: readonly Head[],
  across: readonly (Head & { short: string })[],
  { x, y, left, cell }: { x: number; y: number; left: number; cell: number },
  share: (i: number, j: number) => number,
): { svg: string; bottom: number } {
  const heads = across.map((head) =>
    [head.short, ownNode(head)].map((line) => fit(printable(line), cell - 6)),
  );
  const top = y + (heads.some(([, node]) => node) ? 2 : 1) * lineHeight + 8;
  const step = down.some(ownNode) ? 40 : 30;
  const parts = heads.map((lines, j) =>
    words(lines, x + left + j * cell + cell / 2, y + 14, "middle"),
  );
  down.forEach((head, i) => {
    const lines = [head.name, ownNode(head)].map((line) => fit(printable(line), left - 10));
    const middle = top + i * step + (ownNode(head) ? 16 : step / 2 + 3);
    parts.push(words(lines, x, middle, undefined));
    across.forEach((other, j) => {
      const box = { x: x + left + j * cell, y: top + i * step, w: cell - 4, h: step - 4 };
      const isSame = head.node !== undefined && head.node === other.node;
      const isLost = head.node === undefined || other.node === undefined;
      parts.push(drawCell(box, share(i, j), isSame, isLost));
    });
  });
  return { svg: parts.join(""), bottom: top + down.length * step };
}

/** A Pod's node; a node is its own. */
function ownNode({ name, node }: Head): string {
  return node !== undefined && node !== name ? node : "";
}

/** Names without what all begin with, up to a dash: "…8d9k6" of "nginx-7d8c7dc949-8d9k6". */
function shortNames(names: readonly string[]): string[] {
  const dash = (names[0] ?? "").lastIndexOf("-") + 1;
  const same = names.every((name) => name.startsWith(names[0]!.slice(0, dash)));
  return names.length > 1 && same && dash > 8
    ? names.map((name) => `…${name.slice(dash)}`)
    : [...names];
}

function drawCell(
  box: { x: number; y: number; w: number; h: number },
  share: number,
  isSame: boolean,
  isLost: boolean,
): string {
  const ground = rect(box, {
    fill: share === 0 ? "paper" : isLost ? "loss" : "pod",
    opacity: share > 0 ? round(Math.min(1, share * 3)) : 1,
    stroke: isSame && share > 0 ? "podline" : "groundline",
    width: isSame && share > 0 ? 2.5 : 1,
    radius: 4,
  });
  const label = fit(shareText(share), box.w - 4);
  return (
    ground +
    text(box.x + box.w / 2, box.y + box.h / 2 + 5, label, {
      anchor: "middle",
      colour: share > 0 ? "ink" : "soft",
      bold: share > 0,
    })
  );
}

function words(
  lines: readonly (string | undefined)[],
  x: number,
  y: number,
  anchor: "middle" | undefined,
): string {
  return lines
    .map((line, i) =>
      line
        ? text(x, y + i * lineHeight, line, {
            bold: i === 0,
            colour: i ? "soft" : "ink",
            ...(anchor && { anchor }),
          })
        : "",
    )
    .join("");
}
