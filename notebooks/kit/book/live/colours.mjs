// TypeScript's colours in a cell's editor, by words alone. A whole grammar (CodeMirror's own) would
// weigh a fifth of a page's scripts, and cells are checked where they run.

import { StreamLanguage } from "@codemirror/language";

/** @typedef {import("@codemirror/language").StringStream} Stream */
/**
 * `inside`: the text that ends what goes on from line to line. `before`: the word or sign that came
 * last.
 * @typedef {{ inside: "" | "*\/" | "`", before: string }} State
 */

const keywords = new Set(
  (
    "as async await break case catch class const continue default delete do else export extends " +
    "finally for from function if import in instanceof interface let new of return satisfies " +
    "static super switch this throw try type typeof var void while yield"
  ).split(" "),
);
const values = new Set(["true", "false", "null", "undefined"]);
const declaring = new Set(["const", "let", "var", "function"]);

/** @type {StreamLanguage<State>} */
export const typescript = StreamLanguage.define({
  name: "typescript",
  startState: () => ({ inside: "", before: "" }),
  copyState: (state) => ({ ...state }),
  token(stream, state) {
    if (state.inside) return within(stream, state);
    if (stream.eatSpace()) return null;
    const { before } = state;
    const from = stream.pos;
    const kind = begun(stream, state, before);
    state.before = stream.string.slice(from, stream.pos);
    return kind;
  },
});

/** @param {Stream} stream @param {State} state @param {string} before */
function begun(stream, state, before) {
  if (stream.match("//")) return (stream.skipToEnd(), "comment");
  if (stream.match("/*")) return ((state.inside = "*/"), within(stream, state));
  if (stream.match("`")) return ((state.inside = "`"), within(stream, state));
  if (stream.match(/^(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)/)) return "string";
  if (stream.match(/^\d[\w.]*/)) return "number";
  if (stream.match(/^[A-Za-z_$][\w$]*/)) return ofWord(stream, before);
  if (stream.match(/^[-+*/%=<>!&|?]+/)) return "operator";
  stream.next();
  return null;
}

/**
 * What goes on until its end, on this line or on one below.
 * @param {Stream} stream
 * @param {State} state
 */
function within(stream, state) {
  const kind = state.inside === "`" ? "string" : "comment";
  while (!stream.eol()) {
    if (stream.match(state.inside)) {
      state.inside = "";
      break;
    }
    if (stream.next() === "\\") stream.next();
  }
  return kind;
}

/** @param {Stream} stream @param {string} before */
function ofWord(stream, before) {
  const word = stream.current();
  if (before === "." || stream.match(/^\s*:/, false)) return "propertyName";
  if (keywords.has(word)) return "keyword";
  if (values.has(word)) return "bool";
  if (declaring.has(before)) return "variableName.definition";
  return /^[A-Z]/.test(word) ? "typeName" : "variableName";
}
