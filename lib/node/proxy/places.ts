/**
 * The parts of what kube-proxy programs into a node. Every mode writes them in its own way and
 * under its own names; whoever reads a node's rules (journeys, tables, diagrams) asks a chain for
 * its place, and never looks for a name.
 */
export type Place =
  /** The addresses of all Services, and where their traffic goes. */
  | "services"
  /** All NodePorts. */
  | "nodeports"
  /** What traffic from outside to one Service port goes through. */
  | "external"
  /** Who may come to a load balancer's address of one Service port. */
  | "firewall"
  /** The choice among all endpoints of one Service port. */
  | "service"
  /** The choice among those on this node. */
  | "local service"
  /** One endpoint. */
  | "endpoint"
  /** Services without endpoints: refused to clients inside, and to those outside. */
  | "refusals"
  | "external refusals"
  /** What no Service serves: a ClusterIP's other ports, and ClusterIPs that nobody has. */
  | "undefined ports"
  /** The ports on which load balancers ask after a Service's health. */
  | "health check ports"
  /** Where a load balancer's firewall drops who was not admitted. */
  | "firewall drops"
  /** Where packets are marked for masquerading, and where marked ones are masqueraded. */
  | "masquerade mark"
  | "masquerade"
  /** What passes through the node. */
  | "forward"
  /** The protection of the node's loopback addresses. */
  | "loopback"
  /** Tells kube-proxy that somebody flushed its rules. */
  | "canary";

/** The places that a Service port has for itself alone. */
export const ownPlaces: ReadonlySet<string | undefined> = new Set<Place>([
  "external",
  "firewall",
  "service",
  "local service",
  "endpoint",
]);

/** Where an endpoint is chosen: for the article, that is the ClusterIP. */
export const choosesEndpoint = (place: string | undefined): boolean =>
  place === "service" || place === "local service";
