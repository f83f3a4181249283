import type { HistoryEntry } from "stopover";
import type { Mermaid } from "./picture.js";
import type { Role } from "./theme.js";
import { Flow } from "./flow.js";
import { Talk } from "./sequence.js";
import { shorten } from "./text.js";

/**
 * The object that a story is about. `namespace` is "default" where it is left out; cluster-scoped
 * kinds have none.
 */
export interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

/**
 * The article's second figure with what really happened: who was told of this object and of what
 * grew out of it, and who acted, numbered in the order in which it first happened. The controllers
 * of a manager share its box, as they share its watch; kubelets and kube-proxies are drawn once for
 * all nodes.
 */
export function controlPlane(history: readonly HistoryEntry[], subject: Subject): Mermaid {
  const story = moments(history, subject),
    flow = new Flow("LR", 46);
  const actors = [...new Set(story.map(({ actor }) => actor))],
    told = new Set(story.filter(({ verb }) => verb === "notify").map(({ actor }) => actor));
  const draw = (actor: string) =>
    flow.node(actor, told.has(actor) ? roleOf(actor) : "client", [
      ...nameOf(actor, story),
      ...story.flatMap((moment, i) =>
        moment.actor === actor ? [`${i + 1} · ${sentence(moment)}`] : [],
      ),
    ]);
  for (const actor of actors.filter((actor) => !told.has(actor))) draw(actor);
  flow.node("etcd", "store", ["etcd", "remembers"]).node("api", "component", ["API server"]);
  flow.edge("etcd", "api", { label: ["reads"] }).edge("api", "etcd", { label: ["writes"] });
  for (const actor of actors) {
    if (told.has(actor)) draw(actor).edge("api", actor, { reply: true });
    if (story.some((moment) => moment.actor === actor && moment.verb !== "notify"))
      flow.edge(actor, "api", { path: true });
  }
  return flow.picture(
    `Who watched ${subject.kind} ${subject.name} (dotted), and who acted (thick), in order`,
  );
}

/** The same story told as a conversation; at most `limit` lines of it (default 40). */
export function historySequence(
  history: readonly HistoryEntry[],
  subject: Subject,
  { limit = 40 }: { limit?: number } = {},
): Mermaid {
  const story = messages(history, subject),
    told = story.slice(0, limit),
    talk = new Talk();
  const first = told.find(({ verb }) => verb !== "notify")?.actor;
  if (first) talk.who(first, ...nameOf(first, story));
  talk.who("api", "API server");
  for (const { actor } of told) talk.who(actor, ...nameOf(actor, story));
  let time = story[0]?.time ?? 0;
  for (const moment of told) {
    if (moment.time - time >= 100) talk.beside("api", `${seconds(moment.time - time)} later`);
    time = moment.time;
    if (moment.verb === "notify")
      talk.says("api", moment.actor, [say(moment) + times(moment)], { answer: true });
    else talk.says(moment.actor, "api", [...controllerOf(moment), say(moment) + times(moment)]);
  }
  if (story.length > limit) talk.beside("api", `… and ${story.length - limit} more`);
  return talk.picture(
    `The story of ${subject.kind} ${subject.name}, as the API server heard and told it`,
  );
}

interface Moment extends HistoryEntry {
  /**
   * The process: of a controller, the manager it runs in; of a node's component, without the node.
   */
  actor: string;
  /** Who it was exactly ("kube-proxy/node-a"), and how often. */
  by: Map<string, number>;
}

/** What happened, each kind of thing once per component, in the order of its first time. */
function moments(history: readonly HistoryEntry[], subject: Subject): Moment[] {
  const found = new Map<string, Moment>();
  for (const entry of about(history, subject)) note(found, entry);
  return [...found.values()];
}

/**
 * All that happened; what happens several times in a stretch of news, or in a stretch of writes, is
 * one.
 */
function messages(history: readonly HistoryEntry[], subject: Subject): Moment[] {
  const story: Moment[] = [];
  let stretch = new Map<string, Moment>(),
    news = false;
  for (const entry of about(history, subject)) {
    if ((entry.verb === "notify") !== news)
      [stretch, news] = [new Map<string, Moment>(), entry.verb === "notify"];
    const known = stretch.size,
      moment = note(stretch, entry);
    if (stretch.size > known) story.push(moment);
  }
  return story;
}

