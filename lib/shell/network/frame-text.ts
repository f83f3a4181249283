/** One packet as tcpdump 4.99 prints it. (print.c, print-tcp.c, print-icmp.c) */
import { hash } from "../../machinery/random.js";
import { serviceName } from "../../net/services.js";
import type { Frame, Segment } from "./frame.js";
import { dated } from "../dates.js";

export interface FrameOptions {
  /** What an address is called; left out: as it is. */
  nameOf?: ((address: string) => string) | undefined;
  /** Ports by their names. */
  namesPorts: boolean;
  /** With the device before it: `-i any`. */
  showsDevice: boolean;
  /** How often `-t` was said. */
  time: number;
  /** `-q` */
  isQuiet: boolean;
}

/** Prints one frame after the other: sequence numbers are shown as distances from the first. */
export class FrameWriter {
  readonly #flows = new Map<string, { seq: number; ack: number; source: string }>();
  #last: number | undefined;

  constructor(private readonly options: FrameOptions) {}

  line(frame: Frame): string {
    const { showsDevice, namesPorts, nameOf } = this.options;
    const { protocol, said } = frame;
    const name = (address: string, port: number): string => {
      const host = nameOf?.(address) ?? address;
      if (protocol === "ICMP" || said.kind === "unreachable") return host;
      const known = namesPorts ? serviceName(port, protocol) : undefined;
      return `${host}.${known ?? port}`;
    };
    const source = said.kind === "unreachable" && said.by !== undefined ? said.by : frame.source;
    const device = showsDevice ? `${frame.device.padEnd(5)} ${frame.direction.padEnd(3)} ` : "";
    const family = frame.source.includes(":") ? "IP6" : "IP";
    return `${this.#time(frame.at)}${device}${family} ${name(source, frame.sourcePort)} > ${name(frame.destination, frame.destinationPort)}: ${this.#said(frame)}\n`;
  }

  #time(at: number): string {
    const micros = (ms: number): string => `${String(Math.floor(ms) % 1_000).padStart(3, "0")}000`;
    const before = this.#last;
    this.#last = at;
    switch (this.options.time) {
      case 0:
        return `${dated("%H:%M:%S", at)}.${micros(at)} `;
      case 1:
        return "";
      case 2:
        return `${Math.floor(at / 1_000)}.${micros(at)} `;
      case 3:
      case 5: {
        const passed = before === undefined ? 0 : at - before;
        if (this.options.time === 5 && before !== undefined) this.#last = before;
        return ` ${dated("%H:%M:%S", passed)}.${micros(passed)} `;
      }
      default:
        return `${dated("%F %H:%M:%S", at)}.${micros(at)} `;
    }
  }

  #said(frame: Frame): string {
    const { said } = frame;
    const isSix = frame.source.includes(":");
    switch (said.kind) {
      case "tcp":
        return this.#tcp(frame, said);
      case "udp":
        return said.dns ?? `UDP, length ${said.bytes.length}`;
      case "echo": {
        const what = said.reply ? "echo reply" : "echo request";
        return `${isSix ? "ICMP6," : "ICMP"} ${what}, id ${said.id}, seq ${said.seq}, length ${said.size}`;
      }
      case "unreachable":
        return unreachable(frame, said);
    }
  }

  #tcp(frame: Frame, said: Segment): string {
    const { flags, bytes } = said;
    const { length } = bytes;
    if (this.options.isQuiet) return `tcp ${length}`;
    const parts = [`Flags [${flags}]`];
    const [seq, ack] = this.#numbers(frame, said);
    if (length > 0 || /[SFR]/.test(flags))
      parts.push(length > 0 ? `seq ${seq}:${seq + length}` : `seq ${seq}`);
    if (flags.includes(".")) parts.push(`ack ${ack}`);
    parts.push(`win ${windowOf(said)}`);
    if (!flags.includes("R")) parts.push(`options [${optionsOf(frame, said)}]`);
    return `${parts.join(", ")}, length ${length}${length > 0 ? contentOf(frame, bytes) : ""}`;
  }

  /** (print-tcp.c, tcp_print: the table of conversations) */
  #numbers(frame: Frame, { by, flags, connection, ...said }: Segment): [number, number] {
    const [client, server] = [hash(`${connection} client`), hash(`${connection} server`)];
    const [own, other] = by === "client" ? [client, server] : [server, client];
    const isReset = flags === "R." && said.seq === 0;
    const [seq, ack] = [isReset ? 0 : (own + said.seq) >>> 0, (other + said.ack) >>> 0];
    if (!flags.includes(".")) return [seq, ack];
    const ends = [
      `${frame.source} ${frame.sourcePort}`,
      `${frame.destination} ${frame.destinationPort}`,
    ];
    const key = [...ends].sort().join(" ");
    const flow = this.#flows.get(key);
    if (!flow || flags.includes("S")) {
      this.#flows.set(key, { seq, ack: ack - 1, source: ends[0]! });
      return [seq, ack];
    }
    return flow.source === ends[0]
      ? [(seq - flow.seq) >>> 0, (ack - flow.ack) >>> 0]
      : [(seq - flow.ack) >>> 0, (ack - flow.seq) >>> 0];
  }
}

