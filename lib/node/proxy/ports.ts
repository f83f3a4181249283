/**
 * A service port at one moment, and what makes nodes differ in it: most ports are the same on every
 * node, so what a mode writes for one of them serves thousands of nodes.
 */
import { parseAddress } from "../../net/ip.js";
import type { FamilyConfig, NodeView } from "./config.js";
import type { EndpointInfo, ServicePortInfo, ServicePortState } from "./services.js";
import { isUsable, usesLocal } from "./topology.js";

export class Port {
  readonly info: ServicePortInfo;
  readonly endpoints: readonly EndpointInfo[];
  /** Whether no node differs from another in this port's rules: so it is with most. */
  readonly sameEverywhere: boolean;
  readonly #hinted: boolean;
  #localNodes: Set<string | undefined> | undefined;

  constructor(
    readonly config: FamilyConfig,
    { info, endpoints }: ServicePortState,
  ) {
    this.info = info;
    this.endpoints = endpoints;
    this.#hinted = endpoints.some(
      ({ zoneHints, nodeHints }) => zoneHints.length > 0 || nodeHints.length > 0,
    );
    this.sameEverywhere =
      !this.#hinted &&
      !usesLocal(info) &&
      info.sourceRanges.length === 0 &&
      config.detector !== "node";
  }

  /** What tells the nodes apart: those with the same text have the same rules for this port. */
  variant(view: NodeView): string {
    if (this.sameEverywhere) return "";
    const local =
      this.#hinted ||
      (usesLocal(this.info) && this.endpoints.some(({ nodeName }) => nodeName === view.name));
    return [
      local ? view.name : "",
      this.#hinted ? view.zone : "",
      admitsNode(this.info, view),
      this.config.detector === "node" ? view.podCIDRs : "",
    ].join("|");
  }

  /** Whether an endpoint on this node could serve: with a policy of Local, that decides. */
  servesOn(nodeName: string): boolean {
    this.#localNodes ??= new Set(this.endpoints.filter(isUsable).map((each) => each.nodeName));
    return this.#localNodes.has(nodeName);
  }
}

/**
 * Where a source range holds the node IP, the node may also come with the load balancer's address
 * as its source.
 */
export const admitsNode = (
  { sourceRanges }: ServicePortInfo,
  { nodeIP }: Pick<NodeView, "nodeIP">,
): boolean =>
  nodeIP !== undefined &&
  sourceRanges.length > 0 &&
  sourceRanges.some((range) => range.contains(parseAddress(nodeIP)));
