import type { Journey } from "stopover";
import type { Mermaid } from "./picture.js";
import { Flow } from "./flow.js";
import type { MapData, MapNode, MapPod, Place } from "./map/data.js";
import { mapOf, type MapSource } from "./map/source.js";
import { clusterAddress } from "./map/service.js";
import { endpointText } from "./map/way.js";
import { wordsOfNode } from "./map/words.js";
import { count, hostLines, shorten } from "./text.js";

/** What `topology` shows; default: the first Service, no path. */
export interface TopologyOptions {
  /** "name" or "namespace/name". Default: the Service the journey went to, else the first one. */
  service?: string;
  /** Its way is drawn thick. */
  journey?: Journey;
  /**
   * More nodes than this are summed up in one box; those on the way are always drawn. Default 6.
   */
  nodes?: number;
  /** Likewise for Pods. Default 9. */
  pods?: number;
}

/** More arrows than this from rules to Pods are not drawn, but told. */
const mostArrows = 12;

/**
 * The article's third figure in mermaid: the stop-overs of one Service, each node one box with its
 * NodePort, its rules and its Pods in it, and the way that a request took. `map` draws the same
 * with lines between the machines.
 */
export function topology(cluster: MapSource, options: TopologyOptions = {}): Mermaid {
  const { service, journey, nodes, pods = 9 } = options;
  const data = mapOf(cluster, { service, journey, nodes, pods });
  return new Topology(data).picture();
}

class Topology {
  private readonly flow = new Flow("LR");
  /** The places that the request came through, in order. */
  private readonly way: string[];
  private readonly drawn = new Set<string>();

  constructor(private readonly data: MapData) {
    this.way = (data.journey?.there.visits ?? []).flatMap(({ place }) => keyOf(place) ?? []);
  }

  picture(): Mermaid {
    const { service, journey } = this.data;
    this.outside();
    this.cluster();
    this.arrows();
    const end = journey ? ", and the way the request took" : "";
    return this.flow.picture(`The stop-overs of Service ${service.name} (${service.type})${end}`);
  }

  private on(key: string): { path: boolean } {
    return { path: this.way.includes(key) };
  }

  private outside(): void {
    const { client, balancer } = this.data;
    if (client) this.flow.node("client", "client", [shorten(client.name, 24)], this.on("client"));
    if (!balancer) return;
    const { hostname, address, port, believed } = balancer;
    const where = hostname ?? address;
    const lines = believed
      ? [...(where ? hostLines(where) : []), `port ${port}`]
      : ["pending: no cloud", "has made one"];
    this.flow.node("lb", "stop1", ["Stop-over 1", "load balancer", ...lines], this.on("lb"));
  }

  private cluster(): void {
    const { nodes, moreNodes, pods } = this.data;
    const known = new Set(nodes.map(({ name }) => name));
    // mermaid's layout puts boxes that hold something in the reverse order of their lines
    for (const node of [...nodes].reverse()) this.node(node);
    const homeless = pods.filter(({ node }) => node === undefined || !known.has(node));
    if (homeless.length)
      this.flow.group("homeless", "node", ["no node yet"], () =>
        homeless.forEach((pod) => this.pod(pod)),
      );
    if (moreNodes) this.flow.node("more", "node", [`… and ${count(moreNodes, "more node")}`]);
    if (!pods.length) this.flow.node("nobody", "ending", ["no Pod matches", "the selector"]);
  }

  private node(node: MapNode): void {
    const { service, pods, morePods } = this.data;
    const words = wordsOfNode(node, this.data).filter((word) => !word.startsWith("drops"));
    this.flow.group(
      `node ${node.name}`,
      "node",
      [[shorten(node.name), ...words].join(", ")],
      () => {
        if (service.nodePort) this.door(node);
        if (service.clusterIP !== undefined) this.rules(node);
        const its = pods.filter((pod) => pod.node === node.name);
        its.forEach((pod) => this.pod(pod));
        const more = morePods[node.name];
        if (more) this.flow.node(`more ${node.name}`, "pod", [`… and ${count(more, "more Pod")}`]);
      },
    );
  }

