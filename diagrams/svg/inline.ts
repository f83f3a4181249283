import type { Svg } from "../picture.js";

/**
 * A picture for a page: both of its shapes, of which the room decides that is there. It needs no
 * script; where a page strips styles, both are seen.
 */
export function inline({ svg, stacked }: Svg): string {
  return (
    `<div class="som-figure"><style>${rules}</style>` +
    `<div class="som-wide">${svg}</div><div class="som-stacked">${stacked}</div></div>`
  );
}

/** Letters of the wide shape are smaller than 12 px where there is less room than this. */
const rules = [
  ".som-figure{container-type:inline-size}",
  ".som-figure svg{display:block;width:100%;height:auto}",
  ".som-wide svg{max-width:960px}",
  ".som-stacked{display:none}.som-stacked svg{max-width:420px}",
  "@container (max-width:819px){.som-wide{display:none}.som-stacked{display:block}}",
].join("");
