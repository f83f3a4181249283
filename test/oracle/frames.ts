/**
 * Packets as bytes: what a wire carries, made from and read into the library's Packet. (RFC 791,
 * 8200, 9293, 768, 9260, 792, 4443)
 */
import { fromBits, parseAddress, type Family } from "stopover/internal/net/ip";
import type { Flags, Packet, Transport } from "stopover/internal/net/packet";

const protocols: Readonly<Record<Transport, number>> = { TCP: 6, UDP: 17, SCTP: 132 };
const flagBits: Readonly<Record<Flags, number>> = {
  SYN: 2,
  "SYN,ACK": 18,
  ACK: 16,
  "FIN,ACK": 17,
  RST: 20,
};
/** ICMP's type 3 and ICMPv6's type 1, by code, with the names of iptables' REJECT --reject-with. */
const unreachable: Readonly<Record<Family, readonly (string | undefined)[]>> = {
  IPv4: [
    "icmp-net-unreachable",
    "icmp-host-unreachable",
    "icmp-proto-unreachable",
    "icmp-port-unreachable",
  ],
  IPv6: [
    "icmp6-no-route",
    "icmp6-adm-prohibited",
    undefined,
    "icmp6-addr-unreachable",
    "icmp6-port-unreachable",
  ],
};

/**
 * The packet from its IP header on. TCP's numbers fit a connection that just begins; `outOfWindow`
 * ones are far off.
 */
export function encode(packet: Packet): Buffer {
  const protocol = protocols[packet.protocol as Transport];
  const [source, destination] = [bytesOf(packet.source), bytesOf(packet.destination)];
  const payload =
    packet.protocol === "TCP"
      ? tcp(packet)
      : packet.protocol === "UDP"
        ? udp(packet)
        : sctp(packet);
  if (packet.protocol !== "SCTP") {
    const pseudo = Buffer.concat([
      source,
      destination,
      Buffer.from([0, protocol, payload.length >> 8, payload.length & 255]),
    ]);
    payload.writeUInt16BE(
      checksum(Buffer.concat([pseudo, payload])),
      packet.protocol === "TCP" ? 16 : 6,
    );
  }
  return Buffer.concat([
    source.length === 4
      ? header4(source, destination, protocol, payload.length)
      : header6(source, destination, protocol, payload.length),
    payload,
  ]);
}

/** The packet, or undefined where it is of no interest here (ARP, neighbour discovery, …). */
export function decode(bytes: Buffer): Packet | undefined {
  const version = bytes[0]! >> 4;
  if (version === 4)
    return payloadOf(
      "IPv4",
      bytes[9]!,
      bytes.subarray(12, 16),
      bytes.subarray(16, 20),
      bytes.subarray((bytes[0]! & 15) * 4),
    );
  return version === 6
    ? payloadOf(
        "IPv6",
        bytes[6]!,
        bytes.subarray(8, 24),
        bytes.subarray(24, 40),
        bytes.subarray(40),
      )
    : undefined;
}

function payloadOf(
  family: Family,
  number: number,
  from: Buffer,
  to: Buffer,
  payload: Buffer,
): Packet | undefined {
  const [source, destination] = [textOf(family, from), textOf(family, to)];
  if (number === (family === "IPv4" ? 1 : 58)) return errorOf(family, source, destination, payload);
  const protocol = (Object.keys(protocols) as Transport[]).find(
    (name) => protocols[name] === number,
  );
  if (protocol === undefined) return undefined;
  const common = {
    protocol,
    source,
    sourcePort: payload.readUInt16BE(0),
    destination,
    destinationPort: payload.readUInt16BE(2),
  };
  return protocol === "TCP" && payload.length > 13
    ? { ...common, flags: flagsOf(payload[13]!) }
    : common;
}

function errorOf(
  family: Family,
  source: string,
  destination: string,
  payload: Buffer,
): Packet | undefined {
  const error =
    payload[0] === (family === "IPv4" ? 3 : 1) ? unreachable[family][payload[1]!] : undefined;
  const about = error === undefined ? undefined : decode(payload.subarray(8));
  return (
    about && {
      protocol: "ICMP",
      source,
      sourcePort: 0,
      destination,
      destinationPort: 0,
      error: error!,
      about,
    }
  );
}

const flagsOf = (bits: number): Flags =>
  bits & 4 ? "RST" : bits & 1 ? "FIN,ACK" : bits & 2 ? (bits & 16 ? "SYN,ACK" : "SYN") : "ACK";

function bytesOf(text: string): Buffer {
  const { family, a, b, c, d } = parseAddress(text);
  const bytes = Buffer.alloc(16);
  [a, b, c, d].forEach((word, i) => bytes.writeInt32BE(word, 4 * i));
  return family === "IPv4" ? bytes.subarray(0, 4) : bytes;
}

const textOf = (family: Family, bytes: Buffer): string =>
  family === "IPv4"
    ? fromBits(family, bytes.readInt32BE(0)).text
    : fromBits(
        family,
        bytes.readInt32BE(0),
        bytes.readInt32BE(4),
        bytes.readInt32BE(8),
        bytes.readInt32BE(12),
      ).text;

let identification = 0;
function header4(source: Buffer, destination: Buffer, protocol: number, length: number): Buffer {
  const header = Buffer.concat([
    Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0]),
    source,
    destination,
  ]);
  header.writeUInt16BE(20 + length, 2);
  header.writeUInt16BE((identification = (identification + 1) & 0xffff), 4);
  header.writeUInt16BE(checksum(header), 10);
  return header;
}

const header6 = (source: Buffer, destination: Buffer, protocol: number, length: number): Buffer =>
  Buffer.concat([
    Buffer.from([0x60, 0, 0, 0, length >> 8, length & 255, protocol, 64]),
    source,
    destination,
  ]);

function ports({ sourcePort, destinationPort }: Packet, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt16BE(sourcePort, 0);
  bytes.writeUInt16BE(destinationPort, 2);
  return bytes;
}

function tcp(packet: Packet): Buffer {
  const flags = packet.flags ?? "SYN";
  const bytes = ports(packet, 20);
  bytes.writeUInt32BE(
    packet.outOfWindow ? 0x70000000 : flags === "SYN" ? 1000 : flags === "SYN,ACK" ? 5000 : 1001,
    4,
  );
  bytes.writeUInt32BE(flags === "SYN" ? 0 : flags === "SYN,ACK" ? 1001 : 5001, 8);
  bytes[12] = 5 << 4;
  bytes[13] = flagBits[flags];
  bytes.writeUInt16BE(0xffff, 14);
  return bytes;
}

function udp(packet: Packet): Buffer {
  const bytes = ports(packet, 12);
  bytes.writeUInt16BE(12, 4);
  return bytes;
}

/** An INIT chunk, which opens an association. */
function sctp(packet: Packet): Buffer {
  const bytes = ports(packet, 32);
  bytes.set([1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 1], 12);
  bytes.writeUInt32LE(crc32c(bytes), 8);
  return bytes;
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function crc32c(bytes: Buffer): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
