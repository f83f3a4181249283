/** Bytes between a client of this machine and a connection of the simulated network, both ways. */
import type { Act, Acts } from "../../machinery/act.js";
import type { Pipe } from "../../machinery/pipe.js";
import type { Connection } from "../../shell/network/connection.js";

/** The client's side. */
export interface Outside {
  /** What it says. */
  readonly input: Pipe;
  /** Some of its input has been read. */
  heard?(): void;
  write(bytes: string): void;
  /** Until so little is unread that there is room for more. */
  room(): Act<void>;
  /** The other side has said all; until the client has, too. */
  rest?(): Act<void>;
}

/** Until the connection has ended; then it is closed. */
export function* carried(acts: Acts, connection: Connection, outside: Outside): Act<void> {
  const up = acts.begin(sendAll(connection, outside), () => {}, true);
  try {
    for (;;) {
      const bytes = yield* connection.input.read();
      if (bytes === "") break;
      outside.write(bytes);
      yield* outside.room();
    }
    if (outside.rest) yield* outside.rest();
  } finally {
    up.stop();
    connection.close();
  }
}

/** What the client says, until it has said all. */
function* sendAll(connection: Connection, outside: Outside): Act<void> {
  for (;;) {
    const bytes = yield* outside.input.read();
    if (bytes === "") return connection.shut();
    outside.heard?.();
    if (!(yield* connection.send(bytes))) return;
  }
}
