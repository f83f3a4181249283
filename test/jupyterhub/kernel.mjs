// A Jupyter kernel, spoken to as a notebook does: by a WebSocket to its server. (Jupyter's
// "Messaging in Jupyter", and the kernel channels of Jupyter Server's REST API.)

import { randomUUID } from "node:crypto";

/** @typedef {{ stream: string, text: string }} Piece of what a cell leaves */

/**
 * Runs cells one after the other.
 * @param {string} url
 * @param {string[]} cells
 * @returns {Promise<string[]>} what each printed and showed, as text
 */
export async function runInKernel(url, cells) {
  const socket = new WebSocket(url);
  await new Promise((done, fail) => {
    socket.addEventListener("open", done);
    socket.addEventListener("error", () => fail(new Error(`no WebSocket to ${url}`)));
  });
  try {
    const texts = [];
    for (const code of cells) texts.push(textOf(await execute(socket, code)));
    return texts;
  } finally {
    socket.close();
  }
}

/** @param {WebSocket} socket @param {string} code @returns {Promise<Piece[]>} */
function execute(socket, code) {
  const id = randomUUID();
  /** @type {Piece[]} */
  const pieces = [];
  const ended = new Promise((done, fail) => {
    const over = new AbortController();
    const hear = (/** @type {MessageEvent} */ { data }) => {
      const { msg_type: type, parent_header: parent, content } = JSON.parse(String(data));
      if (parent?.msg_id !== id) return;
      if (type === "stream") add(pieces, { stream: content.name, text: content.text });
      if (type === "display_data")
        pieces.push({ stream: "", text: content.data["text/plain"] ?? "" });
      if (type !== "status" || content.execution_state !== "idle") return;
      over.abort();
      done(pieces);
    };
    const wentAway = () => fail(new Error("the kernel's server went away"));
    socket.addEventListener("message", hear, over);
    socket.addEventListener("close", wentAway, over);
  });
  socket.send(JSON.stringify(request(id, code)));
  return ended;
}

/** @param {string} id @param {string} code */
const request = (id, code) => ({
  channel: "shell",
  header: {
    msg_id: id,
    msg_type: "execute_request",
    session: id,
    username: "judge",
    version: "5.3",
    date: new Date().toISOString(),
  },
  parent_header: {},
  metadata: {},
  content: { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false },
  buffers: [],
});

/** What is printed one after the other is one text. @param {Piece[]} pieces @param {Piece} piece */
function add(pieces, piece) {
  const last = pieces.at(-1);
  if (last?.stream === piece.stream) last.text += piece.text;
  else pieces.push(piece);
}

/** As `committed` tells it. @param {Piece[]} pieces */
const textOf = (pieces) =>
  pieces
    .map(({ stream, text }) => (stream === "stderr" ? "" : text.replace(/\n+$/, "")))
    .join("\n");
