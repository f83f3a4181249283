/** ss: the sockets of the place. (iproute2 6.1) */
import type { Act } from "../../machinery/act.js";
import { endpoint } from "../../net/ip.js";
import type { Command, Context } from "../place.js";
import { optionsOf } from "./common.js";

function* ss(context: Context): Act<number> {
  const { flags } = yield* optionsOf(context, {
    letters: "ltunapxs46HeioO",
    long: {
      listening: "l",
      tcp: "t",
      udp: "u",
      numeric: "n",
      all: "a",
      processes: "p",
      "no-header": "H",
    },
  });
  const wantsTcp = flags.has("t") || !flags.has("u");
  const wantsUdp = flags.has("u") || !flags.has("t");
  const showsNetid = wantsTcp && wantsUdp;
  const isListening = flags.has("l") || flags.has("a");
  const isOpen = !flags.has("l");
  const rows: { netid: string; state: string; local: string; peer: string; queue: number }[] = [];
  if (isListening)
    for (const { protocol, address, port } of context.place.network.listening()) {
      if (protocol === "TCP" ? !wantsTcp : !wantsUdp) continue;
      const any = address === "*" ? "0.0.0.0" : address;
      rows.push({
        netid: protocol.toLowerCase(),
        state: protocol === "TCP" ? "LISTEN" : "UNCONN",
        local: endpoint(any, port),
        peer: "0.0.0.0:*",
        queue: protocol === "TCP" ? 4_096 : 0,
      });
    }
  if (isOpen && wantsTcp)
    for (const { local, remote } of context.place.network.open)
      rows.push({
        netid: "tcp",
        state: "ESTAB",
        local: endpoint(local.address, local.port),
        peer: endpoint(remote.address, remote.port),
        queue: 0,
      });
  const widest = (texts: string[]): number => Math.max(...texts.map((text) => text.length));
  const local = widest(["Local Address:Port", ...rows.map((row) => row.local)]);
  const peer = widest(["Peer Address:Port", ...rows.map((row) => row.peer)]);
  if (!flags.has("H"))
    yield* context.out(
      `${showsNetid ? "Netid " : ""}${"State".padEnd(6)} Recv-Q Send-Q ${"Local Address:Port".padStart(local)} ${"Peer Address:Port".padStart(peer)}Process\n`,
    );
  for (const row of rows)
    yield* context.out(
      `${showsNetid ? row.netid.padEnd(6) : ""}${row.state.padEnd(6)} 0      ${String(row.queue).padEnd(6)} ${row.local.padStart(local)} ${row.peer.padStart(peer)}\n`,
    );
  return 0;
}

export const sockets: Readonly<Record<string, Command>> = { ss };
