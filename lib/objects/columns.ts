/** What kubectl's tables show of each kind. */
import { columnTable } from "./generated/columns.js";

const lines = new Map<string, string>();

/** Lines of the generated table: a kind and its columns. */
export function addColumns(table: string): void {
  for (const line of table.trim().split("\n")) {
    const [kind = "", columns = ""] = line.split(/: (.*)/, 2);
    if (!lines.has(kind)) lines.set(kind, columns);
  }
}

addColumns(columnTable);

/** "Name", "+Node" (wide only), "Desired:integer"; undefined where the kind has none of its own. */
export const columnsOf = (kind: string): string[] | undefined => lines.get(kind)?.split(", ");
