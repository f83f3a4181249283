/**
 * A process on the node under test that opens connections when its parent says so, from the address
 * and port that it names.
 */
import { createSocket, type Socket as Datagram } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { Packet } from "stopover/internal/net/packet";

let open: (Socket | Datagram)[] = [];

function send({ protocol, source, sourcePort, destination, destinationPort }: Packet): void {
  const sent = (): void => void process.send!("sent");
  if (protocol === "TCP") {
    const socket = connect({
      host: destination,
      port: destinationPort,
      localAddress: source,
      localPort: sourcePort,
    });
    // refused, unreachable: the rig sees it on the wire and in the trace
    socket.on("error", () => {});
    open.push(socket);
    setImmediate(sent);
    return;
  }
  const socket = createSocket(source.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => {});
  open.push(socket);
  socket.bind(sourcePort, source, () => socket.send("hello", destinationPort, destination, sent));
}

if (process.argv[2] === "serve") {
  process.on("message", (message: Packet | "close") => {
    if (message !== "close") return send(message);
    for (const socket of open) "destroy" in socket ? socket.destroy() : socket.close();
    open = [];
  });
  process.on("disconnect", () => process.exit());
  process.send!("ready");
}
