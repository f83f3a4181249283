// What the image shop:1 of the tests answers, to the byte; and a port that says nothing.
import { createServer } from "node:net";

/** @type {Record<string, [status: string, body: string]>} */
const bodies = { "/": ["200 OK", "hello\n"], "/moved": ["302 Found", ""] };

/** @param {string} path @returns {[head: string, body: string]} */
function answer(path) {
  const [status, body] = bodies[path] ?? ["404 Not Found", "not here\n"];
  const headers = [
    `Date: ${new Date().toUTCString()}`,
    ...(body === "" ? [] : ["Content-Type: text/plain; charset=utf-8"]),
    `Content-Length: ${body.length}`,
    ...(status.startsWith("302") ? ["Location: /"] : []),
  ];
  return [`HTTP/1.1 ${status}\r\n${headers.map((each) => `${each}\r\n`).join("")}\r\n`, body];
}

createServer((socket) => {
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      const head = text.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      text = text.slice(end + 4 + length);
      const [method, path = "/"] = head.split(" ");
      const [first, body] = answer(path);
      const say = () => {
        if (/^\S+ \S+ HTTP\/1.1/.test(head)) socket.write(method === "HEAD" ? first : first + body);
        else if (/\r\nhost:/i.test(head)) socket.end(first + body);
        else socket.end(first.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n") + body);
      };
      if (path === "/slow") setTimeout(say, 30_000);
      else say();
    }
  });
}).listen(8080);
createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", () => socket.end());
}).listen(8081);
