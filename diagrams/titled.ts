import { printable } from "stopover/internal/net/printable";
import type { Mermaid } from "./picture.js";
import { shorten } from "./text.js";

/**
 * A diagram's source with its title above it, where readers can see it. It stands in YAML's front
 * matter, where a JSON string is a string; no entity of mermaid's is read in it.
 */
export function titled({ title, source }: Mermaid): string {
  const columns = source.match(/^participant /gm)?.length;
  // mermaid makes no room for a title that is wider than a sequence's columns
  const short = columns === undefined ? title : shorten(title, Math.max(30, 18 * columns));
  return `---\ntitle: ${JSON.stringify(printable(short))}\n---\n${source}`;
}
