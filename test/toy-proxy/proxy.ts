/**
 * A proxy mode that writes no iptables rule: a Map from address and port to endpoints, looked up
 * once for a connection, as eBPF proxies do. A second user of the seam in node/proxy/backend.ts;
 * nothing else knows of it.
 */
import { priority, type Dataplane, type Decision } from "stopover/internal/net/dataplane";
import type { HookFunction, ShownRule } from "stopover/internal/net/dataplane";
import type { Family } from "stopover/internal/net/ip";
import type { Kernel } from "stopover/internal/net/kernel";
import type { Passage } from "stopover/internal/net/passage";
import type { ProxyBackend, ProxyMode, SyncOrder } from "stopover/internal/node/proxy/backend";
import type { ServiceState, ServiceTable } from "stopover/internal/node/proxy/frontend";
import type { Place } from "stopover/internal/node/proxy/places";
import type { EndpointInfo, ServicePortInfo } from "stopover/internal/node/proxy/services";
import { chooseEndpoints } from "stopover/internal/node/proxy/topology";

/** Who answers at an address and a port. */
interface Entry {
  info: ServicePortInfo;
  endpoints: readonly EndpointInfo[];
  nodePort: boolean;
}

const masquerade = 1;
const nodePorts: Place = "nodeports";
const service: Place = "service";

export const mapMode: ProxyMode = (services, { kernel }) => new MapBackend(services, kernel);

class MapBackend implements ProxyBackend {
  readonly #plane: MapPlane;

  constructor(
    readonly services: ServiceTable,
    readonly kernel: Kernel,
  ) {
    this.#plane = new MapPlane(services.config.family);
  }

  isIntact(): boolean {
    return [...this.kernel.dataplanes].includes(this.#plane);
  }

  sync({ version, view }: SyncOrder): void {
    this.#plane.entries = entriesOf(this.services.statesAt(version), view);
    if (!this.isIntact()) this.kernel.dataplanes.attach(this.#plane);
  }
}

function entriesOf(
  states: Iterable<ServiceState>,
  view: SyncOrder["view"],
): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const { info, endpoints } of [...states].flatMap(({ ports }) => ports)) {
    const { cluster } = chooseEndpoints(info, endpoints, view);
    const protocol = info.protocol.toUpperCase();
    const entry = { info, endpoints: cluster, nodePort: false };
    for (const address of [info.clusterIP, ...info.externalIPs, ...info.loadBalancerIPs])
      entries.set(`${protocol} ${address} ${info.port}`, entry);
    if (info.nodePort)
      entries.set(`${protocol} local ${info.nodePort}`, { ...entry, nodePort: true });
  }
  return entries;
}

class MapPlane implements Dataplane {
  readonly name = "map";
  entries: ReadonlyMap<string, Entry> = new Map();
  readonly #functions: readonly HookFunction[] = [
    { hook: "PREROUTING", priority: priority.dstnat, decide: (passage) => this.#decide(passage) },
    { hook: "OUTPUT", priority: priority.dstnat, decide: (passage) => this.#decide(passage) },
    { hook: "POSTROUTING", priority: priority.srcnat, decide: hide },
  ];

  constructor(readonly family: Family) {}

  functions(family: Family): readonly HookFunction[] {
    return family === this.family ? this.#functions : [];
  }

  #decide(passage: Passage): Decision | undefined {
    const { protocol, destination, destinationPort, kernel } = passage;
    const place = kernel.isLocal(destination) ? "local" : destination.text;
    const entry = this.entries.get(`${protocol} ${place} ${destinationPort}`);
    if (entry === undefined || entry.endpoints.length === 0) return undefined;
    const rule = shown(entry, `${protocol} ${place}:${destinationPort}`);
    if (entry.nodePort) {
      passage.mark |= masquerade;
      if (passage.recorded) passage.record("match", { table: "map", rule, place: nodePorts });
    }
    const { address, text } = entry.endpoints[passage.choose.pick(entry.endpoints.length)]!;
    const port = Number(text.slice(text.lastIndexOf(":") + 1));
    return {
      kind: "translate",
      translation: { kind: "DNAT", address, low: port },
      table: "map",
      rule,
      place: service,
    };
  }
}

/** NodePort traffic leaves with the node's own address, so that its answers come back this way. */
const hide = ({ mark }: Passage): Decision | undefined =>
  mark & masquerade
    ? { kind: "translate", translation: { kind: "MASQUERADE" }, table: "map" }
    : undefined;

const shown = ({ info, endpoints }: Entry, key: string): ShownRule => ({
  text: () => `${key} -> one of ${endpoints.length}`,
  comment: info.name,
  purpose: { object: `Service ${info.service}` },
});
