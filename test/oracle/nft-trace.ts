/** What `nft -a monitor trace` says of packets that meet rules of nftables and of iptables. */
import type { Namespaces } from "stopover/internal/doors/lab/namespaces";
import {
  nftHeaderOf,
  rulesByHandle,
  TraceReader,
  type RulesByHandle,
} from "stopover/internal/doors/lab/trace";

const line =
  /^trace id ([0-9a-f]+) (ip6?|inet) (\S+) (\S+) (?:(packet): (.*)|rule .*# handle (\d+) \(verdict (.*)\)|policy (\S+).*)$/;

/** "raw", "filter" and so on are iptables'; those of nftables go by "ip own". */
const nameOf = (family: string, table: string): string =>
  ["raw", "mangle", "filter", "nat"].includes(table) ? table : `${family} ${table}`;

class RulesTrace extends TraceReader {
  constructor(
    readonly rules: RulesByHandle,
    on: TraceReader["on"],
  ) {
    super(on);
  }

  protected line(text: string): void {
    const [, id, family = "", own = "", chain = "", packet, fields, handle, verdict, policy] =
      line.exec(text) ?? [];
    if (id === undefined) return;
    if (packet) return this.header(id, nftHeaderOf(fields!));
    const table = nameOf(family, own);
    const rule =
      handle === undefined ? undefined : this.rules.get(`${family} ${own} ${chain} ${handle}`);
    this.step(id, {
      table,
      chain,
      ...(handle !== undefined && { rule: rule ?? `(the rule with handle ${handle})` }),
      // "JUMP:WEB", as the reader of iptables' traces has it
      verdict: (verdict ?? policy)!
        .replace(/^[a-z]+/, (word) => word.toUpperCase())
        .replace(" ", ":"),
    });
  }
}

export function nftRulesTrace(house: Namespaces, on: TraceReader["on"]): TraceReader {
  const listed = house.run("node", "nft", ["-j", "-a", "list", "ruleset"]);
  const xtables = (["ip", "ip6"] as const).flatMap((family) =>
    [...rulesByHandle(house.run("node", `${family}tables-nft-save`, []), listed, family)].map(
      ([place, rule]) => [`${family} ${place}`, rule] as const,
    ),
  );
  const own = handlesIn(house.run("node", "nft", ["-a", "list", "ruleset"]));
  return new RulesTrace(new Map([...xtables, ...own]), on);
}

function* handlesIn(listed: string): Generator<[string, string]> {
  let [table, chain] = ["", ""];
  for (const text of listed.split("\n")) {
    const [, family, name] = /^table (\S+) (\S+) \{/.exec(text) ?? [];
    if (name !== undefined) table = `${family} ${name}`;
    chain = /^\tchain (\S+) \{/.exec(text)?.[1] ?? chain;
    const [, rule, handle] = /^\t\t(.*) # handle (\d+)$/.exec(text) ?? [];
    const isOwn = nameOf(...(table.split(" ") as [string, string])).includes(" ");
    if (rule !== undefined && isOwn) yield [`${table} ${chain} ${handle}`, rule];
  }
}