  private door({ name, address, shut }: MapNode): void {
    const end = shut ? "drops: no Pod here" : undefined;
    const lines = ["Stop-over 2: NodePort", endpointText(address, this.data.service.nodePort), end];
    this.flow.node(`door ${name}`, "stop2", lines, this.on(`door ${name}`));
  }

  private rules({ name }: MapNode): void {
    const choice = this.tooMany() ? ["choose any Pod", "on any node"] : [];
    const lines = ["Stop-over 3: rules of", clusterAddress(this.data.service), ...choice];
    this.flow.node(`rules ${name}`, "stop3", lines, this.on(`rules ${name}`));
  }

  private pod({ key, name, address, believed }: MapPod): void {
    const state =
      believed === "ready" ? undefined : believed === "absent" ? "in no EndpointSlice" : believed;
    const role = believed === "ready" ? "pod" : "unready";
    this.flow.node(`pod ${key}`, role, [shorten(name, 24), address, state], this.on(`pod ${key}`));
  }

  private tooMany(): boolean {
    const { service, nodes, pods } = this.data;
    return service.policy !== "Local" && nodes.length * pods.length > mostArrows;
  }

  private arrows(): void {
    const { service, balancer, nodes, pods, client } = this.data;
    if (client && balancer && (!this.way.length || this.way.includes("lb")))
      this.arrow("client", "lb");
    const passes = balancer?.believed === true && balancer.hostname === undefined;
    for (const node of nodes) {
      const [door, rules] = [`door ${node.name}`, `rules ${node.name}`];
      const isOpen =
        balancer?.believed && !node.shut && node.target !== "excluded" && node.target !== "none";
      if (isOpen) this.arrow("lb", passes && service.clusterIP !== undefined ? rules : door);
      else if (balancer) this.flow.order("lb", this.flow.has(door) ? door : rules);
      if (service.clusterIP === undefined) continue;
      if (service.nodePort) node.shut ? this.flow.order(door, rules) : this.arrow(door, rules);
      this.toPods(node, pods);
    }
    this.way.forEach((from, i) => {
      // a way that no arrow stands for yet: from a Pod, by old rules, past the NodePort
      const to = this.way[i + 1];
      if (
        to &&
        to !== from &&
        !this.drawn.has(`${from} ${to}`) &&
        this.flow.has(from) &&
        this.flow.has(to)
      )
        this.arrow(from, to);
    });
  }

  /** Under policy Local what came from outside goes to Pods of the node only. */
  private toPods({ name, shut }: MapNode, pods: readonly MapPod[]): void {
    const rules = `rules ${name}`;
    const isLocal =
      this.data.service.policy === "Local" && this.data.service.nodePort !== undefined;
    for (const { key, node, believed } of pods) {
      const isAllowed = believed === "ready" && !shut && (!isLocal || node === name);
      if (isAllowed && !this.tooMany()) this.arrow(rules, `pod ${key}`);
      else if (node === name) this.flow.order(rules, `pod ${key}`);
    }
  }

  private arrow(from: string, to: string): void {
    const path = this.way.some((place, i) => place === from && this.way[i + 1] === to);
    this.drawn.add(`${from} ${to}`);
    this.flow.edge(from, to, { path, faint: this.way.length > 0 && !path });
  }
}

/** A place's box; a node that only forwards has none. */
function keyOf(place: Place): string | undefined {
  switch (place.at) {
    case "client":
      return "client";
    case "balancer":
      return "lb";
    case "pod":
      return `pod ${place.pod}`;
    case "door":
      return `door ${place.node}`;
    case "bar":
      return `rules ${place.node}`;
    default:
      return undefined;
  }
}
