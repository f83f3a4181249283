/**
 * The kinds of places that a journey passes. One table says of each what it is called and how it is
 * drawn; whoever adds a kind adds a line here.
 */
export interface HopKindInfo {
  /** What such a place is called; `place` is its name, shortened. */
  title(place: string): string;
  /** Its role in pictures (diagrams/theme.ts). */
  role: string;
}

export const hopKinds = {
  client: {
    title: (place) => (place === "client" ? "the client" : `client: ${place}`),
    role: "client",
  },
  dns: { title: () => "DNS", role: "dns" },
  "load-balancer": { title: () => "load balancer", role: "stop1" },
  node: { title: (place) => place, role: "node" },
  "cluster-ip": { title: (place) => `ClusterIP of ${place}`, role: "stop3" },
  pod: { title: (place) => `Pod ${place}`, role: "pod" },
  /** A process that ends the connection and opens one of its own. */
  proxy: { title: (place) => `proxy ${place}`, role: "pod" },
} satisfies Record<string, HopKindInfo>;

/** What kind of place a hop is. */
export type HopKind = keyof typeof hopKinds;
