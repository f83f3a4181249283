/**
 * One service port as iptables rules, to kube-proxy's letter. (pkg/proxy/iptables/proxier.go,
 * syncProxyRules)
 *
 * KUBE-SERVICES and KUBE-NODEPORTS (the chains that all Services share) get `shared` rules, which
 * jump to chains of the port's own:
 *
 *     KUBE-EXT  from outside: masquerade or take short cuts, then on to SVC or SVL
 *     KUBE-FW   before EXT, where loadBalancerSourceRanges say who may come
 *     KUBE-SVC  one of all endpoints          KUBE-SVL  one of this node's endpoints
 *     KUBE-SEP  one endpoint: the DNAT
 *
 * Most Services are the same on every node, so one Program serves thousands; ports.ts says what a
 * node changes.
 */
import { Rule } from "../../../net/iptables/rule.js";
import type { Chain, ChainSource, Match, RuleTarget } from "../../../net/iptables/syntax.js";
import { purposeOf } from "./names.js";
import { counters, detectorOn, type FamilyConfig, type NodeView } from "../config.js";
import type { EndpointInfo, ServicePortState } from "../services.js";
import { admitsNode, Port } from "../ports.js";
import { chooseEndpoints, hasOutsideAddress, type Chosen } from "../topology.js";
import { hashLetters } from "../../../machinery/sha256.js";

/** A port's rules in the chains that Services share, in kube-proxy's order. */
export interface SharedRules {
  nat: { "KUBE-SERVICES": Rule[]; "KUBE-NODEPORTS": Rule[] };
  filter: {
    "KUBE-SERVICES": Rule[];
    "KUBE-EXTERNAL-SERVICES": Rule[];
    "KUBE-NODEPORTS": Rule[];
    "KUBE-PROXY-FIREWALL": Rule[];
  };
}

export const comment = (text: string): Match => ({ kind: "comment", text });
export const jump = (chain: string, within?: ChainSource): RuleTarget =>
  within ? { kind: "jump", chain, within } : { kind: "jump", chain };
const to = (cidr: string): Match => ({ kind: "destination", cidr });
const from = (cidr: string): Match => ({ kind: "source", cidr });
const dport = (port: number): Match => ({ kind: "dport", low: port, high: port });
const localSource: Match = { kind: "addrtype", side: "src", type: "LOCAL" };
const localDestination: Match = { kind: "addrtype", side: "dst", type: "LOCAL" };
const markMasq = jump("KUBE-MARK-MASQ");
const drop: RuleTarget = { kind: "DROP" };
const reject: RuleTarget = { kind: "REJECT" };
/** `-m tcp -p tcp` */
const transport = { tcp: modules("tcp"), udp: modules("udp"), sctp: modules("sctp") };
function modules(protocol: "tcp" | "udp" | "sctp"): Match[] {
  return [
    { kind: "ports", protocol },
    { kind: "protocol", protocol },
  ];
}
const oneOf = new Map<number, Match>();
/** A chance of 1/n. */
function statistic(n: number): Match {
  let match = oneOf.get(n);
  if (match === undefined)
    oneOf.set(n, (match = { kind: "statistic", numerator: 1, denominator: n }));
  return match;
}

/** What makes a chain's name. */
export const hash16 = (text: string): string => hashLetters(text, 16);

/** To a chain whose name is worked out once it is asked for: of a thousand Services few are. */
const later = (chain: () => string): RuleTarget => ({
  kind: "jump",
  get chain() {
    return chain();
  },
});

/** A service port's rules at one moment, and what each kind of node makes of them. */
export class PortRules extends Port {
  #hash: string | undefined;
  readonly #programs = new Map<string, Program>();
  /** The comment of each endpoint's rules. */
  readonly #label: readonly Match[];
  /** The chain of each endpoint once written; and as large clusters have it, without comments. */
  readonly #chains: (Chain | undefined)[] = [];
  readonly #largeChains: (Chain | undefined)[] = [];

