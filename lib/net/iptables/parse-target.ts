/** One rule of iptables' text: what it does with a packet. (iptables: extensions/) */
import { type Family, readAddress } from "../ip.js";
import { ports, portsIn, valueAndMask } from "./parse-values.js";
import type { RuleTarget } from "./syntax.js";
import type { TableName } from "./tables.js";
import { quoted } from "./text.js";
import type { Tokens } from "./tokens.js";

export function parseTarget(
  option: string,
  tokens: Tokens,
  table: TableName,
  family: Family,
): RuleTarget {
  const name = tokens.next("a target");
  if (option === "-g" || option === "--goto") return { kind: "goto", chain: name };
  const only = (needed: TableName): void => {
    if (table !== needed)
      throw tokens.error(`target ${name} works in table ${needed} only, not in ${table}`);
  };
  switch (name) {
    case "ACCEPT":
    case "DROP":
    case "RETURN":
      return { kind: name };
    case "TRACE":
      return { kind: name };
    case "LOG":
      return { kind: name, ...logOptions(tokens) };
    case "NOTRACK":
      only("raw");
      return { kind: "NOTRACK" };
    case "CT":
      only("raw");
      if (!tokens.take("--notrack")) throw tokens.error("-j CT is known with --notrack only");
      return { kind: "NOTRACK" };
    case "REJECT":
      only("filter");
      return tokens.take("--reject-with")
        ? { kind: "REJECT", with: tokens.next("an ICMP message") }
        : { kind: "REJECT" };
    case "MARK":
      return parseMark(tokens);
    case "DNAT":
      only("nat");
      return parseNat("DNAT", "--to-destination", tokens, family);
    case "SNAT":
      only("nat");
      return parseNat("SNAT", "--to-source", tokens, family);
    case "MASQUERADE":
      only("nat");
      return {
        kind: "MASQUERADE",
        ...(tokens.take("--to-ports") && ports(tokens, "-")),
        ...randomFully(tokens),
      };
    case "REDIRECT":
      only("nat");
      if (!tokens.take("--to-ports")) throw tokens.error("-j REDIRECT needs --to-ports");
      return { kind: "REDIRECT", ...ports(tokens, "-") };
    default:
      if (tokens.peek()?.startsWith("--"))
        throw tokens.error(`got the target ${name} with ${tokens.peek()}, which is not known here`);
      return { kind: "jump", chain: name };
  }
}

/** LOG changes nothing for a packet: its options are kept as text. */
function logOptions(tokens: Tokens): { options?: string } {
  const words: string[] = [];
  while (tokens.peek()?.startsWith("--log-")) {
    const option = tokens.next("");
    words.push(
      /^--log-(prefix|level)$/.test(option)
        ? `${option} ${quoted(tokens.next("a value"))}`
        : option,
    );
  }
  return words.length > 0 ? { options: words.join(" ") } : {};
}

const randomFully = (tokens: Tokens): { randomFully?: true } =>
  tokens.take("--random-fully") || tokens.take("--random") ? { randomFully: true } : {};

function parseNat(
  kind: "DNAT" | "SNAT",
  option: string,
  tokens: Tokens,
  family: Family,
): RuleTarget {
  if (!tokens.take(option)) throw tokens.error(`-j ${kind} needs ${option}`);
  const text = tokens.next("an address");
  const [, host = text, low, high] = /^(\[.*\]|[^:[\]]*)(?::(\d+)(?:-(\d+))?)?$/.exec(text) ?? [];
  const address = host === "" ? undefined : readAddress(host.replace(/^\[|\]$/g, ""));
  const isRange = low === undefined || portsIn(`${low}-${high ?? low}`, "-");
  if ((host !== "" && address?.family !== family) || !isRange)
    return tokens.fail(
      text,
      `an ${family} address, a port or both, as in ${family === "IPv4" ? "10.1.1.2:80" : "[fd00::2]:80"}`,
    );
  return {
    kind,
    ...(address && { address: address.text }),
    ...(low !== undefined && { low: Number(low), high: Number(high ?? low) }),
    ...randomFully(tokens),
  };
}

function parseMark(tokens: Tokens): RuleTarget {
  const option = tokens.oneOf("--set-xmark", "--set-mark", "--or-mark", "--xor-mark", "--and-mark");
  const { value, mask } = valueAndMask(tokens);
  switch (option) {
    case "--or-mark":
      return { kind: "MARK", value, mask: value, written: "or-mark" };
    case "--xor-mark":
      return { kind: "MARK", value, mask: 0, written: "xor-mark" };
    case "--and-mark":
      return { kind: "MARK", value: 0, mask: ~value >>> 0 };
    case "--set-mark":
      return { kind: "MARK", value, mask: (value | mask) >>> 0 };
    case "--set-xmark":
      return { kind: "MARK", value, mask };
  }
}
