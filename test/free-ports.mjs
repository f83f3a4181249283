// Ports of the loopback address that nobody listens at, for servers that must be told theirs.

import { createServer } from "node:net";

/** @param {number} count @returns {Promise<number[]>} */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise((/** @type {(value: unknown) => void} */ done) =>
        server.listen(0, "127.0.0.1", () => done(undefined)),
      );
      return server;
    }),
  );
  return servers.map((server) => {
    const address = server.address();
    server.close();
    return typeof address === "object" ? (address?.port ?? 0) : 0;
  });
}
