/**
 * A kube-proxy of node-a, in nftables mode or in iptables', that is given objects as they come and
 * go, and what its kernel then holds.
 *
 *     const living = new LivingKubeProxy(kubeProxy, objects);
 *     living.become(others);
 *     living.listed;                        // as `nft list ruleset` shows it
 */
import { parse } from "stopover";
import type { EndpointSlice, KubeObject, Node, Service } from "stopover";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { Kernel } from "stopover/internal/net/kernel";
import { configFor } from "stopover/internal/node/proxy/config";
import { readConfiguration } from "stopover/internal/node/proxy/configuration";
import type { ProxyMode } from "stopover/internal/node/proxy/backend";
import { kubernetes } from "stopover/internal/objects/kubernetes";
import { ServiceTable } from "stopover/internal/node/proxy/frontend";
import { KubeProxy } from "stopover/internal/node/proxy/kube-proxy";
import { watched } from "stopover/internal/node/proxy/watched";
import { iptables } from "stopover/internal/net/iptables/walk";
import {
  iptablesMode,
  restoreText,
  type Restore,
} from "stopover/internal/node/proxy/iptables/backend";
import { nftablesMode } from "stopover/internal/node/proxy/nftables/backend";

const families = ["IPv4", "IPv6"] as const;

interface Site {
  node?: string;
  serviceCIDRs?: readonly string[];
  interfaces?: { name: string; addresses: string[] }[];
  mode?: "nftables" | "iptables";
  /** Whether iptables can count by names. */
  nfacct?: boolean;
}

export class LivingKubeProxy {
  readonly #clock = new VirtualClock(0);
  readonly #tables: Record<(typeof families)[number], ServiceTable>;
  readonly #proxy: KubeProxy;
  /** What nft, or iptables-restore, was given so far, a text for each transaction. */
  readonly sent: Record<(typeof families)[number], string[]> = { IPv4: [], IPv6: [] };
  #held: ReadonlyMap<string, KubeObject> = new Map();

  /** `version`: which Kubernetes' kube-proxy it is. `site`: what its node has. */
  constructor(
    kubeProxy: string,
    objects: readonly KubeObject[],
    version?: string,
    { node = "node-a", serviceCIDRs = [], interfaces = [], mode, nfacct }: Site = {},
  ) {
    const features = { kubernetes: kubernetes(version), nfacct };
    const config = readConfiguration(parse(kubeProxy).kubeProxy!);
    this.#tables = {
      IPv4: new ServiceTable(configFor("IPv4", config, features)),
      IPv6: new ServiceTable(configFor("IPv6", config, features)),
    };
    this.#tables.IPv4.serviceCIDRs = serviceCIDRs;
    this.#give(objects);
    this.#proxy = new KubeProxy({
      node: objects.find(({ metadata }) => metadata.name === node) as Node,
      config,
      clock: this.#clock,
      kernel: new Kernel({ name: node, clock: this.#clock, interfaces }),
      services: this.#tables,
      mode: mode === "iptables" ? this.#recordedXtables : this.#recorded,
    });
    this.#proxy.start();
    this.#clock.settle();
  }

  /** The objects are others now: first EndpointSlices go, then all else; and some seconds pass. */
  become(objects: readonly KubeObject[]): void {
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    const left = [...this.#held.values()].filter(
      ({ kind, metadata }) => kind !== "EndpointSlice" || names.has(metadata.name),
    );
    this.#give(left);
    this.#clock.advance(10);
    this.#give(objects);
    this.#clock.advance(3490);
  }

  /** One object is another now, and some seconds pass. */
  change(object: KubeObject): void {
    const others = [...this.#held.values()].filter((each) => idOf(each) !== idOf(object));
    this.#give([...others, object]);
    this.#clock.advance(3500);
  }

  /** The same mode; it keeps what each sync gives nft. */
  readonly #recorded: ProxyMode = (services, site) => {
    const backend = nftablesMode()(services, site);
    const { family } = services.config;
    const sent = (): readonly string[] | undefined => backend.tables?.sentTexts?.();
    return {
      sync: (order) => {
        backend.sync(order);
        this.sent[family].push(...(sent() ?? ["a full sync of a table that was there\n"]));
      },
      isIntact: () => backend.isIntact(),
      ...(backend.periods && { periods: backend.periods }),
      get tables() {
        return backend.tables!;
      },
    };
  };

  readonly #recordedXtables: ProxyMode = (services, site) => {
    const { family } = services.config;
    const restore = (run: Restore): void => {
      this.sent[family].push(restoreText(run));
      iptables(site.kernel).rules[family] = run.rules;
    };
    return iptablesMode({ restore })(services, site);
  };

  #give(objects: readonly KubeObject[]): void {
    const next = new Map(objects.filter(watched).map((each) => [idOf(each), each]));
    for (const id of new Set([...this.#held.keys(), ...next.keys()]))
      if (JSON.stringify(next.get(id)) !== JSON.stringify(this.#held.get(id)))
        this.#set(id, next.get(id));
    this.#held = next;
  }

  #set(id: string, object: KubeObject | undefined): void {
    const [kind, key = ""] = id.split(" ");
    for (const table of Object.values(this.#tables))
      if (kind === "Service") table.setService(key, object as Service | undefined);
      else if (kind === "EndpointSlice")
        table.setEndpointSlice(key, object as EndpointSlice | undefined);
  }

  get listed(): string {
    return families.map((family) => this.listedOf(family)).join("");
  }

  listedOf(family: (typeof families)[number]): string {
    return this.#proxy.tables.text(family);
  }

  get transaction(): string {
    return families.map((family) => this.transactionOf(family)).join("");
  }

  transactionOf(family: (typeof families)[number]): string {
    return this.#proxy.tables.restoreText(family);
  }
}

const idOf = ({ kind, metadata: { namespace = "default", name } }: KubeObject): string =>
  `${kind} ${namespace}/${name}`;