/** Adds an entry to those of its kind: same actor, same deed, same kind of object. */
function note(found: Map<string, Moment>, entry: HistoryEntry): Moment {
  const key = [componentOf(entry), entry.verb, entry.kind, entry.subresource, entry.event].join(
    " ",
  );
  const moment = found.get(key) ?? {
    ...entry,
    actor: homeOf(componentOf(entry)),
    by: new Map<string, number>(),
  };
  moment.by.set(entry.who, (moment.by.get(entry.who) ?? 0) + 1);
  found.set(key, moment);
  return moment;
}

/** Each kind and what its controllers make out of it, under a name that begins with its own. */
const offspring: Record<string, readonly string[]> = {
  Service: ["EndpointSlice", "Endpoints"],
  Deployment: ["ReplicaSet", "Pod"],
  ReplicaSet: ["Pod"],
  Node: ["Lease"],
};

/**
 * Writes to, and news of, the subject and what grew out of it: nginx's EndpointSlice nginx-x7k2p,
 * its ReplicaSet, its Pods.
 */
export function about(
  history: readonly HistoryEntry[],
  { kind, name, namespace = "default" }: Subject,
): HistoryEntry[] {
  const children = offspring[kind] ?? [];
  const its = (entry: HistoryEntry) =>
    entry.kind === kind
      ? entry.name === name
      : children.includes(entry.kind) &&
        (entry.name === name || entry.name?.startsWith(`${name}-`));
  return history.filter(
    (entry) =>
      its(entry) &&
      !["get", "list", "watch"].includes(entry.verb) &&
      entry.error === undefined &&
      (entry.namespace === undefined || entry.namespace === namespace || kind === "Node"),
  );
}

/** "kube-proxy/node-a" -> "kube-proxy". */
export function componentOf({ who }: HistoryEntry): string {
  return who.replace(/\/.*$/, "");
}
/** The process that a component runs in: many controllers are one program. */
export function homeOf(component: string): string {
  if (component === "service-controller" || component.startsWith("cloud-node-"))
    return "cloud-controller-manager";
  return /-controller$|garbage-collector$/.test(component) ? "kube-controller-manager" : component;
}

const verbs: Record<string, string> = {
  create: "creates",
  update: "updates",
  patch: "patches",
  delete: "deletes",
};
function say({ verb, kind, event, subresource }: HistoryEntry): string {
  if (subresource === "binding") return `binds ${kind}`;
  return verb === "notify"
    ? `${kind} ${(event ?? "").toLowerCase()}`
    : `${verbs[verb]} ${kind}${subresource ? ` ${subresource}` : ""}`;
}
function times({ by }: Moment): string {
  const most = Math.max(...by.values());
  return most > 1 ? ` ×${most}` : "";
}
/** Which of a manager's controllers it was. */
function controllerOf(moment: Moment): string[] {
  return componentOf(moment) === moment.actor ? [] : [componentOf(moment)];
}
function sentence(moment: Moment): string {
  return [
    ...controllerOf(moment),
    moment.verb === "notify" ? "told:" : "",
    say(moment) + times(moment),
  ]
    .filter(Boolean)
    .join(" ");
}

function nameOf(actor: string, story: readonly Moment[]): string[] {
  const exact = new Set(
    story.filter((moment) => moment.actor === actor).flatMap(({ by }) => [...by.keys()]),
  );
  const nodes = [...exact]
    .filter((who) => who.startsWith(`${actor}/`))
    .map((who) => who.slice(actor.length + 1));
  return [
    shorten(actor),
    ...(nodes.length > 1
      ? [`on ${nodes.length} nodes`]
      : nodes.length
        ? [`on ${nodes[0]}`]
        : actor === "kube-proxy"
          ? ["on every node"]
          : []),
  ];
}
function roleOf(actor: string): Role {
  return actor === "kubelet" || actor === "kube-proxy" ? "node" : "component";
}
/** "4 s", "250 ms". */
export function seconds(milliseconds: number): string {
  return milliseconds >= 1000
    ? `${Number((milliseconds / 1000).toFixed(1))} s`
    : `${milliseconds} ms`;
}
