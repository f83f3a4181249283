import { Agent, request, type ClientRequest, type IncomingMessage } from "node:http";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";

/** The thread behind SyncHttp: sends what it is told to and reports what comes. */
export interface Asked {
  id: number;
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  stream?: true;
}

export interface Answer {
  id: number;
  status: number;
  body: string;
  /** Set where there was no answer. */
  failure?: string;
}

export interface StreamMessage {
  id: number;
  status: number;
  line?: string;
  end?: string;
}

const { url, ready, answers, lines } = workerData as {
  url: string;
  ready: SharedArrayBuffer;
  answers: MessagePort;
  lines: MessagePort;
};
const signal = new Int32Array(ready);
const agent = new Agent({ keepAlive: true });
const running = new Map<number, ClientRequest>();

parentPort!.on("message", (asked: Asked | { id: number; cancel: true }) => {
  if ("cancel" in asked) running.get(asked.id)?.destroy();
  else if (asked.stream) stream(asked);
  else single(asked);
});

function send(
  { method, path, headers, body }: Asked,
  on: (response: IncomingMessage) => void,
  fail: (error: Error) => void,
  ownAgent?: Agent,
): ClientRequest {
  const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
  const sent = request(
    new URL(path, url),
    { method, headers: { ...headers, ...length }, agent: ownAgent ?? agent },
    on,
  );
  sent.on("error", fail);
  sent.end(body);
  return sent;
}

function single(asked: Asked, again = true): void {
  const reply = (answer: Omit<Answer, "id">) => {
    answers.postMessage({ ...answer, id: asked.id });
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  };
  const sent = send(
    asked,
    (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        reply({ status: response.statusCode!, body: Buffer.concat(chunks).toString("utf8") }),
      );
      response.on("error", (error) => reply({ status: 0, body: "", failure: error.message }));
    },
    (error) => {
      // The server closed an idle connection just as it was used again: nothing was processed, ask
      // once more.
      if (again && sent.reusedSocket && (error as NodeJS.ErrnoException).code === "ECONNRESET")
        single(asked, false);
      else reply({ status: 0, body: "", failure: error.message });
    },
  );
}

function stream(asked: Asked): void {
  const { id } = asked;
  const end = (why?: string) => {
    if (running.delete(id))
      lines.postMessage({ id, status: 0, ...(why !== undefined && { end: why }) });
  };
  running.set(
    id,
    send(
      asked,
      (response) => {
        const status = response.statusCode!;
        let rest = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          const whole = (rest + chunk).split("\n");
          rest = whole.pop()!;
          for (const line of whole) if (line) lines.postMessage({ id, status, line });
        });
        response.on("end", () => {
          if (rest) lines.postMessage({ id, status, line: rest });
          end();
        });
        response.on("error", (error) => end(error.message));
        response.on("close", () => end());
      },
      (error) => end(error.message),
      new Agent(),
    ),
  );
}