/** What Linux's sockets begin with, and what they have on a link of 1500 bytes after that. */
function windowOf({ by, flags }: Segment): number {
  if (flags.includes("R")) return 0;
  if (flags.includes("S")) return by === "client" ? 64_240 : 65_160;
  return by === "client" ? 502 : 509;
}

function optionsOf({ at, device }: Frame, { by, flags, connection }: Segment): string {
  const stamp = (side: string): number =>
    (hash(`${connection} ${side} time`) + Math.floor(at)) >>> 0;
  const other = by === "client" ? "server" : "client";
  const ecr = flags === "S" ? 0 : stamp(other);
  const stamps = `TS val ${stamp(by)} ecr ${ecr}`;
  if (!flags.includes("S")) return `nop,nop,${stamps}`;
  return `mss ${device === "lo" ? 65_495 : 1_460},sackOK,${stamps},nop,wscale 7`;
}

const httpPorts = [80, 3128, 8080];

/** (print-http.c) */
function contentOf({ sourcePort, destinationPort }: Frame, bytes: string): string {
  if (!httpPorts.includes(sourcePort) && !httpPorts.includes(destinationPort)) return "";
  const line = /^[^\r\n]*/.exec(bytes)![0];
  const isHead =
    /^(GET|PUT|COPY|HEAD|LOCK|MOVE|POLL|POST|BCOPY|BMOVE|MKCOL|TRACE|PATCH|DELETE|SEARCH|UNLOCK|OPTIONS|CONNECT|HTTP\/\S+) /.test(
      `${line} `,
    );
  return isHead ? `: HTTP: ${line}` : ": HTTP";
}

/** About the packet whose way back this is. */
function unreachable(
  { source, sourcePort }: Frame,
  { what, about, size }: Extract<Frame["said"], { kind: "unreachable" }>,
): string {
  const protocol = about.protocol.toLowerCase();
  if (source.includes(":")) {
    const why = {
      port: "unreachable port",
      host: "unreachable address",
      admin: "unreachable prohibited",
    }[what];
    const tail = what === "port" ? `${source} ${protocol} port ${sourcePort}` : source;
    return `ICMP6, destination unreachable, ${why}, ${tail}, length ${size + 20}`;
  }
  const words =
    what === "port" && protocol !== "icmp"
      ? `${source} ${protocol} port ${sourcePort} unreachable`
      : what === "port"
        ? `${source} protocol 1 port 0 unreachable`
        : `host ${source} unreachable${what === "admin" ? " - admin prohibited filter" : ""}`;
  return `ICMP ${words}, length ${size}`;
}
