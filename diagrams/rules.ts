import type { Journey } from "stopover";
import { printable } from "stopover/internal/net/printable";
import { placeOf } from "stopover/internal/node/proxy/iptables/names";
import { choosesEndpoint, ownPlaces, type Place } from "stopover/internal/node/proxy/places";
import type { Mermaid, Svg } from "./picture.js";
import type { Role } from "./theme.js";
import { Flow } from "./flow.js";
import { lanes } from "./lanes/svg.js";
import { shorten, wrap } from "./text.js";

/** The rules that the packet walked: `lanes` under its older name. `node`: only that machine's. */
export function rules(trip: Journey, { node }: { node?: string } = {}): Svg {
  return lanes(trip, node);
}

/**
 * A whole node's chains for one Service, from what `iptables-save` prints there: which rules lead
 * to them and where those lead.
 *
 * `service`: "namespace/name", or with its port "namespace/name:http". Throws an Error that names
 * the Services which the text has rules for.
 */
export function serviceRules(saveText: string, service: string): Mermaid {
  const all = readRules(saveText),
    its = all.filter(({ text }) =>
      servicesIn(text).some((name) => name === service || name.startsWith(`${service}:`)),
    );
  if (!its.length)
    throw new Error(
      printable(
        `no rule for Service ${JSON.stringify(service)} here; there are rules for: ${[...new Set(all.flatMap(({ text }) => servicesIn(text)))].join(", ") || "none at all"}`,
      ),
    );
  const own = (chain: string) => ownPlaces.has(placeOf("nat", chain));
  const reached = new Set(its.flatMap(({ chain, target }) => [chain, target]).filter(own)),
    drawn = all.filter((rule) => reached.has(rule.chain) || its.includes(rule));
  const chains = new Map<string, Saved[]>();
  for (const rule of drawn)
    chains.set(`${rule.table} ${rule.chain}`, [
      ...(chains.get(`${rule.table} ${rule.chain}`) ?? []),
      rule,
    ]);
  const isEnd = (key: string) => placeOfKey(key) === "endpoint",
    few = [...chains.keys()].filter(isEnd).length <= 3;
  const flow = new Flow(few ? "TB" : "LR"); // endpoints stand side by side as long as they fit
  for (const [chain, held] of chains)
    flow.node(chain, roleOf(chain), [
      chain.replace(/^nat /, ""),
      ...held.flatMap(({ text }, i) =>
        wrap(`${i + 1} · ${brief(text)}`, few && !isEnd(chain) ? 64 : 36),
      ),
    ]);
  for (const { table, chain, target } of drawn)
    if (chains.has(`${table} ${target}`)) flow.edge(`${table} ${chain}`, `${table} ${target}`);
  return flow.picture(`The chains of Service ${shorten(service)} on a node`);
}

interface Saved {
  table: string;
  chain: string;
  text: string;
  target: string;
}
function readRules(saveText: string): Saved[] {
  let table = "";
  return saveText.split("\n").flatMap((line) => {
    table = /^\*(\w+)/.exec(line)?.[1] ?? table;
    const [, chain, text] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    return chain && text ? [{ table, chain, text, target: /-j (\S+)/.exec(text)?.[1] ?? "" }] : [];
  });
}
function servicesIn(text: string): string[] {
  return (
    /--comment "?(?:[a-z ]+ for )?([a-z0-9-]+\/[a-z0-9.-]+(?::[a-z0-9-]+)?)/.exec(text)?.slice(1) ??
    []
  );
}
/** A rule without what every rule repeats. */
function brief(text: string): string {
  return text
    .replace(/-m comment --comment ("[^"]*"|\S+) ?/, "")
    .replace(/-m (tcp|udp|sctp) /, "")
    .replace("-m statistic --mode random ", "");
}
/** `key`: a table and a chain of it. */
function placeOfKey(key: string): Place | undefined {
  const [table = "", chain = ""] = key.split(" ");
  return placeOf(table, chain);
}
function roleOf(chain: string): Role {
  const place = placeOfKey(chain);
  if (place === "nodeports" || place === "health check ports" || place === "external")
    return "stop2";
  return choosesEndpoint(place) ? "stop3" : place === "endpoint" ? "pod" : "rule";
}
