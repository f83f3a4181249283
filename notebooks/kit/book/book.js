// What a page of the book does: remembers light or dark, and searches. Works from file://, without
// a server and without a network.

const page = document.documentElement;

// file:// may forbid it
const remembered = () => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
};
page.dataset.theme =
  remembered() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

addEventListener("DOMContentLoaded", () => {
  document.querySelector(".theme").addEventListener("click", () => {
    page.dataset.theme = page.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", page.dataset.theme);
    } catch {
      /* forgotten with the page */
    }
  });
  setUpSearch(document.querySelector("input[type=search]"), document.querySelector(".results"));
});

/**
 * The index is loaded at the first use of the search field, by script tags, for file:// allows no
 * fetch.
 */
function setUpSearch(field, results) {
  let engine;
  const ready = () =>
    (engine ??= load("minisearch.js", "index.js").then(() => {
      const index = new MiniSearch({
        fields: ["heading", "chapter", "text"],
        storeFields: ["chapter", "heading", "text"],
        searchOptions: {
          boost: { heading: 3, chapter: 2 },
          prefix: true,
          fuzzy: 0.15,
          combineWith: "AND",
        },
      });
      index.addAll(window.sections);
      return index;
    }));
  const close = () => {
    results.hidden = true;
  };
  field.addEventListener("focus", ready);
  field.addEventListener("input", async () => {
    const words = field.value.trim();
    if (!words) return close();
    const found = (await ready()).search(words).slice(0, 12);
    results.replaceChildren(
      ...(found.length
        ? found.map((hit) => entry(hit))
        : [element("p", `Nothing found for “${words}”.`)]),
    );
    results.hidden = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (
      event.key === "/" &&
      !event.target.closest?.("input, textarea, select, [contenteditable]")
    ) {
      event.preventDefault();
      field.focus();
    }
    if (event.key === "Enter" && event.target === field) results.querySelector("a")?.click();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("header")) close();
  });
}

/** One hit: its heading, its chapter, and the words around the first match. */
function entry({ id, chapter, heading, text, terms }) {
  const link = element("a", heading || chapter);
  link.href = `${page.dataset.root}/${id}`;
  const plain = text.replace(/[#*`|>]|\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\s+/g, " ");
  const at = Math.max(0, ...terms.slice(0, 1).map((term) => plain.toLowerCase().indexOf(term)));
  const start = Math.max(0, at - 50);
  const snippet = element("small", `${chapter} · ${start ? "…" : ""}${plain.slice(start, at)}`);
  snippet.append(
    element("mark", plain.slice(at, at + (terms[0]?.length ?? 0))),
    `${plain.slice(at + (terms[0]?.length ?? 0), at + 110)}…`,
  );
  link.append(snippet);
  link.addEventListener("click", () => {
    document.querySelector(".results").hidden = true;
  });
  return link;
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

/** Loads scripts of assets/ one after the other. */
async function load(...files) {
  for (const file of files) {
    await new Promise((done, fail) =>
      document.head.append(
        Object.assign(document.createElement("script"), {
          src: `${page.dataset.root}/assets/${file}`,
          onload: done,
          onerror: fail,
        }),
      ),
    );
  }
}
