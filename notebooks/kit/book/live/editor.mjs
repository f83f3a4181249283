// A cell's editor: CodeMirror 6, with no more of it than a cell needs. Tab leaves the editor, as it
// leaves any field: who works by keyboard must get out.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { typescript } from "./colours.mjs";

/**
 * @param {{ text: string, label: string, run: () => void, runAndGoOn: () => void, changed: () =>
 *   void }} cell
 * @returns {EditorView}
 */
export function editor({ text, label, run, runAndGoOn, changed }) {
  const runKeys = [
    { key: "Mod-Enter", run: () => (run(), true) },
    { key: "Shift-Enter", run: () => (runAndGoOn(), true) },
  ];
  return new EditorView({
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([...runKeys, ...defaultKeymap, ...historyKeymap]),
        history(),
        typescript,
        syntaxHighlighting(classHighlighter),
        bracketMatching(),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
        EditorView.updateListener.of(({ docChanged }) => docChanged && changed()),
      ],
    }),
  });
}
