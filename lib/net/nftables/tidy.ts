/**
 * What nft leaves out when it lists a rule: a comparison that another one, or a verdict, asks for
 * anyway. (src/payload.c, payload_dependency_kill; src/netlink_delinearize.c,
 * stmt_reject_postprocess)
 */
import { payloadsIn } from "./parts.js";
import type { Expression, Statement, TableFamily } from "./ruleset.js";

export function tidied(given: readonly Statement[], family: TableFamily): Statement[] {
  const statements = portsJoined(withProtocol(given));
  const kept = statements.map((statement, i) =>
    shortReject(statement, family, statements.slice(0, i)),
  );
  let protocol: number | undefined;
  let network: number | undefined;
  let transport: string | undefined;
  let own: string | undefined;
  const left: (Statement | undefined)[] = [...kept];
  for (const [i, statement] of kept.entries()) {
    const known = protocol === undefined ? undefined : valueAt(kept, protocol);
    if ((known ?? transport) !== undefined) left[i] = named(statement, known ?? transport!);
    if (family === "inet") own = networkOf(left[i]!) ?? own;
    left[i] = ofFamily(left[i]!, family, own);
    transport =
      payloadsIn(left[i]).find(({ header }) => transports.has(header))?.header ?? transport;
    const asked = asksFor(left[i], family);
    if (protocol !== undefined && asked.has(known!)) left[protocol] = protocol = undefined;
    const layer = network === undefined ? undefined : valueAt(kept, network);
    if (network !== undefined && asked.has(layer!)) left[network] = network = undefined;
    // what is no comparison has done something by then
    if (isAct(statement)) protocol = network = undefined;
    if (isOf(statement, transportTests[family] ?? ["meta l4proto"])) protocol = i;
    if (isOf(statement, ["meta nfproto"])) network = i;
    if (isOf(statement, ["meta protocol"]) && isSaid(statement, family, kept.slice(i + 1)))
      left[i] = undefined;
  }
  return merged(left.filter((each) => each !== undefined));
}

/** The family that a comparison leaves. */
function networkOf(statement: Statement): "ip" | "ip6" | undefined {
  if (isOf(statement, ["meta nfproto"])) return valueAt([statement], 0) === "ipv4" ? "ip" : "ip6";
  const header = payloadsIn(statement).find(({ header }) => header === "ip" || header === "ip6");
  return header?.header as "ip" | "ip6" | undefined;
}

/** In a table of both families, a translation says for which it is. */
function ofFamily(statement: Statement, family: TableFamily, own: string | undefined): Statement {
  const isOpen =
    (statement.kind === "dnat" || statement.kind === "snat") &&
    family === "inet" &&
    statement.address &&
    !statement.family;
  return isOpen && (own === "ip" || own === "ip6") ? { ...statement, family: own } : statement;
}

const transports: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);

/** Where both families come, a header's protocol tells the family as well, and stays. */
const transportTests: Partial<Record<TableFamily, readonly string[]>> = {
  ip: ["meta l4proto", "ip protocol"],
  ip6: ["meta l4proto", "ip6 nexthdr"],
};

const isAct = ({ kind }: Statement): boolean =>
  kind === "counter" || kind === "log" || kind === "set" || kind === "update" || kind === "add";

/** In a table of one family, that family is what a packet is of. */
function isSaid(statement: Statement, family: TableFamily, after: readonly Statement[]): boolean {
  if ((family !== "ip" && family !== "ip6") || after.length === 0) return false;
  const isOwn = statement.kind === "match" && statement.right === family;
  return isOwn || after.flatMap(payloadsIn).some(({ header }) => header === family);
}

/** A reset asks for TCP before all else, where nothing else does. */
function withProtocol(statements: readonly Statement[]): readonly Statement[] {
  const at = statements.findIndex((each) => each.kind === "reject" && each.with === "tcp reset");
  if (at < 0) return statements;
  const isKnown = statements
    .slice(0, at)
    .some(
      (each) =>
        payloadsIn(each).some(({ header }) => header === "tcp") ||
        isOf(each, ["meta l4proto", "ip protocol", "ip6 nexthdr"]),
    );
  if (isKnown) return statements;
  const tcp: Statement = { kind: "match", left: { kind: "meta", key: "l4proto" }, right: "tcp" };
  return [tcp, ...statements];
}

/**
 * Both ports of one protocol are compared at once, the source's first: nft puts what is compared
 * with one value side by side where it lies side by side (src/evaluate.c, payload_do_merge).
 */
