/**
 * The world around the node under test, run in a namespace of its own: the node's interfaces are
 * VXLAN devices whose other end is a UDP socket here, so that whatever this process writes arrives
 * at the node as a packet, and whatever leaves the node is read. Its parent sends { link, packet }
 * and hears the same.
 */
import { createSocket } from "node:dgram";

export interface OnWire {
  link: number;
  /** From its IP header on, in hexadecimal. */
  packet: string;
}

/**
 * The addresses of the tunnel that carries the frames: where the devices have their sockets, and
 * where this process has.
 */
export const ends = { tunnel: "10.255.255.1", world: "10.255.255.2" } as const;
/** The UDP ports of link 0, 1, …: where the node's device listens, and where this process does. */
export const nodePort = (link: number): number => 4001 + link;
export const wirePort = (link: number): number => 4101 + link;
/** The node's hardware address on a link, and that of everybody else. */
export const nodeMac = (link: number): string => `02:00:00:00:01:0${link}`;
export const worldMac = "02:00:00:00:02:00";

const bytes = (mac: string): number[] => mac.split(":").map((part) => parseInt(part, 16));

function serve(links: number): void {
  const sockets = Array.from({ length: links }, (_, link) => {
    const socket = createSocket("udp4");
    socket.bind(wirePort(link), ends.world);
    socket.on("message", (message) => {
      const frame = message.subarray(8); // past VXLAN's header (RFC 7348), then an Ethernet header
      process.send!({ link, packet: frame.toString("hex", 14) } satisfies OnWire);
    });
    return socket;
  });
  process.on("message", ({ link, packet }: OnWire) => {
    const ethertype = packet[0] === "4" ? [0x08, 0x00] : [0x86, 0xdd];
    sockets[link]!.send(
      Buffer.concat([
        Buffer.from([
          8,
          0,
          0,
          0,
          0,
          0,
          link + 1,
          0,
          ...bytes(nodeMac(link)),
          ...bytes(worldMac),
          ...ethertype,
        ]),
        Buffer.from(packet, "hex"),
      ]),
      nodePort(link),
      ends.tunnel,
    );
  });
  process.on("disconnect", () => process.exit());
  process.send!("ready");
}

if (process.argv[2] === "serve") serve(Number(process.argv[3]));
