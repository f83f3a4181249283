/**
 * One look for every picture: the same thing has the same colour and the same shape everywhere.
 *
 * The hues are Okabe and Ito's, which people who see red and green alike can tell apart; fills are
 * pale tints of them under near-black text, and no meaning rests on colour alone (shapes, dashes
 * and words carry it too). Pictures bring their own white paper, so that they read the same on a
 * dark page, on a light one and in print.
 */
export const font = "Open Sans";
export const theme = {
  paper: "#ffffff",
  ink: "#1c1c1c",
  line: "#777777",
  faint: "#b5b5b5",
  path: "#d55e00",
  fontSize: 16,
};

/** The things in the pictures. Those named stop1, stop2, stop3 are the article's stop-overs. */
export const roles = {
  client: { fill: "#f1f1f1", stroke: "#555555", shape: "stadium", means: "who asks" },
  dns: { fill: "#e3f2fb", stroke: "#2f8fc4", shape: "lean", means: "DNS, the internet's names" },
  stop1: {
    fill: "#fdf0d5",
    stroke: "#b87a00",
    shape: "hexagon",
    means: "stop-over 1: the cloud's load balancer",
  },
  stop2: { fill: "#f9e6f0", stroke: "#a8487f", shape: "rect", means: "stop-over 2: the NodePort" },
  stop3: {
    fill: "#dcebf7",
    stroke: "#0072b2",
    shape: "subroutine",
    means: "stop-over 3: the ClusterIP",
  },
  pod: { fill: "#dbf3ea", stroke: "#00795a", shape: "round", means: "a Pod that is ready" },
  unready: {
    fill: "#ffffff",
    stroke: "#00795a",
    shape: "round",
    dash: true,
    means: "a Pod that is not ready",
  },
  node: { fill: "#fbf8dd", stroke: "#9a8f16", shape: "rect", means: "a node" },
  cluster: { fill: "#fafafa", stroke: "#9b9b9b", shape: "rect", means: "the cluster" },
  rule: { fill: "#ffffff", stroke: "#777777", shape: "rect", means: "a rule in a node's kernel" },
  component: {
    fill: "#ececf8",
    stroke: "#5b5ba8",
    shape: "rect",
    means: "a component of the control plane",
  },
  store: {
    fill: "#ececec",
    stroke: "#555555",
    shape: "stadium",
    means: "etcd, what the cluster remembers",
  },
  ending: {
    fill: "#fde7db",
    stroke: "#d55e00",
    shape: "rect",
    means: "where a request ends that nobody answers",
  },
} as const satisfies Record<
  string,
  { fill: string; stroke: string; shape: Shape; dash?: boolean; means: string }
>;
export type Role = keyof typeof roles;
export type Shape = "rect" | "round" | "stadium" | "hexagon" | "lean" | "subroutine";

/**
 * mermaid's configuration as the first line of a source, so that a notebook that draws it itself
 * uses the same look.
 */
export function look({
  gap = 34,
  mirrorActors,
}: { gap?: number; mirrorActors?: boolean } = {}): string {
  return `%%{init: ${JSON.stringify({
    theme: "base",
    // mermaid begins a sequence's title in the middle
    ...(mirrorActors !== undefined && { themeCSS: "text:not([class]){text-anchor:middle}" }),
    flowchart: {
      wrappingWidth: 760,
      subGraphTitleMargin: { top: 4, bottom: 10 },
      nodeSpacing: 28,
      rankSpacing: gap,
      padding: 12,
      curve: "catmullRom",
    },
    sequence: {
      mirrorActors: mirrorActors ?? false,
      width: 110,
      height: 64,
      bottomMarginAdj: 10,
      actorMargin: 16,
      messageMargin: 26,
      noteMargin: 8,
      boxMargin: 6,
      diagramMarginX: 8,
      messageFontSize: 14,
      noteFontSize: 14,
      actorFontSize: 14,
    },
    themeVariables: {
      fontSize: `${theme.fontSize}px`,
      lineColor: theme.line,
      textColor: theme.ink,
      titleColor: theme.ink,
      edgeLabelBackground: theme.paper,
      clusterBkg: roles.node.fill,
      clusterBorder: roles.node.stroke,
      primaryColor: theme.paper,
      primaryBorderColor: theme.line,
      primaryTextColor: theme.ink,
      // whoever speaks: colours are for things, and here are things of all kinds
      actorBkg: theme.paper,
      actorBorder: "#555555",
      actorTextColor: theme.ink,
      actorLineColor: theme.faint,
      signalColor: theme.ink,
      signalTextColor: theme.ink,
      noteBkgColor: "#f5f5f5",
      noteBorderColor: theme.line,
      noteTextColor: theme.ink,
      sequenceNumberColor: theme.paper,
      labelBoxBkgColor: theme.paper,
      labelBoxBorderColor: theme.line,
    },
  })}}%%`;
}
