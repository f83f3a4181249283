/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Tables whose columns sort: a click on a column's name, or Enter on it, sorts by it, another one
 * the other way round, a third one puts the rows back. Written into a script as text, so it uses
 * nothing from outside itself.
 */
export function sort(host: HTMLElement): void {
  host.dataset["ready"] = "yes";
  const body = host.querySelector("tbody");
  const heads = [...host.querySelectorAll<HTMLElement>("thead th")];
  if (!body) return;
  const rows = [...body.rows];
  const textOf = (row: HTMLTableRowElement, column: number): string =>
    row.cells[column]?.textContent?.trim() ?? "";
  /** "1/3", "0.25", "12 %"; undefined: no number. */
  const numberOf = (text: string): number | undefined => {
    const [, over, under] = /^(-?[\d.,]+)(?:\/(\d+))?(?: ?%| s| ms)?$/.exec(text) ?? [];
    if (over === undefined) return undefined;
    const value = Number(over.replaceAll(",", "")) / Number(under ?? 1);
    return Number.isFinite(value) ? value : undefined;
  };
  const compare = (a: string, b: string): number => {
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x !== undefined && y !== undefined) return x - y;
    return a.localeCompare(b, "en", { numeric: true });
  };
  const turn: Record<string, string> = { none: "ascending", ascending: "descending" };
  const sortBy = (column: number): void => {
    const to = turn[heads[column]!.getAttribute("aria-sort") ?? "none"] ?? "none";
    heads.forEach((head, i) => head.setAttribute("aria-sort", i === column ? to : "none"));
    const sorted =
      to === "none"
        ? rows
        : [...rows].sort((a, b) => compare(textOf(a, column), textOf(b, column)));
    if (to === "descending") sorted.reverse();
    body.replaceChildren(...sorted);
  };
  const style = document.createElement("style");
  style.textContent =
    "[data-stopover=sort] th[aria-sort]{cursor:pointer}" +
    '[data-stopover=sort] th[aria-sort=ascending]::after{content:" ▲"}' +
    '[data-stopover=sort] th[aria-sort=descending]::after{content:" ▼"}';
  host.prepend(style);
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    head.title = "sort by this column";
    head.setAttribute("aria-sort", "none");
    head.addEventListener("click", () => sortBy(column));
    head.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      event.stopPropagation(); // a notebook has a use of its own for it
      sortBy(column);
    });
  });
}
