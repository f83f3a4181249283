import type { HistoryEntry } from "stopover/internal/machinery/history";
import type { Mermaid } from "./picture.js";
import type { Role } from "./theme.js";
import { Flow } from "./flow.js";
import { Talk } from "./sequence.js";
import { shorten } from "./text.js";

/** The object that a story is about. `namespace` is "default" where it is left out; cluster-scoped kinds have none. */
export interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}

/**
 * The article's second figure with what really happened: who was told of this object and of what grew out of it, and who acted, numbered
 * in the order in which it first happened. A kubelet or kube-proxy of each node is drawn once for all.
 */
export function controlPlane(history: readonly HistoryEntry[], subject: Subject): Mermaid {
  const story = moments(history, subject), flow = new Flow("LR");
  const told = new Set(story.filter(({ verb }) => verb === "notify").map(({ who }) => who));
  const numbered = (who: string, heard: boolean) => story.flatMap((moment, i) => (moment.who === who && heard === (moment.verb === "notify") ? [`${i + 1} · ${say(moment)}${times(moment)}`] : []));
  for (const who of new Set(story.map(({ who }) => who))) if (!told.has(who)) flow.node(who, "client", nameOf(who, story));
  flow.node("etcd", "store", ["etcd", "remembers"]).node("api", "component", ["API server"]);
  flow.edge("etcd", "api", { label: ["reads"] }).edge("api", "etcd", { label: ["writes"] });
  for (const who of new Set(story.map(({ who }) => who))) {
    if (told.has(who)) flow.node(who, roleOf(who), nameOf(who, story)).edge("api", who, { label: numbered(who, true), reply: true });
    const acts = numbered(who, false);
    if (acts.length) flow.edge(who, "api", { label: acts, path: true });
  }
  return flow.picture(`Who watched ${subject.kind} ${subject.name}, and who acted (thick), in order`);
}

/** The same story told as a conversation, one line a moment; at most `limit` of them (default 40). */
export function historySequence(history: readonly HistoryEntry[], subject: Subject, { limit = 40 }: { limit?: number } = {}): Mermaid {
  const story = messages(history, subject), talk = new Talk();
  const actors = [...new Set(story.slice(0, limit).map(({ who }) => who))];
  const first = story.find(({ verb }) => verb !== "notify")?.who;
  if (first) talk.who(first, ...nameOf(first, story, true));
  talk.who("api", "API server");
  for (const who of actors) talk.who(who, ...nameOf(who, story, true));
  let time = story[0]?.time ?? 0;
  for (const moment of story.slice(0, limit)) {
    if (moment.time - time >= 100) talk.note("api", `${seconds(moment.time - time)} later`);
    time = moment.time;
    if (moment.verb === "notify") talk.says("api", moment.who, [say(moment)], { answer: true });
    else talk.says(moment.who, "api", [say(moment)]);
  }
  if (story.length > limit) talk.note("api", `… and ${story.length - limit} more`);
  return talk.picture(`The story of ${subject.kind} ${subject.name}, as the API server heard and told it`);
}

interface Moment extends HistoryEntry {
  /** Who it was exactly ("kube-proxy/node-a"), and how often. */
  by: Map<string, number>;
}

/** What happened, each kind of thing once per component, in the order of its first time. */
function moments(history: readonly HistoryEntry[], subject: Subject): Moment[] {
  return together(about(history, subject), ({ verb, kind, subresource, event }) => [verb, kind, subresource, event]);
}
/** What happened, all of it, with the same news told to many nodes as one. */
function messages(history: readonly HistoryEntry[], subject: Subject): Moment[] {
  return together(about(history, subject), ({ verb, kind, name, subresource, revision }) => [verb, kind, name, subresource, revision]);
}
function together(entries: readonly HistoryEntry[], same: (entry: HistoryEntry) => unknown[]): Moment[] {
  const found = new Map<string, Moment>();
  for (const entry of entries) {
    const who = componentOf(entry), key = [who, ...same(entry)].join(" "), moment = found.get(key) ?? { ...entry, who, by: new Map() };
    moment.by.set(entry.who, (moment.by.get(entry.who) ?? 0) + 1);
    found.set(key, moment);
  }
  return [...found.values()];
}
function times({ by }: Moment): string {
  const most = Math.max(...by.values());
  return most > 1 ? `, ${most} times` : "";
}

/** Bookkeeping that would drown the story. */
const noise = new Set(["Event", "Lease"]);

/** Writes to, and news of, the subject and of what carries its name: nginx's EndpointSlice nginx-x7k2p, its ReplicaSet, its Pods. */
export function about(history: readonly HistoryEntry[], { kind, name, namespace = "default" }: Subject): HistoryEntry[] {
  const told = (entry: HistoryEntry) => ["notify", "create", "update", "patch", "delete"].includes(entry.verb) && entry.error === undefined && !noise.has(entry.kind);
  const its = (entry: HistoryEntry) => (entry.kind === kind ? entry.name === name : entry.name === name || entry.name?.startsWith(`${name}-`));
  return history.filter((entry) => told(entry) && its(entry) && (entry.namespace === undefined || entry.namespace === namespace));
}

/** "kube-proxy/node-a" -> "kube-proxy". */
export function componentOf({ who }: HistoryEntry): string {
  return who.replace(/\/.*$/, "");
}

const verbs: Record<string, string> = { create: "creates", update: "updates", patch: "patches", delete: "deletes" };
function say({ verb, kind, event, subresource }: HistoryEntry): string {
  return verb === "notify" ? `${kind} ${(event ?? "").toLowerCase()}` : `${verbs[verb]} ${kind}${subresource ? ` ${subresource}` : ""}`;
}

const homes: Record<string, string> = { "service-controller": "cloud-controller-manager", "cloud-node-controller": "cloud-controller-manager" };
/** Its name, and where it runs. `short`: the article's KCM and CCM. */
function nameOf(who: string, story: readonly Moment[], short = false): string[] {
  const [one, ...others] = new Set(story.filter((moment) => moment.who === who).flatMap(({ by }) => [...by.keys()]));
  const home = homes[who] ?? (who.endsWith("-controller") ? "kube-controller-manager" : undefined);
  if (others.length) return [shorten(who), `on ${others.length + 1} nodes`];
  if (one !== who) return [shorten(who), `on ${one!.slice(who.length + 1)}`];
  return [shorten(who), ...(home ? [short ? (home[0] === "c" ? "in the CCM" : "in the KCM") : `in the ${home}`] : [])];
}
function roleOf(who: string): Role {
  return who === "kubelet" || who === "kube-proxy" ? "node" : "component";
}
/** "4 s", "250 ms". */
export function seconds(milliseconds: number): string {
  return milliseconds >= 1000 ? `${Number((milliseconds / 1000).toFixed(1))} s` : `${milliseconds} ms`;
}
