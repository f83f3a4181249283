/**
 * One service port in nftables mode, to kube-proxy's letter: elements of the maps that all Services
 * share, and chains and sets of its own. (pkg/proxy/nftables/proxier.go, syncProxyRules)
 *
 *     external-…  from outside: mark for masquerading or take short cuts, then on to these two:
 *     service-…   one of all endpoints          local-…     one of this node's endpoints
 *     endpoint-…  one endpoint: the DNAT        affinity-…  whom it served lately
 *     firewall-…  who may come to the load balancer's address
 */
import * as features from "../../../objects/kubernetes-features.js";
import type { Purpose } from "../../../net/dataplane.js";
import { parseCIDR, type CIDR } from "../../../net/ip.js";
import {
  drop,
  elementsOf,
  goto,
  value,
  type Chain,
  type Expression,
  type NamedSet,
  type Rule,
  type Statement,
  type Verdict,
} from "../../../net/nftables/ruleset.js";
import type { FamilyConfig, NodeView } from "../config.js";
import type { Place } from "../places.js";
import { admitsNode, Port } from "../ports.js";
import type { EndpointInfo, ServicePortState } from "../services.js";
import { chooseEndpoints, hasOutsideAddress, type Chosen } from "../topology.js";
import { baseOf, endpointBaseOf, ownPurpose, type Prefix } from "./names.js";
import { mergedRanges } from "./ranges.js";
import {
  addressOf,
  addressType,
  differs,
  equals,
  fromLocal,
  ip,
  isIn,
  isOf,
  localMatch,
  markMasquerade,
  ProxyRule,
  type ProxyElement,
} from "./rules.js";

/** The sets and maps that all Services share. */
export type SharedSet =
  /** Of endpoints on the node: who reaches itself by its Service. (Since 1.36) */
  | "hairpin-connections"
  | "cluster-ips"
  | "service-ips"
  | "service-nodeports"
  | "no-endpoint-services"
  | "no-endpoint-nodeports"
  | "firewall-ips";

/** An element of one of them. */
export interface Claim {
  readonly set: SharedSet;
  readonly element: ProxyElement;
}

/** A service port's elements of the sets and maps that all Services share. */
export type SharedElements = Readonly<Partial<Record<SharedSet, readonly ProxyElement[]>>>;

/** A service port's rules at one moment, and what each kind of node makes of them. */
export class PortRules extends Port {
  readonly base: string;
  /** On every node, or by what makes nodes differ. */
  #same: Program | undefined;
  #programs: Map<string, Program> | undefined;
  /** Of each endpoint, by its index: its chain's name, what leads there, and the chain. */
  readonly #names: (string | undefined)[] = [];
  readonly #gotos: (Verdict | undefined)[] = [];
  readonly #chains: (Chain | undefined)[] = [];

  constructor(config: FamilyConfig, state: ServicePortState) {
    super(config, state);
    this.base = baseOf(this.info);
  }

