// What somebody asks of their own cluster: documents or a node's rules, and a request. The same
// words as the command's, and the same sentences where something is wrong with them.

import { aws, endOf, openRules, read, whyText } from "stopover";
import { defaultURL, openDocuments } from "stopover/internal/doors/cli/opened";
import * as diagrams from "@stopover/diagrams";
import { fraction } from "@stopover/diagrams/internal/text";
import { carry } from "./machine.mjs";

/** @typedef {import("stopover").Journey} Journey */
/** @typedef {import("stopover/internal/journey/types").Remark} Remark */
/**
 * `snapshot`: the objects are a dump, taken as they are. `rules`: what iptables-save printed on a
 * node, in place of files.
 * @typedef {{ files: { name: string, text: string }[], snapshot?: boolean, rules?: string, url?:
 *   string, from?: string, seed?: number }} Question
 */
/**
 * All that a page shows of an answer: plain data.
 * @typedef {{ journey: Basis & Journey, shown: Shown[], rules: { node: string, text: string }[] }}
 *   Answer
 */
/** @typedef {{ assumed: Remark[], leftOut: Remark[] }} Basis what a verdict rests on */
/** @typedef {{ heading: string, data: Record<string, unknown> }} Shown */
/** @typedef {(what: diagrams.Showable) => Shown["data"]} Draw */
/**
 * @typedef {{ journey: Basis & Journey, ways: () => object[], rules: () => Answer["rules"],
 *   why?: () => string, pictures: [string, () => diagrams.Showable][] }} Asked
 */

/** The journey alone, as `stopover journey --output json` tells it. @param {Question} question */
export const journeyOf = (question) => asked(question).journey;

/** @param {Question} question @param {Draw} draw @returns {Answer} */
export function answerTo(question, draw) {
  const { journey, ways, why, pictures, rules } = asked(question);
  /** @type {[string, () => diagrams.Showable][]} */
  const all = [
    ...pictures,
    ["Every way it can go", () => diagrams.table(ways())],
    ["Step by step", () => diagrams.steps(journey, { reply: true })],
  ];
  const shown = all.flatMap(([heading, make]) => drawn(heading, () => draw(make())));
  const doors = why && drawn("Does the Service answer?", () => ({ "text/plain": why() }));
  return { journey, shown: [...(doors ?? []), ...shown], rules: rules() };
}

/**
 * A picture that cannot be made of this cluster costs only the picture.
 * @param {string} heading
 * @param {() => Shown["data"]} make
 * @returns {Shown[]}
 */
function drawn(heading, make) {
  try {
    return [{ heading, data: make() }];
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    return [{ heading, data: { "text/plain": `(not drawn: ${message})` } }];
  }
}

/** @param {Question} question @returns {Asked} */
function asked(question) {
  return question.rules?.trim() ? askRules(question.rules, question) : askCluster(question);
}

/** Of a large cluster only so many nodes' rules are told, and only the shares of its ways. */
const [mostNodes, mostWays] = [20, 500];

/** @param {Question} question @returns {Asked} */
function askCluster({ files, snapshot = false, url, from = "", seed = 1 }) {
  if (!files.length) throw new Error("there are no manifests, no dump and no rules to ask");
  carry(Object.fromEntries(files.map(({ name, text }) => [name, text])));
  const names = files.map(({ name }) => name);
  const documents = read(names, { as: snapshot ? "dump" : "apply" });
  const cluster = openDocuments(documents, { snapshot, seed, cloud: aws() });
  const request = url?.trim() || defaultURL(documents, cluster);
  const options = { from: from.trim() || "internet" };
  const journey = cluster.request(request, options);
  const nodes = [...cluster.network.machines.keys()];
  const isLarge = nodes.length * cluster.list("Pod").length > mostWays;
  return {
    journey,
    ways: () =>
      isLarge ? shares(cluster.shares(request, options)) : ways(cluster.outcomes(request, options)),
    // each door is tried by whom it is for, unless somebody is named
    why: () => whyText(cluster.why(request, from.trim() ? options : {})),
    rules: () =>
      nodes
        .slice(0, mostNodes)
        .map((node) => ({ node, text: cluster.node(node).rules.saveText() })),
    pictures: [
      ["On the map, step by step", () => diagrams.player(journey, cluster)],
      ["The journey", () => diagrams.journey(journey)],
      ...(isLarge ? [] : allOnTheMap(cluster, () => cluster.outcomes(request, options))),
    ],
  };
}

/**
 * @param {import("stopover/internal/doors/cli/opened").Opened} cluster
 * @param {() => import("stopover").Outcomes} outcomes
 * @returns {Asked["pictures"]}
 */
const allOnTheMap = (cluster, outcomes) => [
  ["Every way on the map", () => diagrams.map(cluster, { outcomes: outcomes() })],
];

/** @param {string} text @param {Question} question @returns {Asked} */
function askRules(text, { url = "", from = "", seed = 1 }) {
  const to = destination(url);
  const source = from.trim() && from.trim() !== "internet" ? from.trim() : "203.0.113.2";
  const host = to.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  // an address that no rule names is the node's own: rules mean those by --dst-type LOCAL
  const isOwn = !text.includes(`${host}/`);
  const rules = openRules(text, { seed, ...(isOwn && { addresses: [host] }) });
  const journey = rules.packet({ from: source, to });
  return {
    journey,
    ways: () => ways(rules.packetOutcomes({ from: source, to })),
    rules: () => [{ node: "node", text: rules.text() }],
    pictures: [
      ["On the map, step by step", () => diagrams.player(journey)],
      ["The journey", () => diagrams.journey(journey)],
    ],
  };
}

/** An address and a port, bare or in a URL. @param {string} url */
function destination(url) {
  const host = url
    .trim()
    .replace(/^https?:\/\//, "")
    .replace(/\/.*$/, "");
  if (/:\d+$/.test(host)) return host;
  const said = url.trim() ? `"${url.trim()}" is no address with a port` : "the request is missing";
  throw new Error(
    `${said}: rules are asked for an address and a port, for example 192.168.0.1:30519`,
  );
}

/** @param {import("stopover").Outcomes} all */
const ways = ({ outcomes }) =>
  outcomes.map((outcome) => ({
    chance: fraction(outcome.probability),
    by: outcome.hops
      .filter(({ kind }) => kind === "node")
      .map(({ name }) => name)
      .join(" → "),
    endsAt: endOf(outcome),
    destination: outcome.destination,
    disposition: outcome.disposition,
  }));

/** @param {Record<string, number>} shares */
const shares = (shares) =>
  Object.entries(shares).map(([endsAt, share]) => ({ chance: fraction(share), endsAt }));
