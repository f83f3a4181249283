/**
 * What nft leaves out when it lists a rule: a comparison that another one, or a verdict, asks for
 * anyway. (src/payload.c, payload_dependency_kill; src/netlink_delinearize.c,
 * stmt_reject_postprocess)
 */
import type { Expression, Statement, TableFamily } from "./ruleset.js";

export function tidied(statements: readonly Statement[], family: TableFamily): Statement[] {
  const kept = statements.map((statement, i) =>
    shortReject(statement, family, statements.slice(0, i)),
  );
  let protocol: number | undefined;
  let network: number | undefined;
  const left: (Statement | undefined)[] = [...kept];
  for (const [i, statement] of kept.entries()) {
    const known = protocol === undefined ? undefined : valueAt(kept, protocol);
    if (known !== undefined) left[i] = named(statement, known);
    const asked = asksFor(left[i]!);
    if (protocol !== undefined && asked.has(known!)) left[protocol] = protocol = undefined;
    const layer = network === undefined ? undefined : valueAt(kept, network);
    if (network !== undefined && asked.has(layer!)) left[network] = network = undefined;
    if (isOf(statement, ["meta l4proto", "ip protocol", "ip6 nexthdr"])) protocol = i;
    if (isOf(statement, ["meta nfproto"])) network = i;
  }
  return merged(left.filter((each) => each !== undefined));
}

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
function asksFor(statement: Statement): ReadonlySet<string> {
  const asked = new Set<string>();
  for (const { header, field } of payloadsIn(statement)) {
    if (header === "icmpv6") asked.add("ipv6-icmp");
    else asked.add(header);
    if (header === "ip" && field !== "protocol") asked.add("ipv4");
    if (header === "ip6" && field !== "nexthdr") asked.add("ipv6");
  }
  if (statement.kind === "reject" && statement.with === "tcp reset") asked.add("tcp");
  if (statement.kind === "reject" && statement.with?.startsWith("icmp ")) asked.add("ipv4");
  if (statement.kind === "reject" && statement.with?.startsWith("icmpv6 ")) asked.add("ipv6");
  return asked;
}

type Payload = Extract<Expression, { kind: "payload" }>;

const payloadsIn = (statement: Statement): Payload[] => expressionsIn(statement).flatMap(parts);

function expressionsIn(statement: Statement): Expression[] {
  switch (statement.kind) {
    case "match":
      return [statement.left];
    case "vmap":
    case "update":
    case "add":
    case "delete":
      return [statement.key];
    case "set":
      return [statement.to];
    case "dnat":
    case "snat":
      return [statement.address, statement.port].filter((each) => each !== undefined);
    default:
      return [];
  }
}

function parts(expression: Expression): Payload[] {
  switch (expression.kind) {
    case "payload":
      return [expression];
    case "concat":
      return expression.parts.flatMap(parts);
    case "map":
      return parts(expression.key);
    case "bitwise":
      return parts(expression.left);
    default:
      return [];
  }
}

/** A port of "th" where the protocol is known is that protocol's. */
function named(statement: Statement, protocol: string): Statement {
  if (!["tcp", "udp", "sctp"].includes(protocol)) return statement;
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