  constructor(config: FamilyConfig, state: ServicePortState) {
    super(config, state);
    this.#label = [comment(this.info.name)];
  }

  /** What its own chains' names end in. */
  get hash(): string {
    return (this.#hash ??= hash16(this.info.name + this.info.protocol));
  }

  /**
   * `large`: without the comments that kube-proxy saves itself in clusters of over 1,000 endpoints.
   */
  program(view: NodeView, large: boolean): Program {
    const variant = this.variant(view);
    const key = large ? `large ${variant}` : variant;
    let program = this.#programs.get(key);
    if (program === undefined)
      this.#programs.set(
        key,
        (program = new Program(
          this,
          chooseEndpoints(this.info, this.endpoints, view),
          view,
          large,
        )),
      );
    return program;
  }

  /** KUBE-SEP: the chain of one endpoint, the same for every node. */
  endpointChain(endpoint: EndpointInfo, large: boolean): Chain {
    const written = large ? this.#largeChains : this.#chains;
    return (written[endpoint.index] ??= this.#writeEndpoint(endpoint, large));
  }

  #writeEndpoint({ address, text, purpose }: EndpointInfo, large: boolean): Chain {
    const { name: portName, protocol, affinitySeconds } = this.info;
    const name = `KUBE-SEP-${hash16(portName + protocol + text)}`;
    const label = large ? [] : this.#label;
    const remember: Match[] =
      affinitySeconds === undefined ? [] : [{ kind: "recent", action: "set", list: name }];
    const port = Number(text.slice(text.lastIndexOf(":") + 1));
    return {
      name,
      purpose: purposeOf("endpoint"),
      rules: [
        new Rule([...label, from(address)], markMasq, purpose),
        new Rule(
          [...label, ...remember, ...transport[protocol]],
          { kind: "DNAT", address, low: port, high: port },
          purpose,
        ),
      ],
    };
  }
}

/** The chains that go, and the names of those that come. */
export interface ChainChange {
  gone: readonly Chain[];
  came: ReadonlySet<string>;
}

/** From one version of a port's rules to another; undefined where the port is not there. */
export function changeBetween(
  before: Program | undefined,
  after: Program | undefined,
): ChainChange {
  if (before === after) return { gone: [], came: new Set() };
  const gone = before
    ? [...before.names].filter((name) => !after?.names.has(name)).map((name) => before.chain(name)!)
    : [];
  const came = new Set(after ? [...after.names].filter((name) => !before?.names.has(name)) : []);
  return { gone, came };
}

/** A service port's rules on one kind of node. */
export class Program implements ChainSource {
  readonly #object: string;
  readonly #label: string;
  #known: Record<"SVC" | "SVL" | "EXT" | "FW" | "internal", string> | undefined;
  readonly #hasInternal: boolean;
  readonly #hasExternal: boolean;
  readonly #firewalled: boolean;
  #shared: SharedRules | undefined;
  #chains: Map<string, Chain> | undefined;

  constructor(
    readonly state: PortRules,
    readonly chosen: Chosen,
    readonly view: NodeView,
    readonly large: boolean,
  ) {
    const { info } = state;
    const { any, local } = chosen;
    this.#object = `Service ${info.service}`;
    this.#label = info.name;
    this.#hasInternal = info.internalLocal ? any && local.length > 0 : any;
    this.#hasExternal = info.externalLocal ? any && local.length > 0 : any;
    this.#firewalled = any && info.loadBalancerIPs.length > 0 && info.sourceRanges.length > 0;
  }

