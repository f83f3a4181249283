/**
 * What kube-proxy gives `nft -f -` on a full sync, byte for byte, to a kernel that has no table of
 * its. (pkg/proxy/nftables/proxier.go, setupNFTables, syncProxyRules; sigs.k8s.io/knftables,
 * objects.go)
 */
import * as features from "../../../objects/kubernetes-features.js";
import { expressionText, statementText } from "../../../net/nftables/text.js";
import type {
  Chain,
  Element,
  NamedSet,
  Rule,
  Statement,
  Verdict,
} from "../../../net/nftables/ruleset.js";
import { jumpOrder, sharedSets } from "./base.js";
import type { NodeTable } from "./node-table.js";
import type { Claim, Program, SharedSet } from "./program.js";
import { isMarking, ProxyRule } from "./rules.js";

export function transactionText(table: NodeTable): string {
  return new Transaction(table).text();
}

class Transaction {
  #text = "";
  /** "ip kube-proxy" */
  readonly #in: string;
  readonly #elements = new Map<string, string>();
  readonly #made = new Set<string>();

  constructor(readonly table: NodeTable) {
    this.#in = `${table.family} ${table.name}`;
  }

  get #isDirect(): boolean {
    return this.table.config.kubernetes.has(features.directDNAT);
  }

  text(): string {
    this.#setUp();
    for (const program of this.table.programs()) this.#port(program);
    return this.#text;
  }

  #line(text: string): void {
    this.#text += `${text}\n`;
  }

  // ---- what does not depend on Services ----

  #setUp(): void {
    this.#line(`add table ${this.#in} { comment "${this.table.comment}" ; }`);
    this.#baseChains();
    for (const [from, to] of jumpOrder) {
      this.#makeChain(to);
      this.#rules(from, (rule) => targetOf(rule) === to);
    }
    const { sharedChains } = this.table;
    const masquerading = ["mark-for-masquerade", "masquerading"].filter((name) =>
      sharedChains.has(name),
    );
    for (const name of masquerading) this.#makeChain(name);
    if (this.#isDirect) this.#makeSet("hairpin-connections");
    for (const name of masquerading) this.#rules(name);
    this.#makeSet("cluster-ips");
    this.#rules("cluster-ips-check");
    this.#nodePortIPs();
    this.#makeSet("no-endpoint-services");
    this.#makeSet("no-endpoint-nodeports");
    this.#makeChain("reject-chain");
    for (const name of ["reject-chain", "service-endpoints-check", "nodeport-endpoints-check"])
      this.#rules(name);
    this.#makeSet("firewall-ips");
    this.#rules("firewall-check");
    this.#makeSet("service-ips");
    this.#makeSet("service-nodeports");
    this.#rules("services");
  }

  /** First they are made and deleted, so that those of an older version cannot be in the way. */
  #baseChains(): void {
    const bases = [...this.table.sharedChains.values()].filter(({ base }) => base);
    for (const { name } of bases) {
      this.#line(`add chain ${this.#in} ${name}`);
      this.#line(`delete chain ${this.#in} ${name}`);
    }
    for (const { name, base } of bases) {
      const { type, hook, priority } = base!;
      this.#line(
        `add chain ${this.#in} ${name} { type ${type} hook ${hook} priority ${priority} ; }`,
      );
      this.#line(`flush chain ${this.#in} ${name}`);
    }
  }

  #makeChain(name: string, comment = this.table.sharedChains.get(name)?.comment): void {
    if (this.#made.has(name)) return;
    this.#made.add(name);
    const more = comment === undefined ? "" : ` { comment "${comment}" ; }`;
    this.#line(`add chain ${this.#in} ${name}${more}`);
    this.#line(`flush chain ${this.#in} ${name}`);
  }

  #rules(name: string, wanted: (rule: Rule) => boolean = () => true): void {
    const { rules } = this.table.sharedChains.get(name)!;
    this.#all(name, rules.filter(wanted));
  }

  #rule(chain: string, rule: Rule): void {
    this.#text += `add rule ${this.#in} ${chain} ${sentText(rule)}\n`;
  }

  #makeSet(name: SharedSet | "nodeport-ips"): void {
    const set = sharedSets(this.table.config).find((each) => each.name === name)!;
    const found = set.data === undefined ? "" : " : verdict";
    const what = set.data === undefined ? "set" : "map";
    this.#line(
      `add ${what} ${this.#in} ${name} { type ${set.type.join(" . ")}${found} ; comment "${set.comment}" ; }`,
    );
  }

  /** Where all addresses answer there is no such set: made and deleted, it is gone for certain. */
  #nodePortIPs(): void {
    const set = this.table.set("nodeport-ips");
    const [type] = this.table.set("cluster-ips")!.type;
    this.#line(
      `add set ${this.#in} nodeport-ips { type ${type} ; comment "IPs that accept NodePort traffic" ; }`,
    );
    if (!set) return this.#line(`delete set ${this.#in} nodeport-ips`);
    this.#line(`flush set ${this.#in} nodeport-ips`);
    for (const { key } of set.elements.values())
      this.#line(`add element ${this.#in} nodeport-ips { ${key} }`);
  }

  // ---- a service port ----

  #port(program: Program): void {
    const all = [...program.chains.values()];
    const make = ({ name }: Chain): void => {
      this.#text += `add chain ${this.#in} ${name}\nflush chain ${this.#in} ${name}\n`;
    };
    const hairpins = program.hairpins(this.table.view.name);
    // each endpoint's chain, then its element
    for (const endpoint of program.chosen.reachable) {
      const chain = program.chains.get(program.port.endpointName("endpoint", endpoint));
      if (chain) make(chain);
      const key = program.port.hairpinKey(endpoint);
      const element = hairpins.find((each) => each.key === key);
      if (element) this.#claim({ set: "hairpin-connections", element });
    }
    for (const chain of all) if (!isEndpoint(chain)) make(chain);
    for (const claim of program.claims) this.#claim(claim);
    const own = (prefix: Parameters<Program["name"]>[0]): readonly Rule[] =>
      program.chains.get(program.name(prefix))?.rules ?? [];
    const inner = program.port.info.internalLocal ? "local" : "service";
    const first = own(inner).filter(({ statements }) => isMarking(statements.at(-1)));
    this.#all(program.name(inner), first);
    this.#all(program.name("external"), own("external"));
    this.#all(program.name("firewall"), own("firewall"));
    for (const set of program.sets.values()) this.#affinity(set);
    for (const prefix of ["service", "local"] as const) {
      const others = own(prefix).filter((rule) => !first.includes(rule));
      this.#all(program.name(prefix), others);
    }
    for (const chain of all) if (isEndpoint(chain)) this.#all(chain.name, chain.rules);
  }

  #all(chain: string, rules: readonly Rule[]): void {
    for (const rule of rules) this.#rule(chain, rule);
  }

  /** Of two Services that claim a key, the later one takes it. */
  #claim({ set, element: { key, data, comment } }: Claim): void {
    const value = data === undefined ? "" : ` : ${statementText(data as Verdict)}`;
    const held = this.#elements.get(`${set} ${key}`);
    if (held === value) return;
    if (held !== undefined) this.#text += `delete element ${this.#in} ${set} { ${key} }\n`;
    this.#elements.set(`${set} ${key}`, value);
    const beside = comment === undefined ? "" : ` comment "${comment}"`;
    this.#text += `add element ${this.#in} ${set} { ${key}${beside}${value} }\n`;
  }

  #affinity({ name, type, timeout }: NamedSet): void {
    this.#line(
      `add set ${this.#in} ${name} { type ${type[0]} ; flags dynamic,timeout ; timeout ${timeout! / 1000}s ; }`,
    );
  }
}

