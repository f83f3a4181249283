/** Characters that command a terminal, or deceive who reads it; for tests of what may be shown. */

/** What each does, and the character. */
export const odd = {
  "ends a C string": "\0",
  rings: "\x07",
  "writes over the line": "\r",
  "begins a new line": "\n",
  "commands the terminal (ESC)": "\x1b[2J\x1b]0;title\x07",
  "is deleted": "\x7f",
  "commands the terminal (CSI in one byte)": "\x9b2J",
  "turns letters around": "\u202e",
  "isolates them": "\u2066",
  "ends a line in Unicode": "\u2028",
  "is not seen": "\u200b",
  "is a tag": "\u{e0041}",
};

/** What must not be in a text that is shown, but for its line breaks. */
export const hidden = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
