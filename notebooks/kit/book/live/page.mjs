// Small things that every script of a page needs.

/**
 * A new element with its properties.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} name
 * @param {Partial<HTMLElementTagNameMap[T]>} [properties]
 */
export function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}

/** A button that says what it does, also to who does not see it. */
export function button(
  /** @type {string} */ text,
  /** @type {string} */ title,
  /** @type {() => void} */ press,
) {
  const made = element("button", { type: "button", textContent: text, title });
  made.setAttribute("aria-label", title);
  made.addEventListener("click", press);
  return made;
}

/** The way from this page to the book's folder. */
export const bookFolder = () => document.documentElement.dataset.root ?? ".";

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/**
 * Loads scripts of the book's own folder, one after the other, each once: a page from the disk may
 * fetch nothing, but script elements load.
 * @param {...string} files of assets/
 */
export async function loadScripts(...files) {
  for (const file of files) {
    if (!loading.has(file)) loading.set(file, loadScript(`${bookFolder()}/assets/${file}`));
    await loading.get(file);
  }
}

/** @param {string} src @returns {Promise<void>} */
function loadScript(src) {
  return new Promise((done, fail) => {
    const script = element("script", { src });
    script.addEventListener("load", () => done());
    script.addEventListener("error", () => fail(new Error(`${src} is not there`)));
    document.head.append(script);
  });
}