const targetOf = ({ statements }: Rule): string | undefined => {
  const last = statements.at(-1);
  return last?.kind === "jump" ? last.chain : undefined;
};

const isEndpoint = ({ purpose }: Chain): boolean => purpose?.place === "endpoint";

/** A rule as kube-proxy writes it. */
export function sentText(rule: Rule): string {
  const { statements, comment } = rule;
  const beside = comment === undefined ? "" : ` comment "${comment}"`;
  if (rule instanceof ProxyRule && rule.sent !== undefined) return rule.sent + beside;
  let text = "";
  for (const statement of statements)
    text += `${text === "" ? "" : " "}${sentStatement(statement)}`;
  return text + beside;
}

function sentStatement(statement: Statement): string {
  if (statement.kind === "set" && statement.to.kind === "bitwise") {
    const { op, right } = statement.to;
    return `mark set mark ${op === "|" ? "or" : "xor"} ${right}`;
  }
  if (statement.kind === "dnat" && statement.address?.kind === "map") {
    const { key, map } = statement.address;
    const { elements } = map as { elements: readonly Element[] };
    const choices = elements.map(({ key, data }) => `${key} : ${data as string}`).join(" , ");
    return `dnat ${statement.family} addr . port to ${expressionText(key)} map { ${choices} }`;
  }
  if (statement.kind === "vmap" && "elements" in statement.map) {
    const { elements } = statement.map;
    const numgen = `numgen random mod ${elements.length}`;
    let choices = "";
    for (const { key, data } of elements)
      choices += `${choices === "" ? "" : " , "}${key} : ${statementText(data as Verdict)}`;
    return `${numgen} vmap { ${choices} }`;
  }
  const text = statementText(statement);
  // nft quotes the names of interfaces, kube-proxy does not
  return statement.kind === "match" && text.startsWith("iifname") ? text.replaceAll('"', "") : text;
}
