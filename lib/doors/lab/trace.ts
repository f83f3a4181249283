/**
 * What a real kernel says about a packet's way through its rules: the TRACE target, read with
 * `xtables-monitor --trace`; for IPv6 (xtables-monitor 1.8.9 takes IPv6 rules for IPv4 ones, and
 * stumbles) and for rules that are not iptables', with `nft monitor trace`.
 *
 *     PACKET: 2 9e1afb81 IN=eth0 SRC=203.0.113.9 DST=10.2.0.1 … SPORT=40000 DPORT=80 SYN
 *      TRACE: 2 9e1afb81 nat:PREROUTING:rule:0xb:JUMP:WEB  -4 -t nat -A PREROUTING … -j WEB
 *      TRACE: 2 9e1afb81 nat:PREROUTING:policy:ACCEPT
 *
 * The kernel names every rule that matched and every built-in chain whose end was reached; a
 * chain's own end it leaves out. (iptables/xtables-monitor.c; net/netfilter/nf_tables_trace.c)
 */
import { endpoint, readAddress } from "../../net/ip.js";

export interface TracedStep {
  table: string;
  chain: string;
  /** As iptables-save prints it, without -A and chain; left out where the chain's policy spoke. */
  rule?: string;
  /** "JUMP:WEB", "CONTINUE", "RETURN", "ACCEPT", "DROP", … */
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

/**
 * The rules that make the kernel talk, for `iptables-restore --noflush`; `match` chooses the
 * packets: "-p tcp --syn".
 */
export const traceRules = (match = ""): string =>
  [
    "*raw",
    ...["PREROUTING", "OUTPUT"].map((chain) => `-A ${chain} ${match} -j TRACE`),
    "COMMIT",
    "",
  ].join("\n");

export type SeenPacket = Omit<TracedPacket, "steps">;
export type Met = Pick<TracedStep, "table" | "chain" | "rule" | "verdict">;

/** Puts packets together out of a monitor's lines as they come, whatever way the text is cut up. */
export abstract class TraceReader {
  readonly packets: TracedPacket[] = [];
  #rest = "";
  readonly #headers = new Map<string, SeenPacket>();
  readonly #open = new Map<string, TracedPacket>();

  /** `on` hears of every step, with the packet that it belongs to. */
  constructor(readonly on: (packet: TracedPacket, step: TracedStep) => void = () => {}) {}

  feed(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.line(line.trimEnd());
  }

  protected abstract line(line: string): void;

  /** How the packet looks as it comes to the next table. */
  protected header(id: string, header: SeenPacket): void {
    this.#headers.set(id, header);
  }

  protected step(id: string, met: Met): void {
    const header = this.#headers.get(id);
    if (header === undefined) return;
    // kube-proxy has no rules there: what matched is our own TRACE
    if (met.table === "raw") return met.rule === undefined ? undefined : this.#begin(id, header);
    const packet = this.#open.get(id) ?? this.#continued(id, header);
    if (packet === undefined) return;
    packet.out = header.out || packet.out;
    const step = { ...met, source: header.source, destination: header.destination };
    packet.steps.push(step);
    this.on(packet, step);
  }

  /**
   * A packet that a bridge hands up to its node goes on by another id, for that is made of the
   * device by which it came, too. (net/netfilter/nf_tables_trace.c, nft_trace_init)
   */
  #continued(id: string, { in: device, source, flags }: SeenPacket): TracedPacket | undefined {
    const found = this.packets.findLast(
      (one) => one.in === device && one.source === source && one.flags === flags,
    );
    if (found) this.#open.set(id, found);
    return found;
  }

  /**
   * An id is made of a packet's place in memory, which the next one may get: a packet's way begins
   * in the table raw.
   */
  #begin(id: string, header: SeenPacket): void {
    const packet = { ...header, steps: [] };
    this.packets.push(packet);
    this.#open.set(id, packet);
  }
}

const address = (text: string, port: string | undefined): string =>
  endpoint(readAddress(text)?.text ?? text, Number(port ?? 0));

// ---- xtables-monitor --trace --------------------------------------------------------------------

const packetLine = /^PACKET: \d+ ([0-9a-f]+) (.*)$/;
const stepLine =
  /^ ?TRACE: \d+ ([0-9a-f]+) ([^:]+):([^:]+):(?:rule:0x[0-9a-f]+|(policy)|return):(\S*)(?: +-[46] -t \S+ -A \S+ ?(.*))?$/;
/** NFT_RETURN is -5; iptables 1.8.9 has no word for it. */
const words: Readonly<Record<string, string>> = { "0xfffffffb": "RETURN" };

export class XtablesTrace extends TraceReader {
  protected line(line: string): void {
    const [, packetId, fields] = packetLine.exec(line) ?? [];
    if (packetId !== undefined) return this.header(packetId, headerOf(fields!));
    const [, id, table, chain, policy, verdict, rule] = stepLine.exec(line) ?? [];
    if (id !== undefined && (policy || rule !== undefined))
      this.step(id, {
        table: table!,
        chain: chain!,
        ...(!policy && { rule: rule! }),
        verdict: words[verdict!] ?? verdict!,
      });
  }
}

