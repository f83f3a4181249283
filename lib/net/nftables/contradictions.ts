/**
 * What nft refuses in a rule though each word of it is right: headers of two protocols, a port to
 * translate to where nobody asked for a protocol that has ports, answers of another family.
 * (src/evaluate.c, src/payload.c, src/proto.c)
 */
import type { Expression, Statement, TableFamily } from "./ruleset.js";
import { expressionsIn, payloadsIn } from "./parts.js";

type Network = "ip" | "ip6";

/** The first contradiction in words; undefined: there is none. */
export function contradiction(
  statements: readonly Statement[],
  family: TableFamily,
): string | undefined {
  const seen = new Seen(family);
  for (const [i, statement] of statements.entries()) {
    if (i > 0 && isLast(statements[i - 1]!))
      return `what stands after ${statements[i - 1]!.kind} has no effect, and nft refuses it`;
    const problem = seen.problem(statement);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What ends a rule's work. (src/evaluate.c, STMT_F_TERMINAL) */
const isLast = ({ kind }: Statement): boolean => last.has(kind);
const last: ReadonlySet<Statement["kind"]> = new Set([
  ...(["accept", "drop", "return", "jump", "goto", "reject"] as const),
  ...(["dnat", "snat", "masquerade", "redirect"] as const),
]);

/** What the statements so far say of the packets that come this far. */
class Seen {
  network: Network | undefined;
  transport: string | undefined;
  /** It was asked for a protocol, one of several perhaps. */
  isTransportAsked = false;

  constructor(readonly family: TableFamily) {
    if (family === "ip" || family === "ip6") this.network = family;
  }

  problem(statement: Statement): string | undefined {
    const problem = this.#ports(statement);
    if (problem !== undefined) return problem;
    for (const { header } of payloadsIn(statement)) {
      const problem = this.#header(header);
      if (problem !== undefined) return problem;
    }
    switch (statement.kind) {
      case "match":
        return this.#match(statement);
      case "reject":
        return this.#reject(statement.with);
      case "dnat":
      case "snat":
      case "masquerade":
      case "redirect":
        return this.#nat(statement);
      default:
        return expressionsIn(statement).some(isNfproto) ? this.#nfproto() : undefined;
    }
  }

  #header(header: string): string | undefined {
    if (header === "th") return undefined;
    const isNetwork = header === "ip" || header === "ip6";
    const known = isNetwork ? this.network : this.transport;
    if (known !== undefined && known !== header) return conflict(known, header);
    if (isNetwork) this.network = header;
    else this.transport = header;
    return undefined;
  }

  #match({ left, op, right }: Extract<Statement, { kind: "match" }>): string | undefined {
    if (isNfproto(left)) {
      const problem = this.#nfproto();
      if (problem !== undefined) return problem;
      if (op === undefined && right === "ipv4") this.network = "ip";
      if (op === undefined && right === "ipv6") this.network = "ip6";
    }
    if (!isProtocol(left) || op !== undefined) return undefined;
    this.isTransportAsked = true;
    if (typeof right === "string") this.transport = headers[right];
    return undefined;
  }

  #nfproto(): string | undefined {
    return this.family === "ip" || this.family === "ip6"
      ? `meta nfproto is only useful in the inet family; this table is of family ${this.family}`
      : undefined;
  }

  #reject(answer: string | undefined): string | undefined {
    const [kind] = answer?.split(" ") ?? [];
    const { network, transport, family } = this;
    if (kind === "icmpx" && (family === "ip" || family === "ip6"))
      return `reject with icmpx is for tables of both families; this one is of family ${family}`;
    if (kind === "icmp" && network === "ip6") return conflict("ip6", "ip");
    if (kind === "icmpv6" && network === "ip") return conflict("ip", "ip6");
    return kind === "tcp" && transport !== undefined && transport !== "tcp"
      ? `reject with tcp reset after ${transport}: only TCP is reset`
      : undefined;
  }

  /** Ports are those of a protocol, which something before asks for. */
  #ports(statement: Statement): string | undefined {
    const isKnown = this.transport !== undefined;
    if (statement.kind === "match" && isConnectionPort(statement.left) && !isKnown)
      return `ct ${statement.left.key} is only valid after a match of one transport protocol, such as meta l4proto tcp`;
    const isPort = "port" in statement && statement.port !== undefined;
    return isPort && !isKnown && !this.isTransportAsked
      ? `${statement.kind} to a port is only valid after a match of the transport protocol, such as tcp dport 80 or meta l4proto tcp`
      : undefined;
  }

  #nat(statement: Nat): string | undefined {
    const { network, family } = this;
    if (statement.kind !== "dnat" && statement.kind !== "snat") return undefined;
    if (statement.family && network && network !== statement.family)
      return conflict(network, statement.family);
    return family === "inet" && statement.address && !statement.family && !network
      ? `in a table of family inet, write ${statement.kind} ip to or ${statement.kind} ip6 to`
      : undefined;
  }
}

type Nat = Extract<Statement, { kind: "dnat" | "snat" } | { kind: "masquerade" | "redirect" }>;

const conflict = (one: string, other: string): string =>
  `the rule asks for ${one} and for ${other}: conflicting protocols`;

const isNfproto = (each: Expression): boolean => each.kind === "meta" && each.key === "nfproto";

function isProtocol(left: Expression): boolean {
  if (left.kind === "meta") return left.key === "l4proto";
  if (left.kind === "ct") return left.key === "protocol";
  return left.kind === "payload" && (left.field === "protocol" || left.field === "nexthdr");
}

const isConnectionPort = (left: Expression): left is Extract<Expression, { kind: "ct" }> =>
  left.kind === "ct" && left.key.startsWith("proto-");

/** The protocols whose headers have a name. */
const headers: Readonly<Record<string, string>> = {
  tcp: "tcp",
  udp: "udp",
  sctp: "sctp",
  icmp: "icmp",
  "ipv6-icmp": "icmpv6",
  esp: "esp",
};
