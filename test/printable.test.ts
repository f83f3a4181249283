/** Text from outside as it may be shown. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { printable, printableLines } from "stopover/internal/net/printable";
import { hidden, odd } from "./odd-characters.js";

const escape = suite("what is escaped");
for (const [what, character] of Object.entries(odd))
  escape(what, () => {
    const text = printable(`a${character}b`);
    assert.not.match(text, hidden);
    assert.is(JSON.parse(`"${text}"`), `a${character}b`, "as JSON would");
  });
escape("letters of all languages, and what a line holds, stay", () => {
  const text = "nginx-77b4 → größe 名前 שם 🙂 ${}\\\"'`";
  assert.is(printable(text), text);
});
escape("a text of several lines keeps them", () =>
  assert.is(printableLines("a\n\t\tb\tc\r\nd"), "a\n\t\tb\\u0009c\\u000d\nd"),
);
escape("each with four digits of base 16, as JSON has it", () => {
  assert.is(printable("\0\x0f\x7f\u202e"), "\\u0000\\u000f\\u007f\\u202e");
  assert.is(printable("\u{e0041}"), "\\udb40\\udc41", "two units of UTF-16");
});
escape("half a character", () => assert.is(printable("a\ud800b"), "a\\ud800b"));
escape.run();
