/** A connection to a Pod's port, from its own loopback address, for whoever forwards it. */
import type { Act } from "../../machinery/act.js";
import type { NetworkEnd } from "../../shell/network/network-end.js";
import { carried, type Outside } from "./carried.js";

/** Bytes that may wait for a client before its Pod waits, too. */
export const UNREAD = 256 * 1024;
/** Bytes that a Pod may leave unread. */
export const UNHEARD = 16 * 1024 * 1024;

/** To its end; answers what the client is told where there is none. */
export function* forwardedTo(
  end: NetworkEnd,
  sandbox: string,
  port: number,
  outside: Outside,
): Act<string | undefined> {
  const address = end.sourceFor("127.0.0.1") === undefined ? "::1" : "127.0.0.1";
  const connection = yield* end.connect({ address, port });
  if ("failed" in connection) return refused(sandbox, port, connection);
  yield* carried(end.acts, connection, outside);
  return undefined;
}

/** As containerd says it. */
function refused(sandbox: string, port: number, { failed }: { failed: string }): string {
  const why = failed === "ECONNREFUSED" ? "connection refused" : "no route to host";
  const dial = (network: string, to: string): string =>
    `dial ${network} ${to}:${port}: connect: ${why}`;
  return (
    `error forwarding port ${port} to pod ${sandbox}, uid : failed to execute portforward in ` +
    `network namespace "/var/run/netns/cni-${sandbox}": failed to connect to localhost:${port} ` +
    `inside namespace "${sandbox}", IPv4: ${dial("tcp4", "127.0.0.1")} IPv6 ${dial("tcp6", "[::1]")} `
  );
}
