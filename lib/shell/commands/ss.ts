/** ss: the sockets of the place. (iproute2 6.1) */
import type { Act } from "../../machinery/act.js";
import { serviceName } from "../../net/services.js";
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
  const rows: Row[] = [];
  const { network } = context.place;
  if (isListening)
    for (const { protocol, address, port } of network.listening()) {
      if (protocol === "TCP" ? !wantsTcp : !wantsUdp) continue;
      rows.push({
        netid: protocol.toLowerCase(),
        state: protocol === "TCP" ? "LISTEN" : "UNCONN",
        local: { address: address === "*" ? "0.0.0.0" : address, port: String(port) },
        peer: { address: "0.0.0.0", port: "*" },
        queue: protocol === "TCP" ? 4_096 : 0,
      });
    }
  if (isOpen && wantsTcp) {
    const all = [
      ...[...network.open].map((each) => ({ ...each.ends, state: "ESTAB" })),
      ...network.accepted().map((each) => ({ ...each, state: "ESTAB" })),
      ...(flags.has("a") ? network.closed().map((each) => ({ ...each, state: "TIME-WAIT" })) : []),
    ];
    for (const { own, peer, state } of all)
      rows.push({
        netid: "tcp",
        state,
        local: { address: own.address, port: String(own.port) },
        peer: { address: peer.address, port: String(peer.port) },
        queue: 0,
      });
  }
  const named = (port: string, netid: string): string =>
    (flags.has("n") ? undefined : serviceName(Number(port), netid === "tcp" ? "TCP" : "UDP")) ??
    port;
  for (const row of rows)
    for (const side of [row.local, row.peer]) {
      side.port = named(side.port, row.netid);
      if (side.address.includes(":")) side.address = `[${side.address}]`;
    }
  const hasHeader = !flags.has("H");
  for (const line of table(rows, showsNetid, hasHeader)) yield* context.out(`${line}\n`);
  return 0;
}

interface Row {
  netid: string;
  state: string;
  queue: number;
  local: { address: string; port: string };
  peer: { address: string; port: string };
}

/** Columns are as wide as what is in them; an address stands right, its port left of the colon. */
function table(rows: readonly Row[], showsNetid: boolean, hasHeader: boolean): string[] {
  const widest = (title: string, of: (row: Row) => string): number =>
    Math.max(hasHeader ? title.length : 0, ...rows.map((row) => of(row).length));
  const state = widest("State", (row) => row.state);
  const ends = (title: string, side: "local" | "peer") => {
    const address = widest(title, (row) => row[side].address);
    const port = widest("Port", (row) => row[side].port);
    return (one: { address: string; port: string }): string =>
      `${one.address.padStart(address)}:${one.port.padEnd(port)}`;
  };
  const [local, peer] = [ends("Local Address", "local"), ends("Peer Address", "peer")];
  const head = `${showsNetid ? "Netid " : ""}${"State".padEnd(state)} Recv-Q Send-Q ${local({ address: "Local Address", port: "Port" })} ${peer({ address: "Peer Address", port: "Port" })}Process`;
  const body = rows.map((row) => {
    const netid = showsNetid ? `${row.netid.padEnd(5)} ` : "";
    const line = `${netid}${row.state.padEnd(state)} 0      ${String(row.queue).padEnd(6)} ${local(row.local)} ${peer(row.peer)}`;
    return hasHeader ? `${line}       ` : line;
  });
  return hasHeader ? [head, ...body] : body;
}

export const sockets: Readonly<Record<string, Command>> = { ss };