function headerOf(fields: string): SeenPacket {
  const value = (name: string): string =>
    new RegExp(`(?:^| )${name}=(\\S*)`).exec(fields)?.[1] ?? "";
  const flags = fields
    .split(" ")
    .filter((word) => /^(SYN|ACK|FIN|RST|PSH|URG)$/.test(word))
    .join(" ");
  return {
    in: value("IN"),
    out: value("OUT"),
    source: address(value("SRC"), value("SPORT")),
    destination: address(value("DST"), value("DPORT")),
    flags,
  };
}

// ---- nft -a -n monitor trace --------------------------------------------------------------------

/** A rule's place, "ip kube-proxy services 12", the number being its handle, and its text. */
export type RulesByHandle = ReadonlyMap<string, string>;

/**
 * The rules that a kernel holds, of both families: those of iptables as iptables-save prints them,
 * all others as nft lists them. `run` runs a program beside that kernel.
 */
export function rulesByHandle(run: (program: string, ...args: string[]) => string): RulesByHandle {
  const json = run("nft", "-j", "-a", "list", "ruleset");
  return new Map([
    ...listedRules(run("nft", "-a", "list", "ruleset")),
    ...savedRules(run("iptables-nft-save"), json, "ip"),
    ...savedRules(run("ip6tables-nft-save"), json, "ip6"),
  ]);
}

/** Both have the same rules in the same order. */
function* savedRules(saved: string, json: string, family: string): Generator<[string, string]> {
  const texts = new Map<string, string[]>();
  let table = "";
  for (const line of saved.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1);
    const [, chain, rule] = /^-A (\S+) ?(.*)$/.exec(line) ?? [];
    if (chain === undefined) continue;
    const place = `${table} ${chain}`;
    texts.set(place, [...(texts.get(place) ?? []), rule!]);
  }
  const { nftables } = JSON.parse(json) as {
    nftables: { rule?: { family: string; table: string; chain: string; handle: number } }[];
  };
  for (const { rule } of nftables) {
    if (rule?.family !== family) continue;
    const text = texts.get(`${rule.table} ${rule.chain}`)?.shift();
    if (text !== undefined)
      yield [`${family} ${rule.table} ${rule.chain} ${rule.handle}`, text] as const;
  }
}

function* listedRules(listed: string): Generator<[string, string]> {
  let [table, chain] = ["", ""];
  for (const line of listed.split("\n")) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    const [, rule, handle] = /^\t\t(.*) # handle (\d+)$/.exec(line) ?? [];
    if (rule !== undefined) yield [`${table} ${chain} ${handle}`, rule];
  }
}

const nftLine =
  /^trace id ([0-9a-f]+) (ip6?|inet) (\S+) (\S+) (?:(packet): (.*)|rule .*# handle (\d+) \(verdict (.*)\)|policy (\S+).*)$/;

/** iptables' tables go by their names, all others with their family: "ip kube-proxy". */
const tableOf = (family: string, table: string): string =>
  ["raw", "mangle", "filter", "nat"].includes(table) ? table : `${family} ${table}`;

export class NftTrace extends TraceReader {
  constructor(
    readonly rules: RulesByHandle,
    on?: TraceReader["on"],
  ) {
    super(on);
  }

  protected line(line: string): void {
    const [, id, family = "", table = "", chain = "", packet, fields, handle, verdict, policy] =
      nftLine.exec(line) ?? [];
    if (id === undefined) return;
    if (packet) return this.header(id, nftHeaderOf(fields!));
    const place = `${family} ${table} ${chain} ${handle}`;
    this.step(id, {
      table: tableOf(family, table),
      chain,
      ...(handle !== undefined && {
        rule: this.rules.get(place) ?? `(the rule with handle ${handle})`,
      }),
      // "JUMP:WEB", as xtables-monitor has it
      verdict: (verdict ?? policy)!
        .replace(/^[a-z]+/, (word) => word.toUpperCase())
        .replace(" ", ":"),
    });
  }
}

function nftHeaderOf(fields: string): SeenPacket {
  const value = (pattern: string): string | undefined =>
    new RegExp(`(?:^| )${pattern}`).exec(fields)?.[1];
  const flags = value("tcp flags (?:== )?(\\S+)") ?? "";
  return {
    in: value('iif "([^"]*)"') ?? "",
    out: value('oif "([^"]*)"') ?? "",
    flags: flags.startsWith("0x")
      ? flagWords(Number(flags))
      : flags.toUpperCase().split(/[,|]/).sort().join(" "),
    source: address(value("ip6? saddr (\\S+)")!, value("sport (\\d+)")),
    destination: address(value("ip6? daddr (\\S+)")!, value("dport (\\d+)")),
  };
}

const flagWords = (bits: number): string =>
  (["FIN", "SYN", "RST", "PSH", "ACK", "URG"] as const)
    .filter((_, bit) => bits & (1 << bit))
    .sort()
    .join(" ");