  program(view: NodeView): Program {
    if (this.sameEverywhere) return (this.#same ??= this.#programOn(view));
    const programs = (this.#programs ??= new Map<string, Program>());
    const variant = this.variant(view);
    let program = programs.get(variant);
    if (program === undefined) programs.set(variant, (program = this.#programOn(view)));
    return program;
  }

  #programOn(view: NodeView): Program {
    return new Program(this, chooseEndpoints(this.info, this.endpoints, view), view);
  }

  /**
   * The keys of all its elements, whatever becomes of them on a node: its ClusterIP, its addresses
   * with protocol and port, its NodePort.
   */
  *keys(): Generator<string> {
    const { clusterIP, externalIPs, loadBalancerIPs, nodePort } = this.info;
    yield clusterIP;
    for (const address of [clusterIP, ...externalIPs, ...loadBalancerIPs]) yield this.key(address);
    if (nodePort !== 0) yield this.nodePortKey;
    if (this.isDirect) for (const endpoint of this.endpoints) yield this.hairpinKey(endpoint);
  }

  get isDirect(): boolean {
    return this.config.kubernetes.has(features.directDNAT);
  }

  /** A packet of an endpoint's that has come back to it, rewritten. */
  hairpinKey(endpoint: EndpointInfo): string {
    const { address } = endpoint;
    return `${address} . ${address} . ${this.info.protocol} . ${endpoint.port}`;
  }

  key(address: string): string {
    return `${address} . ${this.info.protocol} . ${this.info.port}`;
  }

  /** Its name; nft takes no comment of more than 128 bytes. */
  get comment(): string {
    const { name } = this.info;
    return this.config.kubernetes.has(features.shortComments) ? name.slice(0, 128) : name;
  }

  get nodePortKey(): string {
    return `${this.info.protocol} . ${this.info.nodePort}`;
  }

  endpointName({ index, address, port }: EndpointInfo): string {
    return (this.#names[index] ??= `endpoint-${endpointBaseOf(this.info, address, port)}`);
  }

  affinityName(endpoint: EndpointInfo): string {
    return `affinity${this.endpointName(endpoint).slice("endpoint".length)}`;
  }

  /** On to the chain of one endpoint. */
  endpointGoto(endpoint: EndpointInfo): Verdict {
    return (this.#gotos[endpoint.index] ??= goto(this.endpointName(endpoint)));
  }

  /** The chain of one endpoint, the same for every node. */
  endpointChain(endpoint: EndpointInfo): Chain {
    return (this.#chains[endpoint.index] ??= this.#writeEndpoint(endpoint));
  }

  #writeEndpoint(endpoint: EndpointInfo): Chain {
    const { address, purpose } = endpoint;
    const name = this.endpointName(endpoint);
    const source = addressOf(this.config.family, "saddr");
    const rule = (statements: Statement[]): Rule => new ProxyRule(statements, { purpose });
    const first = this.isDirect
      ? undefined
      : rule([equals(source, address), markMasquerade(this.config)]);
    const last = rule(this.dnat(endpoint));
    if (this.info.affinitySeconds === undefined)
      return { name, rules: first ? [first, last] : [last], purpose: ownPurpose("endpoint") };
    const remembers = rule([{ kind: "update", set: this.affinityName(endpoint), key: source }]);
    const rules = first ? [first, remembers, last] : [remembers, last];
    return { name, rules, purpose: ownPurpose("endpoint") };
  }

  dnat(endpoint: EndpointInfo): Statement[] {
    const { address, port } = endpoint;
    const to: Statement = { kind: "dnat", address: value(address), port: portValue(port) };
    return [isOf(this.info.protocol), to];
  }

  /** To one of several, by chance, in one rule. */
  dnatToOneOf(endpoints: readonly EndpointInfo[]): Statement[] {
    const elements = endpoints.map((each, i) => ({
      key: String(i),
      data: `${each.address} . ${each.port}`,
    }));
    const address: Expression = { kind: "map", key: oneOf(endpoints), map: { elements } };
    return [isOf(this.info.protocol), { kind: "dnat", family: ip(this.config.family), address }];
  }

  /** Whom an endpoint served lately: sessionAffinity ClientIP. The kernel fills it. */
  affinitySet(endpoint: EndpointInfo): NamedSet {
    return {
      name: this.affinityName(endpoint),
      type: [addressType(this.config.family)],
      size: 65535,
      flags: ["dynamic", "timeout"],
      timeout: this.info.affinitySeconds! * 1000,
      elements: nobody,
    };
  }
}

const nobody = elementsOf([]);

const oneOf = (endpoints: readonly EndpointInfo[]) =>
  ({ kind: "numgen", mode: "random", modulus: endpoints.length }) as const;

/** Few ports serve many endpoints. */
const portValues = new Map<number, Expression>();
function portValue(port: number): Expression {
  let known = portValues.get(port);
  if (known === undefined) portValues.set(port, (known = value(String(port))));
  return known;
}

/** A service port's rules on one kind of node. */
export class Program {
  #elements: SharedElements | undefined;
  #ofEndpoints: readonly Chain[] | undefined;
  #own: readonly Chain[] | undefined;
  #byName: ReadonlyMap<string, Chain> | undefined;
  #sets: ReadonlyMap<string, NamedSet> | undefined;
  #names: ReadonlySet<string> | undefined;
  #gone: WeakMap<Program, readonly string[]> | undefined;
  readonly #hasInternal: boolean;
  readonly #hasExternal: boolean;

  constructor(
    readonly port: PortRules,
    readonly chosen: Chosen,
    readonly view: NodeView,
  ) {
    const { any, local } = chosen;
    const { internalLocal, externalLocal } = port.info;
    this.#hasInternal = any && (!internalLocal || local.length > 0);
    this.#hasExternal = any && (!externalLocal || local.length > 0);
  }

  name(prefix: Prefix): string {
    return `${prefix}-${this.port.base}`;
  }

  #purpose(field: string | undefined): Purpose {
    const object = `Service ${this.port.info.service}`;
    return field === undefined ? { object } : { object, field };
  }

  #rule(
    field: string | undefined,
    statements: readonly Statement[],
    more: { comment?: string; sent?: string } = {},
  ): Rule {
    return new ProxyRule(statements, { ...more, purpose: this.#purpose(field) });
  }

  // ---- in the sets and maps that all Services share ----

  /** By set or map. */
  get elements(): SharedElements {
    if (this.#elements === undefined) {
      const all: Partial<Record<SharedSet, ProxyElement[]>> = {};
      for (const { set, element } of this.claims) (all[set] ??= []).push(element);
      this.#elements = all;
    }
    return this.#elements;
  }

  /** In the order in which kube-proxy writes them. */
  get claims(): readonly Claim[] {
    const claims: Claim[] = [];
    const add: Add = (set, key, field, data) => {
      const comment = set.startsWith("no-endpoint") ? this.port.comment : undefined;
      const purpose = this.#purpose(field);
      const element = { key, data, comment, purpose };
      claims.push({
        set,
        // where a reader stands who came by a NodePort: one look-up of the chain services
        element:
          set === "service-nodeports" ? { ...element, purpose: { ...purpose, place } } : element,
      });
    };
    this.#clusterIP(add);
    this.#externalAddresses(add);
    this.#nodePort(add);
    return claims;
  }

  #clusterIP(add: Add): void {
    const { clusterIP, internalLocal } = this.port.info;
    const key = this.port.key(clusterIP);
    add("cluster-ips", clusterIP, "spec.clusterIP");
    if (this.#hasInternal) {
      const chain = this.name(internalLocal ? "local" : "service");
      add("service-ips", key, "spec.clusterIP", goto(chain));
    } else {
      const field = this.chosen.any ? "spec.internalTrafficPolicy" : "spec.clusterIP";
      add("no-endpoint-services", key, field, this.#refusal);
    }
  }

  /**
   * Refused where there is no endpoint at all; dropped where only this node has none: another node,
   * or a short cut, may still serve.
   */
  get #refusal(): Verdict {
    return this.chosen.any ? drop : goto("reject-chain");
  }

  #externalAddresses(add: Add): void {
    const { externalIPs, loadBalancerIPs } = this.port.info;
    externalIPs.forEach((address, i) => {
      this.#serve(add, address, `spec.externalIPs[${i}]`);
      this.#refuse(add, address, `spec.externalIPs[${i}]`);
    });
    for (const address of loadBalancerIPs) {
      this.#serve(add, address, "status.loadBalancer.ingress");
      if (!this.#isFirewalled) continue;
      const firewall = goto(this.name("firewall"));
      add("firewall-ips", this.port.key(address), "spec.loadBalancerSourceRanges", firewall);
    }
    for (const address of loadBalancerIPs)
      this.#refuse(add, address, "status.loadBalancer.ingress");
  }

  #serve(add: Add, address: string, field: string): void {
    if (!this.chosen.any) return;
    add("service-ips", this.port.key(address), field, goto(this.name("external")));
  }

  #refuse(add: Add, address: string, field: string): void {
    if (this.#hasExternal) return;
    add("no-endpoint-services", this.port.key(address), field, this.#refusal);
  }

  #nodePort(add: Add): void {
    const { nodePort, index } = this.port.info;
    if (nodePort === 0) return;
    const field = `spec.ports[${index}].nodePort`;
    const key = this.port.nodePortKey;
    if (this.chosen.any) add("service-nodeports", key, field, goto(this.name("external")));
    if (!this.#hasExternal) add("no-endpoint-nodeports", key, field, this.#refusal);
  }

  get #isFirewalled(): boolean {
    const { loadBalancerIPs, sourceRanges } = this.port.info;
    return loadBalancerIPs.length > 0 && sourceRanges.length > 0;
  }

  // ---- the port's own chains and sets ----

  /** In the order in which kube-proxy makes them: those of endpoints first. */
  *chains(): Generator<Chain> {
    yield* this.endpointChains;
    yield* this.ownChains;
  }

  chain(name: string): Chain | undefined {
    this.#byName ??= new Map(Array.from(this.chains(), (chain) => [chain.name, chain]));
    return this.#byName.get(name);
  }

  /** Of all endpoints that the node may send to, or of none. */
  get endpointChains(): readonly Chain[] {
    return (this.#ofEndpoints ??= this.#chained.map((each) => this.port.endpointChain(each)));
  }

  get ownChains(): readonly Chain[] {
    return (this.#own ??= this.#ownPrefixes.map((prefix) => ({
      name: this.name(prefix),
      rules: this.#writeOwn(prefix),
      purpose: ownPurpose(prefix),
    })));
  }

  /** The rules of one of its own chains. */
  own(prefix: Prefix): readonly Rule[] {
    const purpose = ownPurpose(prefix);
    return this.ownChains.find((chain) => chain.purpose === purpose)?.rules ?? [];
  }

  /** Its affinity sets, by name. */
  get sets(): ReadonlyMap<string, NamedSet> {
    return (this.#sets ??= new Map(
      this.#sticky.map((endpoint) => {
        const set = this.port.affinitySet(endpoint);
        return [set.name, set];
      }),
    ));
  }

  get #sticky(): readonly EndpointInfo[] {
    return this.port.info.affinitySeconds === undefined ? [] : this.chosen.reachable;
  }

  /** The endpoints that have chains of their own. */
  get #chained(): readonly EndpointInfo[] {
    return this.port.isDirect ? this.#sticky : this.chosen.reachable;
  }

  /** Those of the node's endpoints that may reach themselves; `node`: its name. */
  hairpins(node: string, among = this.chosen.reachable): ProxyElement[] {
    if (!this.port.isDirect) return [];
    return among
      .filter(({ nodeName }) => nodeName === node)
      .map((each) => ({ key: this.port.hairpinKey(each), purpose: each.purpose }));
  }

  /** All chain names, without writing the rules. */
  get names(): ReadonlySet<string> {
    return (this.#names ??= new Set([
      ...this.#chained.map((each) => this.port.endpointName(each)),
      ...this.#ownPrefixes.map((prefix) => this.name(prefix)),
    ]));
  }

  get #ownPrefixes(): Exclude<Prefix, "endpoint">[] {
    const { any, cluster, local } = this.chosen;
    return [
      ...(cluster.length > 0 ? (["service"] as const) : []),
      ...(local.length > 0 ? (["local"] as const) : []),
      ...(any && hasOutsideAddress(this.port.info) ? (["external"] as const) : []),
      ...(this.#isFirewalled ? (["firewall"] as const) : []),
    ];
  }

  /**
   * The chains that nothing refers to when `next` takes this one's place. Worked out once for all
   * the nodes that share both.
   */
  goneWith(next: Program | undefined): readonly string[] {
    if (next === this) return [];
    if (next === undefined) return [...this.names];
    const known = (this.#gone ??= new WeakMap<Program, readonly string[]>());
    let gone = known.get(next);
    if (gone === undefined)
      known.set(next, (gone = [...this.names].filter((name) => !next.names.has(name))));
    return gone;
  }

  #writeOwn(prefix: Exclude<Prefix, "endpoint">): Rule[] {
    switch (prefix) {
      case "service":
        return this.#choice(prefix, this.chosen.cluster);
      case "local":
        return this.#choice(prefix, this.chosen.local);
      case "external":
        return this.#externalRules();
      case "firewall":
        return [this.#firewallRule()];
    }
  }

  #choice(prefix: "service" | "local", endpoints: readonly EndpointInfo[]): Rule[] {
    const { info, config } = this.port;
    if (this.port.isDirect && info.affinitySeconds === undefined) return [this.#direct(endpoints)];
    const isInternal = prefix === (info.internalLocal ? "local" : "service");
    const marks = isInternal && this.#hasInternal && !this.port.isDirect;
    const rules = marks ? this.#masqueradeInternal() : [];
    const source = addressOf(config.family, "saddr");
    if (info.affinitySeconds !== undefined)
      for (const each of endpoints) {
        const known = isIn(source, this.port.affinityName(each));
        rules.push(this.#rule("spec.sessionAffinity", [known, this.port.endpointGoto(each)]));
      }
    const elements = endpoints.map((each, i) => ({
      key: String(i),
      data: this.port.endpointGoto(each),
    }));
    const key = oneOf(endpoints);
    rules.push(this.#rule(undefined, [{ kind: "vmap", key, map: { elements } }]));
    return rules;
  }

  #direct(endpoints: readonly EndpointInfo[]): Rule {
    const [only] = endpoints;
    const isAlone = endpoints.length === 1 && only !== undefined;
    if (!isAlone || !this.port.config.kubernetes.has(features.noMapForOneEndpoint))
      return this.#rule(undefined, this.port.dnatToOneOf(endpoints));
    return new ProxyRule(this.port.dnat(only), { purpose: only.purpose });
  }

  /** clusterIP traffic that must be masqueraded, since its answer would not come back this way. */
  #masqueradeInternal(): Rule[] {
    const { info, config } = this.port;
    const toClusterIP = equals(addressOf(config.family, "daddr"), info.clusterIP);
    if (config.masqueradeAll) {
      const field = "KubeProxyConfiguration nftables.masqueradeAll";
      return [this.#rule(field, [toClusterIP, markMasquerade(config)])];
    }
    const foreign = localMatch(this.view, config, true);
    return foreign
      ? [this.#rule("spec.clusterIP", [toClusterIP, foreign, markMasquerade(config)])]
      : [];
  }

  #externalRules(): Rule[] {
    const { info, config } = this.port;
    const field = "spec.externalTrafficPolicy";
    const rule = (statements: Statement[], comment?: string): Rule =>
      this.#rule(field, statements, comment === undefined ? {} : { comment });
    const service = goto(this.name("service"));
    const rules: Rule[] = [];
    const marks = markMasquerade(config);
    if (!info.externalLocal)
      rules.push(rule([marks], this.port.isDirect ? "masquerade" : undefined));
    else {
      const local = localMatch(this.view, config);
      if (local) rules.push(rule([local, service], "short-circuit pod traffic"));
      rules.push(
        rule([fromLocal, marks], "masquerade local traffic"),
        rule([fromLocal, service], "short-circuit local traffic"),
      );
    }
    if (this.#hasExternal)
      rules.push(rule([goto(this.name(info.externalLocal ? "local" : "service"))]));
    return rules;
  }

  /** nft makes one match of a list of one; and of ranges that touch, one range. */
  #firewallRule(): Rule {
    const { info, config } = this.port;
    const also = admitsNode(info, this.view) ? info.loadBalancerIPs : [];
    const written = [...info.sourceRanges.map(({ text }) => text), ...also].join(" , ");
    const source = addressOf(config.family, "saddr");
    const foreign = differsFrom(source, [...info.sourceRanges, ...also.map(parseCIDR)]);
    return this.#rule("spec.loadBalancerSourceRanges", [foreign, drop], {
      sent: `${ip(config.family)} saddr != { ${written} } drop`,
    });
  }
}

const place: Place = "nodeports";

type Add = (set: SharedSet, key: string, field: string, data?: Verdict) => void;

function differsFrom(left: Parameters<typeof differs>[0], ranges: readonly CIDR[]): Statement {
  const merged = mergedRanges(ranges);
  if (ranges.length === 1) return differs(left, merged[0]!);
  return { kind: "match", left, op: "!=", right: { elements: merged.map((key) => ({ key })) } };
}
