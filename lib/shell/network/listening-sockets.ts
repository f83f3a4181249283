/** At which ports a Pod listens, as far as anybody knows. */
import type { Sandbox } from "../../node/machine.js";

/** Each number that the spec names is tried; one that is silent may listen on any of them. */
export function portsOf(sandbox: Sandbox): { protocol: string; port: number; address: string }[] {
  const opened = [...sandbox.sockets.keys()].map((key) => Number(key.split(" ")[1]));
  const spec = JSON.stringify(sandbox.pod.spec);
  const named = [...spec.matchAll(/(?<![\w.])\d{1,5}(?![\w.])/g)].map(([text]) => Number(text));
  const isAny = sandbox.listens("TCP", 65_535) && !named.includes(65_535);
  const tried = isAny ? opened : [...opened, ...named, ...usualPorts];
  return (["TCP", "UDP", "SCTP"] as const).flatMap((protocol) =>
    [...new Set(tried)]
      .sort((x, y) => x - y)
      .filter((port) => port > 0 && port < 65_536 && sandbox.listens(protocol, port))
      .map((port) => ({ protocol, port, address: "*" })),
  );
}

/** Ports that images listen on without a word in the spec. (node/listening.ts) */
const usualPorts = [80, 443, 5678, 6379, 8080];
