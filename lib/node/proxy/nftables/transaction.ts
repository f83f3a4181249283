/**
 * What kube-proxy gives `nft -f -`, byte for byte: on a full sync to a kernel that has no table of
 * its, and on a partial one. (pkg/proxy/nftables/proxier.go, setupNFTables, syncProxyRules,
 * nftElementStorage; sigs.k8s.io/knftables, objects.go)
 */
import * as features from "../../../objects/kubernetes-features.js";
import { expressionText, statementText } from "../../../net/nftables/text.js";
import type { Element, NamedSet, Rule, Statement, Verdict } from "../../../net/nftables/ruleset.js";
import { jumpOrder, sharedSets } from "./base.js";
import type { NodeTable } from "./node-table.js";
import type { Claim, Program, SharedSet } from "./program.js";
import { isMarking, ProxyRule } from "./rules.js";

/** A full sync. */
export function transactionText(table: NodeTable): string {
  return new Transaction(table).full();
}

/** A partial sync: what it found, and what it left behind. */
export interface Change {
  /** As it is now. */
  table: NodeTable;
  /** The ports of the Services that changed, as they were and as they are. */
  before: readonly Program[];
  after: readonly Program[];
  /** Chains that nothing refers to now, and those that had been so for long enough. */
  stale: Iterable<string>;
  deleted: readonly string[];
}

/** Its transactions, one after the other: none where nothing is to be written. */
export function changeTexts(change: Change): string[] {
  const { table, deleted } = change;
  const name = `${table.family} ${table.name}`;
  const first = deleted.map((chain) => `delete chain ${name} ${chain}\n`).join("");
  return [first, new Transaction(table).change(change)].filter((text) => text !== "");
}

class Transaction {
  #text = "";
  /** What follows it, piece by piece: a long text is not put together from its end. */
  #pieces: string[] = [];
  /** "ip kube-proxy" */
  readonly #in: string;
  /** What the kernel's sets and maps hold, as far as it is known: "service-ips KEY" -> value. */
  readonly #elements = new Map<string, string>();
  readonly #made = new Set<string>();

  constructor(readonly table: NodeTable) {
    this.#in = `${table.family} ${table.name}`;
  }

