// Stands in for uvu where mutations are judged: tests are put on a list, and judge.mjs runs those
// that it wants. A suite with hooks is none for it.

/** @typedef {{ suite: string, name: string, run: () => unknown }} Test */

const shared = /** @type {{ collected?: Test[] }} */ (/** @type {unknown} */ (globalThis));
const list = (shared.collected ??= []);

export function suite(name = "") {
  const test = (/** @type {string} */ title, /** @type {(state: object) => unknown} */ handler) =>
    void list.push({ suite: name, name: title, run: () => handler({}) });
  const each = { each: refuse };
  return Object.assign(test, {
    before: Object.assign(() => refuse(), each),
    after: Object.assign(() => refuse(), each),
    only: test,
    skip() {},
    run() {},
  });
}

export const test = suite();

function refuse() {
  throw new Error("a suite with hooks");
}
