/**
 * What a real kernel says about a packet's way through its rules: the TRACE target, read with `xtables-monitor --trace`.
 *
 *     PACKET: 2 9e1afb81 IN=eth0 SRC=203.0.113.9 DST=10.2.0.1 … SPORT=40000 DPORT=80 SYN
 *      TRACE: 2 9e1afb81 nat:PREROUTING:rule:0xb:JUMP:KUBE-SERVICES  -4 -t nat -A PREROUTING … -j KUBE-SERVICES
 *      TRACE: 2 9e1afb81 nat:PREROUTING:policy:ACCEPT
 *
 * The kernel names every rule that matched and every built-in chain whose end was reached; a chain's own end it leaves out.
 * (iptables/xtables-monitor.c; net/netfilter/nf_tables_trace.c)
 */
import { endpoint, readAddress } from "../net/address.js";

export interface TracedStep {
  table: string;
  chain: string;
  /** As iptables-save prints it, without -A and chain; left out where the chain's policy spoke. */
  rule?: string;
  /** "JUMP:KUBE-SERVICES", "CONTINUE", "RETURN", "ACCEPT", "DROP", … */
  verdict: string;
  /** "IP:PORT" as the packet came to this table; port 0 where it has none. */
  source: string;
  destination: string;
}

/** One packet's way through one machine, from its arrival (or its making) to wherever it went. */
export interface TracedPacket {
  /** Interfaces; "" where it came from a process here. `out` is the last that was said. */
  in: string;
  out: string;
  /** As it came. */
  source: string;
  destination: string;
  /** "SYN", "ACK SYN", …; "" where it is no TCP. */
  flags: string;
  steps: TracedStep[];
}

/** The rules that make the kernel talk, for `iptables-restore --noflush`; `match` chooses the packets: "-p tcp --syn". */
export const traceRules = (match = ""): string =>
  ["*raw", ...["PREROUTING", "OUTPUT"].map((chain) => `-A ${chain} ${match} -j TRACE`), "COMMIT", ""].join("\n");

const packetLine = /^PACKET: \d+ ([0-9a-f]+) (.*)$/;
const stepLine = /^ ?TRACE: \d+ ([0-9a-f]+) ([^:]+):([^:]+):(?:rule:0x[0-9a-f]+|(policy)|(return)):(\S*)(?: +-[46] -t \S+ -A \S+ ?(.*))?$/;

/** Reads the monitor's output as it comes, whatever way it is cut up. */
export class TraceReader {
  readonly packets: TracedPacket[] = [];
  #rest = "";
  readonly #headers = new Map<string, Header>();
  readonly #open = new Map<string, TracedPacket>();

  /** `on` hears of every step, with the packet that it belongs to. */
  constructor(readonly on: (packet: TracedPacket, step: TracedStep) => void = () => {}) {}

  feed(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#line(line.trimEnd());
  }

  #line(line: string): void {
    const [, id, fields] = packetLine.exec(line) ?? [];
    if (id !== undefined) this.#headers.set(id, headerOf(fields!));
    else this.#step(stepLine.exec(line));
  }

  #step(match: RegExpExecArray | null): void {
    const [, id = "", table = "", chain = "", policy, end, verdict = "", rule] = match ?? [];
    const header = this.#headers.get(id);
    if (header === undefined || end) return;
    if (table === "raw") return policy ? undefined : this.#begin(id, header); // kube-proxy has no rules there: what matched is our own TRACE
    const packet = this.#open.get(id);
    if (packet === undefined) return;
    packet.out = header.out || packet.out;
    const step = { table, chain, ...(policy ? {} : { rule: rule ?? "" }), verdict: verdicts[verdict] ?? verdict, source: header.source, destination: header.destination };
    packet.steps.push(step);
    this.on(packet, step);
  }

  /** An id is made of a packet's place in memory, which the next one may get: a packet's way begins in the table raw. */
  #begin(id: string, header: Header): void {
    const packet = { ...header, steps: [] };
    this.packets.push(packet);
    this.#open.set(id, packet);
  }
}

type Header = Omit<TracedPacket, "steps">;

/** NFT_RETURN is -5; iptables 1.8.9 has no word for it. */
const verdicts: Readonly<Record<string, string>> = { "0xfffffffb": "RETURN" };

function headerOf(fields: string): Header {
  const value = (name: string): string => new RegExp(`(?:^| )${name}=(\\S*)`).exec(fields)?.[1] ?? "";
  const at = (address: string, port: string): string => endpoint(readAddress(value(address))?.text ?? value(address), Number(value(port) || 0));
  const flags = fields.split(" ").filter((word) => /^(SYN|ACK|FIN|RST|PSH|URG)$/.test(word)).join(" ");
  return { in: value("IN"), out: value("OUT"), source: at("SRC", "SPORT"), destination: at("DST", "DPORT"), flags };
}