  get #isDirect(): boolean {
    return this.table.config.kubernetes.has(features.directDNAT);
  }

  full(): string {
    this.#setUp();
    for (const program of this.table.programs()) this.#port(program);
    return this.#written();
  }

  #written(): string {
    this.#text += this.#pieces.join("");
    this.#pieces = [];
    return this.#text;
  }

  /** All Services' elements are claimed again, in order; those that are there are not written. */
  change({ before, after, stale }: Change): string {
    const claims = before.flatMap((program) => this.#claimsOf(program));
    const next = after.flatMap((program) => this.#claimsOf(program));
    const own = new Set([...before, ...after].map(({ port }) => port.info.service));
    const rivals = this.#rivals([...claims, ...next], own);
    const services = [...own, ...rivals.keys()].sort();
    const of = (programs: readonly Program[], service: string): Program[] =>
      programs.filter(({ port }) => port.info.service === service);
    for (const service of services)
      for (const claim of rivals.get(service) ??
        of(before, service).flatMap((program) => this.#claimsOf(program)))
        this.#elements.set(idOf(claim), valueOf(claim));
    for (const service of services) {
      for (const program of of(after, service)) this.#port(program);
      for (const claim of rivals.get(service) ?? []) this.#claim(claim);
    }
    for (const chain of stale) this.#line(`flush chain ${this.#in} ${chain}`);
    const kept = new Set(after.flatMap(({ sets }) => [...sets.keys()]));
    for (const name of before.flatMap(({ sets }) => [...sets.keys()]))
      if (!kept.has(name)) this.#line(`delete set ${this.#in} ${name}`);
    this.#leftovers(claims, new Set([...next, ...[...rivals.values()].flat()].map(idOf)));
    return this.#written();
  }

  #claimsOf(program: Program): Claim[] {
    const set = "hairpin-connections";
    const hairpins = this.table.elementsIn(program, set) ?? [];
    return [...program.claims, ...hairpins.map((element) => ({ set, element }) as const)];
  }

  /** What Services that did not change claim of the same keys. */
  #rivals(claims: readonly Claim[], own: ReadonlySet<string>): Map<string, Claim[]> {
    const { rules, version } = this.table;
    const rivals = new Map<string, Claim[]>();
    const keys = new Set(claims.map(({ element }) => element.key));
    const ids = new Set(claims.map(idOf));
    const services = [...keys].flatMap((key) => rules.ownersOf(key, version));
    for (const service of new Set(services)) {
      if (own.has(service)) continue;
      const theirs = this.table.programsOf(service).flatMap((program) => this.#claimsOf(program));
      const contested = theirs.filter((claim) => ids.has(idOf(claim)));
      if (contested.length > 0) rivals.set(service, contested);
    }
    return rivals;
  }

  /** Elements that nobody claims any more; one that was claimed twice goes once. */
  #leftovers(before: readonly Claim[], claimed: ReadonlySet<string>): void {
    const each = new Map(before.map((claim) => [idOf(claim), claim]));
    for (const set of cleanupOrder)
      for (const [id, claim] of each)
        if (claim.set === set && !claimed.has(id))
          this.#line(`delete element ${this.#in} ${set} { ${claim.element.key} }`);
  }

  #line(text: string): void {
    this.#pieces.push(text, "\n");
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
    if (this.table.config.kubernetes.has(features.localhostNodePortGate)) this.#noLocalhost();
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

  /** Made and deleted, so that nothing is left of a time when the gate was on. */
  #noLocalhost(): void {
    const both = (kind: string, name: string, more = ""): void => {
      this.#line(`add ${kind} ${this.#in} ${name}${more}`);
      this.#line(`delete ${kind} ${this.#in} ${name}`);
    };
    const type = "inet_proto . inet_service : verdict";
    const comment = "localhost NodePorts rejected by kube-proxy";
    both("map", "localhost-nodeport-reject-ports", ` { type ${type} ; comment "${comment}" ; }`);
    for (const protocol of ["tcp", "udp", "sctp"]) {
      both("chain", `localhost-nodeport-reject-${protocol}`);
      both("counter", `localhost-nodeport-rejected-${protocol}`);
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
    this.#pieces.push("add rule ", this.#in, " ", chain, " ", sentText(rule), "\n");
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
    const { name: node } = this.table.view;
    const { endpointChains, ownChains } = program;
    // each endpoint's chain, then its element
    program.chosen.reachable.forEach((endpoint, i) => {
      const chain = endpointChains[i];
      if (chain) this.#portChain(chain.name);
      for (const element of program.hairpins(node, [endpoint]))
        this.#claim({ set: "hairpin-connections", element });
    });
    const firewall = program.name("firewall");
    for (const { name } of ownChains) if (name !== firewall) this.#portChain(name);
    const { loadBalancerIPs } = program.port.info;
    const isBalanced = ({ element }: Claim): boolean =>
      loadBalancerIPs.some((address) => element.key === program.port.key(address));
    let isFirewallMade = program.own("firewall").length === 0;
    for (const claim of program.claims) {
      if (!isFirewallMade && isBalanced(claim)) {
        this.#portChain(firewall);
        isFirewallMade = true;
      }
      this.#claim(claim);
    }
    const inner = program.port.info.internalLocal ? "local" : "service";
    const first = program.own(inner).filter(({ statements }) => isMarking(statements.at(-1)));
    this.#all(program.name(inner), first);
    this.#all(program.name("external"), program.own("external"));
    this.#all(program.name("firewall"), program.own("firewall"));
    for (const set of program.sets.values()) this.#affinity(set);
    for (const prefix of ["service", "local"] as const) {
      const others = program.own(prefix).filter((rule) => !first.includes(rule));
      this.#all(program.name(prefix), others);
    }
    for (const { name, rules } of endpointChains) this.#all(name, rules);
    this.#written();
  }

  #portChain(name: string): void {
    this.#pieces.push(
      "add chain ",
      this.#in,
      " ",
      name,
      "\nflush chain ",
      this.#in,
      " ",
      name,
      "\n",
    );
  }

  #all(chain: string, rules: readonly Rule[]): void {
    for (const rule of rules) this.#rule(chain, rule);
  }

  /** Of two Services that claim a key, the later one takes it. */
  #claim(claim: Claim): void {
    const { set, element } = claim;
    const [id, value] = [idOf(claim), valueOf(claim)];
    const held = this.#elements.get(id);
    if (held === value) return;
    if (held !== undefined) this.#line(`delete element ${this.#in} ${set} { ${element.key} }`);
    this.#elements.set(id, value);
    const beside = element.comment === undefined ? "" : ` comment "${element.comment}"`;
    this.#line(`add element ${this.#in} ${set} { ${element.key}${beside}${value} }`);
  }

  #affinity({ name, type, timeout }: NamedSet): void {
    this.#line(
      `add set ${this.#in} ${name} { type ${type[0]} ; flags dynamic,timeout ; timeout ${timeout! / 1000}s ; }`,
    );
  }
}

const idOf = ({ set, element }: Claim): string => `${set} ${element.key}`;
const valueOf = ({ element: { data } }: Claim): string =>
  data === undefined ? "" : ` : ${statementText(data as Verdict)}`;

/** In which order what nobody claims any more is taken out of sets and maps. */
const cleanupOrder: readonly SharedSet[] = [
  "cluster-ips",
  "service-ips",
  "firewall-ips",
  "no-endpoint-services",
  "no-endpoint-nodeports",
  "service-nodeports",
  "hairpin-connections",
];

const targetOf = ({ statements }: Rule): string | undefined => {
  const last = statements.at(-1);
  return last?.kind === "jump" ? last.chain : undefined;
};

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