  /** The chains that clusterIP traffic, external traffic and load balancer traffic go to. */
  get #names() {
    const { info, hash } = this.state;
    return (this.#known ??= {
      SVC: `KUBE-SVC-${hash}`,
      SVL: `KUBE-SVL-${hash}`,
      EXT: `KUBE-EXT-${hash}`,
      FW: `KUBE-FW-${hash}`,
      internal: `KUBE-${info.internalLocal ? "SVL" : "SVC"}-${hash}`,
    });
  }

  /**
   * A jump between the port's own chains, which the packet then need not look for by name. (Shared
   * rules serve many nodes, whose chains differ.)
   */
  #jump(chain: string): RuleTarget {
    return jump(chain, this);
  }

  chain(name: string): Chain | undefined {
    return this.chains.get(name);
  }

  get #field(): string {
    return `spec.ports[${this.state.info.index}]`;
  }

  #rule(matches: readonly Match[], target: RuleTarget | undefined, field: string): Rule {
    return new Rule(matches, target, { object: this.#object, field });
  }

  #toPort(text: string, address: string, target: RuleTarget, field: string): Rule {
    const { protocol, port } = this.state.info;
    return this.#rule(
      [comment(text), ...transport[protocol], to(address), dport(port)],
      target,
      field,
    );
  }

  // ---- in the chains that all Services share ----

  get shared(): SharedRules {
    return (this.#shared ??= this.#writeShared());
  }

  #writeShared(): SharedRules {
    const { info } = this.state;
    const { any } = this.chosen;
    const rules: SharedRules = {
      nat: { "KUBE-SERVICES": [], "KUBE-NODEPORTS": [] },
      filter: {
        "KUBE-SERVICES": [],
        "KUBE-EXTERNAL-SERVICES": [],
        "KUBE-NODEPORTS": [],
        "KUBE-PROXY-FIREWALL": [],
      },
    };
    this.#clusterIP(rules);
    info.externalIPs.forEach((address, i) =>
      this.#external(
        rules,
        address,
        "external IP",
        later(() => this.#names.EXT),
        `spec.externalIPs[${i}]`,
      ),
    );
    for (const address of info.loadBalancerIPs) {
      this.#external(
        rules,
        address,
        "loadbalancer IP",
        later(() => (this.#firewalled ? this.#names.FW : this.#names.EXT)),
        "status.loadBalancer.ingress",
      );
      if (this.#firewalled)
        rules.filter["KUBE-PROXY-FIREWALL"].push(
          this.#toPort(
            `${this.#label} traffic not accepted by ${this.#names.FW}`,
            address,
            drop,
            "spec.loadBalancerSourceRanges",
          ),
        );
    }
    if (info.nodePort !== 0) this.#nodePort(rules, any);
    if (info.healthCheckNodePort !== 0) {
      rules.filter["KUBE-NODEPORTS"].push(
        this.#rule(
          [
            comment(`${this.#label} health check node port`),
            ...transport.tcp,
            dport(info.healthCheckNodePort),
          ],
          { kind: "ACCEPT" },
          "spec.healthCheckNodePort",
        ),
      );
    }
    return rules;
  }

  #clusterIP(rules: SharedRules): void {
    const { clusterIP } = this.state.info;
    if (this.#hasInternal)
      rules.nat["KUBE-SERVICES"].push(
        this.#toPort(
          `${this.#label} cluster IP`,
          clusterIP,
          later(() => this.#names.internal),
          "spec.clusterIP",
        ),
      );
    else
      rules.filter["KUBE-SERVICES"].push(
        this.#toPort(...this.#refusal(clusterIP), "spec.clusterIP"),
      );
  }

  /**
   * REJECT where there is no endpoint at all; DROP where only this node has none: another node, or
   * a short cut, may still serve.
   */
  #refusal(address: string): [string, string, RuleTarget] {
    return this.chosen.any
      ? [`${this.#label} has no local endpoints`, address, drop]
      : [`${this.#label} has no endpoints`, address, reject];
  }

  #external(
    { nat, filter }: SharedRules,
    address: string,
    what: string,
    target: RuleTarget,
    field: string,
  ): void {
    if (this.chosen.any)
      nat["KUBE-SERVICES"].push(this.#toPort(`${this.#label} ${what}`, address, target, field));
    if (!this.#hasExternal)
      filter["KUBE-EXTERNAL-SERVICES"].push(this.#toPort(...this.#refusal(address), field));
  }

  #nodePort({ nat, filter }: SharedRules, any: boolean): void {
    const {
      config,
      info: { protocol, nodePort },
    } = this.state;
    const field = `${this.#field}.nodePort`;
    const ext = later(() => this.#names.EXT);
    if (any && config.localhostNodePorts && config.nfacct.has(counters.localhost)) {
      nat["KUBE-NODEPORTS"].push(
        this.#rule(
          [
            comment(this.#label),
            ...transport[protocol],
            to("127.0.0.0/8"),
            dport(nodePort),
            { kind: "nfacct", name: counters.localhost },
          ],
          ext,
          field,
        ),
      );
    }
    if (any)
      nat["KUBE-NODEPORTS"].push(
        this.#rule([comment(this.#label), ...transport[protocol], dport(nodePort)], ext, field),
      );
    if (this.#hasExternal) return;
    const [text, , target] = this.#refusal("");
    filter["KUBE-EXTERNAL-SERVICES"].push(
      this.#rule(
        [comment(text), localDestination, ...transport[protocol], dport(nodePort)],
        target,
        field,
      ),
    );
  }

  // ---- the port's own chains, in nat ----

  /**
   * By name, in the order in which kube-proxy declares them. Empty where the port has no endpoints.
   */
  get chains(): ReadonlyMap<string, Chain> {
    return (this.#chains ??= new Map(this.#writeChains().map((chain) => [chain.name, chain])));
  }

  #nameSet: ReadonlySet<string> | undefined;
  readonly #changes = new WeakMap<Program, ChainChange>();

  get names(): ReadonlySet<string> {
    return (this.#nameSet ??= new Set(this.chainNames()));
  }

  /**
   * What changes in the port's chains when `next` takes this one's place. Worked out once for all
   * the nodes that share both.
   */
  changeTo(next: Program): ChainChange {
    let change = this.#changes.get(next);
    if (!change) this.#changes.set(next, (change = changeBetween(this, next)));
    return change;
  }

  /** All chain names, without writing the rules. */
  *chainNames(): Generator<string> {
    const { SVC, SVL, EXT, FW } = this.#names;
    if (this.#usesExternal) yield EXT;
    if (this.#firewalled) yield FW;
    if (this.chosen.cluster.length > 0) yield SVC;
    if (this.chosen.local.length > 0) yield SVL;
    for (const endpoint of this.chosen.reachable)
      yield this.state.endpointChain(endpoint, this.large).name;
  }

  /**
   * The rule that SVC (or SVL) begins with; kube-proxy writes it before all other chains of the
   * port.
   */
  get masqueradeFirst(): string | undefined {
    return this.#hasInternal && this.#offCluster() ? this.#names.internal : undefined;
  }

  get #usesExternal(): boolean {
    return this.chosen.any && hasOutsideAddress(this.state.info);
  }

  #writeChains(): Chain[] {
    const { cluster, local, reachable } = this.chosen;
    const { SVC, SVL } = this.#names;
    return [
      ...(this.#usesExternal ? [this.#writeExternal()] : []),
      ...(this.#firewalled ? [this.#writeFirewall()] : []),
      ...(cluster.length > 0 ? [this.#writeChoice(SVC, cluster)] : []),
      ...(local.length > 0 ? [this.#writeChoice(SVL, local)] : []),
      ...reachable.map((endpoint) => this.state.endpointChain(endpoint, this.large)),
    ];
  }

  /**
   * The matches of clusterIP traffic that must be masqueraded, since its answer would not come back
   * this way.
   */
  #offCluster(): readonly Match[] | undefined {
    return this.state.config.masqueradeAll ? [] : this.#isLocal(true);
  }

  /**
   * The match of what comes from this node's Pods (or from elsewhere), if there is a way to tell.
   */
  #isLocal(not = false): readonly Match[] | undefined {
    const detector = detectorOn(this.view, this.state.config);
    if (detector === undefined) return undefined;
    const match: Match =
      "source" in detector
        ? { kind: "source", cidr: detector.source }
        : { kind: "in", interface: detector.interface + (detector.prefix ? "+" : "") };
    return [not ? { ...match, not } : match];
  }

  #writeChoice(name: string, endpoints: readonly EndpointInfo[]): Chain {
    const {
      info: { clusterIP, port, protocol, affinitySeconds },
      config,
    } = this.state;
    const rules: Rule[] = [];
    if (name === this.masqueradeFirst) {
      rules.push(
        this.#rule(
          [
            comment(`${this.#label} cluster IP`),
            ...transport[protocol],
            to(clusterIP),
            dport(port),
            ...this.#offCluster()!,
          ],
          markMasq,
          config.masqueradeAll ? "KubeProxyConfiguration iptables.masqueradeAll" : "spec.clusterIP",
        ),
      );
    }
    const rule = (endpoint: EndpointInfo, match?: Match): Rule => {
      const target = this.#jump(this.state.endpointChain(endpoint, this.large).name);
      const label = this.large ? [] : [comment(`${this.#label} -> ${endpoint.text}`)];
      return new Rule(match ? [...label, match] : label, target, endpoint.purpose);
    };
    if (affinitySeconds !== undefined) {
      for (const each of endpoints)
        rules.push(
          rule(each, {
            kind: "recent",
            action: "rcheck",
            list: this.state.endpointChain(each, this.large).name,
            seconds: affinitySeconds,
            reap: true,
          }),
        );
    }
    endpoints.forEach((each, i) =>
      rules.push(
        i < endpoints.length - 1 ? rule(each, statistic(endpoints.length - i)) : rule(each),
      ),
    );
    const place = name === this.#names.SVC ? "service" : "local service";
    return { name, rules, purpose: purposeOf(place) };
  }

  #writeExternal(): Chain {
    const { info } = this.state;
    const rules: Rule[] = [];
    const add = (text: string, matches: readonly Match[], target: RuleTarget): number =>
      rules.push(
        this.#rule(
          [comment(`${text} for ${this.#label} external destinations`), ...matches],
          target,
          "spec.externalTrafficPolicy",
        ),
      );
    if (!info.externalLocal) add("masquerade traffic", [], markMasq);
    else {
      const local = this.#isLocal();
      if (local) add("pod traffic", local, this.#jump(this.#names.SVC));
      add("masquerade LOCAL traffic", [localSource], markMasq);
      add("route LOCAL traffic", [localSource], this.#jump(this.#names.SVC));
    }
    if (this.#hasExternal)
      rules.push(
        this.#rule(
          [],
          this.#jump(info.externalLocal ? this.#names.SVL : this.#names.SVC),
          "spec.externalTrafficPolicy",
        ),
      );
    return { name: this.#names.EXT, rules, purpose: purposeOf("external") };
  }

  #writeFirewall(): Chain {
    const { info } = this.state;
    const ext = this.#jump(this.#names.EXT);
    const accept = (cidr: string, field: string): Rule =>
      this.#rule([comment(`${this.#label} loadbalancer IP`), from(cidr)], ext, field);
    const rules = info.sourceRanges.map((range, i) =>
      accept(range.text, `spec.loadBalancerSourceRanges[${i}]`),
    );
    if (admitsNode(info, this.view))
      rules.push(
        ...info.loadBalancerIPs.map((address) => accept(address, "status.loadBalancer.ingress")),
      );
    rules.push(
      this.#rule(
        [comment(`other traffic to ${this.#label} will be dropped by KUBE-PROXY-FIREWALL`)],
        undefined,
        "spec.loadBalancerSourceRanges",
      ),
    );
    return { name: this.#names.FW, rules, purpose: purposeOf("firewall") };
  }
}
