/** What `tcpdump` is told to show: pcap-filter(7), as far as packets have it here. */
import { readAddress, readCIDR } from "../../net/ip.js";
import { portOf } from "../../net/services.js";
import type { Frame } from "./frame.js";

export type Filter = (frame: Frame) => boolean;

/** No filter: `message` as tcpdump says it, or what is not modelled. */
export class FilterError extends Error {}

const syntax = "can't parse filter expression: syntax error";

/** `lookUp`: a host's addresses. Throws FilterError. */
export function filterOf(words: readonly string[], lookUp: (host: string) => string[]): Filter {
  const text = words.join(" ");
  const tokens = text.match(/\w+\[[^\]]*\]|&&|\|\||[!=<>]=|[()!&|=<>]|[^\s()!&|=<>]+/g) ?? [];
  if (tokens.length === 0) return () => true;
  const reader = new Reader(tokens, lookUp);
  const filter = reader.either();
  if (!reader.isDone) throw new FilterError(syntax);
  return filter;
}

const protocols: Readonly<Record<string, (frame: Frame) => boolean>> = {
  tcp: ({ said }) => said.kind === "tcp",
  udp: ({ said }) => said.kind === "udp",
  icmp: (frame) => isIcmp(frame) && !isSix(frame),
  icmp6: (frame) => isIcmp(frame) && isSix(frame),
  ip: (frame) => !isSix(frame),
  ip6: (frame) => isSix(frame),
  arp: () => false,
};
const isSix = ({ source }: Frame): boolean => source.includes(":");
const isIcmp = ({ said }: Frame): boolean => said.kind === "echo" || said.kind === "unreachable";

const flagBits: Readonly<Record<string, string>> = {
  "tcp-syn": "S",
  "tcp-ack": ".",
  "tcp-fin": "F",
  "tcp-rst": "R",
  "tcp-push": "P",
};

type Side = "src" | "dst" | "either";

class Reader {
  #at = 0;
  /** A list may go on with values alone: "port 80 or 443". */
  #last: ((value: string) => Filter) | undefined;

  constructor(
    private readonly tokens: readonly string[],
    private readonly lookUp: (host: string) => string[],
  ) {}

  get isDone(): boolean {
    return this.#at === this.tokens.length;
  }

  #take(...wanted: string[]): string | undefined {
    const token = this.tokens[this.#at];
    if (token === undefined || !wanted.includes(token)) return undefined;
    this.#at++;
    return token;
  }

  #next(): string {
    const token = this.tokens[this.#at++];
    if (token === undefined) throw new FilterError(syntax);
    return token;
  }

  either(): Filter {
    let filter = this.#both();
    while (this.#take("or", "||")) {
      const [one, other] = [filter, this.#both()];
      filter = (frame) => one(frame) || other(frame);
    }
    return filter;
  }

  #both(): Filter {
    let filter = this.#one();
    while (this.#take("and", "&&")) {
      const [one, other] = [filter, this.#one()];
      filter = (frame) => one(frame) && other(frame);
    }
    return filter;
  }

  #one(): Filter {
    if (this.#take("not", "!")) {
      const filter = this.#one();
      return (frame) => !filter(frame);
    }
    if (this.#take("(")) {
      const filter = this.either();
      if (!this.#take(")")) throw new FilterError(syntax);
      return filter;
    }
    if (/^tcp\[(tcpflags|13)\]$/.test(this.tokens[this.#at] ?? "")) return this.#flags();
    const protocol = this.#take(...Object.keys(protocols));
    const isKind = protocol === undefined ? undefined : protocols[protocol]!;
    const rest = this.#primitive(isKind !== undefined);
    if (!isKind) return rest!;
    return rest ? (frame) => isKind(frame) && rest(frame) : isKind;
  }

  /** `isOptional`: a protocol alone is a filter, too. */
  #primitive(isOptional: boolean): Filter | undefined {
    const side = (this.#take("src", "dst") ?? "either") as Side;
    const what = this.#take("host", "port", "portrange", "net");
    if (what === undefined && side === "either") {
      if (isOptional) return undefined;
      const value = this.#next();
      if (this.#last && /^[\w.:-]+$/.test(value) && !isUnknown(value)) return this.#last(value);
      throw new FilterError(isUnknown(value) ? `filter "${value}" is not modelled here` : syntax);
    }
    const made = (value: string): Filter => this.#made(what ?? "host", side, value);
    this.#last = made;
    return made(this.#next());
  }

  #made(what: string, side: Side, value: string): Filter {
    const on = (test: (address: string, port: number) => boolean): Filter => {
      const source = (frame: Frame): boolean => test(frame.source, frame.sourcePort);
      const destination = (frame: Frame): boolean => test(frame.destination, frame.destinationPort);
      if (side === "src") return source;
      return side === "dst" ? destination : (frame) => source(frame) || destination(frame);
    };
    if (what === "host") {
      const own = readAddress(value);
      const addresses = own ? [own.text] : this.lookUp(value);
      if (addresses.length === 0) throw new FilterError(`unknown host '${value}'`);
      return on((address) => addresses.includes(address));
    }
    if (what === "net") {
      const range = readCIDR(value);
      if (!range) throw new FilterError(syntax);
      return on((address) => range.contains(readAddress(address)!));
    }
    const [low = "", high = low] = what === "portrange" ? value.split("-") : [value];
    const [from, to] = [portOf(low), portOf(high)];
    if (from === undefined || to === undefined)
      throw new FilterError(`illegal port name '${value}'`);
    return on((_address, port) => port >= from && port <= to);
  }

  /** tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 */
  #flags(): Filter {
    this.#next();
    if (!this.#take("&")) throw new FilterError(syntax);
    const isList = this.#take("(") !== undefined;
    const letters: string[] = [];
    do {
      const letter = flagBits[this.#next()];
      if (letter === undefined) throw new FilterError(syntax);
      letters.push(letter);
    } while (this.#take("|"));
    if (isList && !this.#take(")")) throw new FilterError(syntax);
    const operator = this.#take("!=", "==", "=");
    if (operator === undefined || this.#next() !== "0") throw new FilterError(syntax);
    return ({ said }) =>
      said.kind === "tcp" &&
      letters.some((letter) => said.flags.includes(letter)) === (operator === "!=");
  }
}

const isUnknown = (word: string): boolean =>
  /^(ether|vlan|greater|less|len|proto|gateway|broadcast|multicast|sctp|inbound|outbound|\w+\[.*\])$/.test(
    word,
  );