function portsJoined(statements: readonly Statement[]): readonly Statement[] {
  const at = (field: string): number =>
    statements.findIndex((each) => isPort(each, field) && !isSpanned(each));
  const [from, to] = [at("sport"), at("dport")];
  if (from < 0 || to < 0 || headerOf(statements[from]!) !== headerOf(statements[to]!))
    return statements;
  const between = statements.slice(Math.min(from, to) + 1, Math.max(from, to));
  if (between.some((each) => each.kind !== "match")) return statements;
  const others = statements.filter((_, i) => i !== to);
  const place = others.indexOf(statements[from]!);
  return [...others.slice(0, place + 1), statements[to]!, ...others.slice(place + 1)];
}

const headerOf = (statement: Statement): string | undefined => payloadsIn(statement)[0]?.header;

const isPort = (statement: Statement, field: string): boolean =>
  statement.kind === "match" &&
  statement.op === undefined &&
  typeof statement.right === "string" &&
  statement.left.kind === "payload" &&
  statement.left.field === field;

const isSpanned = (statement: Statement): boolean =>
  statement.kind === "match" &&
  typeof statement.right === "string" &&
  statement.right.includes("-");

/** The answer that is usual is not told, but where both families come and the rule is for one. */
function shortReject(
  statement: Statement,
  family: TableFamily,
  before: readonly Statement[],
): Statement {
  if (statement.kind !== "reject") return statement;
  const usual = "port-unreachable";
  const icmp: Partial<Record<TableFamily, string>> = { ip: "icmp", ip6: "icmpv6" };
  const plain = icmp[family] ?? "icmpx";
  const isPlain = statement.with === undefined || statement.with === `${plain} ${usual}`;
  if (!isPlain) return statement;
  const headers = before.flatMap(payloadsIn).map(({ header }) => header);
  for (const each of before)
    if (isOf(each, ["meta nfproto"])) headers.push(valueAt([each], 0) === "ipv4" ? "ip" : "ip6");
  if (plain === "icmpx" && statement.with?.startsWith("icmpx")) return { kind: "reject" };
  if (plain === "icmpx" && headers.includes("ip")) return { kind: "reject", with: `icmp ${usual}` };
  if (plain === "icmpx" && headers.includes("ip6"))
    return { kind: "reject", with: `icmpv6 ${usual}` };
  return { kind: "reject" };
}

const valueAt = (statements: readonly Statement[], i: number): string =>
  (statements[i] as Extract<Statement, { kind: "match" }>).right as string;

/** Whether it is a comparison of one of these with one value. */
function isOf(statement: Statement, texts: readonly string[]): boolean {
  if (statement.kind !== "match" || statement.op || typeof statement.right !== "string")
    return false;
  const { left } = statement;
  if (left.kind === "meta") return texts.includes(`meta ${left.key}`);
  return left.kind === "payload" && texts.includes(`${left.header} ${left.field}`);
}

/** The protocols that a statement cannot do without. */
function asksFor(statement: Statement, family: TableFamily): ReadonlySet<string> {
  const asked = new Set<string>();
  for (const { header } of payloadsIn(statement)) {
    if (header === "icmpv6") asked.add("ipv6-icmp");
    else asked.add(header);
    if (header === "ip") asked.add("ipv4");
    if (header === "ip6") asked.add("ipv6");
  }
  if (statement.kind === "reject" && statement.with === "tcp reset" && family !== "inet")
    asked.add("tcp");
  if (statement.kind === "reject" && statement.with?.startsWith("icmp ")) asked.add("ipv4");
  if (statement.kind === "reject" && statement.with?.startsWith("icmpv6 ")) asked.add("ipv6");
  return asked;
}

/** A port of "th" where the protocol is known is that protocol's. */
function named(statement: Statement, protocol: string): Statement {
  if (!transports.has(protocol)) return statement;
  const rename = (expression: Expression): Expression => {
    if (expression.kind === "concat") return { ...expression, parts: expression.parts.map(rename) };
    const isAny = expression.kind === "payload" && expression.header === "th";
    return isAny ? { ...expression, header: protocol } : expression;
  };
  if (statement.kind === "match") return { ...statement, left: rename(statement.left) };
  if (statement.kind === "vmap") return { ...statement, key: rename(statement.key) };
  return statement;
}

/** `>= 80` and then `<= 90` of the same are listed as one range. */
function merged(statements: Statement[]): Statement[] {
  const all: Statement[] = [];
  for (const statement of statements) {
    const before = all.at(-1);
    const isRange =
      before?.kind === "match" &&
      statement.kind === "match" &&
      before.op === ">=" &&
      statement.op === "<=" &&
      typeof before.right === "string" &&
      typeof statement.right === "string" &&
      JSON.stringify(before.left) === JSON.stringify(statement.left);
    if (!isRange) all.push(statement);
    else
      all[all.length - 1] = {
        kind: "match",
        left: before.left,
        right: `${before.right}-${statement.right}`,
      };
  }
  return all;
}
