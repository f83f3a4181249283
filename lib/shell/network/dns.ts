/** Questions to DNS servers, as a place asks them: the way there is the data path. */
import type { Act } from "../../machinery/act.js";
import { canonicalName } from "../../net/dns.js";
import { readAddress } from "../../net/ip.js";
import { type Answer, answerOf, reverse } from "./dns-answers.js";
import { answerSaid, questionSaid } from "./dns-frames.js";
import { nodesServer } from "../etc.js";
import type { Place } from "../place.js";
import { isRefused } from "./refusals.js";

/** No answer: nobody said anything, or somebody said that nobody listens. */
export type NoAnswer = { failed: "timed out" | "connection refused" };

/** Asks a server, over UDP or TCP. */
export function* ask(
  place: Place,
  server: string,
  name: string,
  type: string,
): Act<Answer | NoAnswer> {
  const { network } = place.network;
  const own = canonicalName(name);
  if (server === nodesServer) return answerOf(network.internet, undefined, own, type);
  const packet = place.network.packetTo("UDP", { address: server, port: 53 });
  if (!packet) return { failed: "timed out" };
  const id = packet.sourcePort ^ 0x5a5a;
  const question = questionSaid(id, own, type, true);
  const journey = place.network.travel(packet, { url: `dns://${server}/${own}` }, true, question);
  const { disposition, served } = journey;
  // whoever listens there is taken to be the cluster's DNS
  const isDns = /coredns|kube-dns|dns/.test(served?.sandbox?.pod.spec.containers[0]?.image ?? "");
  // a cluster without a Service for its DNS: as everywhere here, its DNS is taken to be there
  const isTaken =
    disposition === "no route" && !journey.hops.some(({ kind }) => kind === "cluster-ip");
  if (isTaken || (disposition === "delivered" && isDns)) {
    const answer = answerOf(network.clusterDns, network.internet, own, type);
    place.network.show(journey, "back", answerSaid(id, own, answer, true));
    return answer;
  }
  if (disposition === "delivered") return { failed: "timed out" };
  return { failed: isRefused(disposition) ? "connection refused" : "timed out" };
}

/** The name under which an address is asked for. */
export function reverseName(address: string): string | undefined {
  const parsed = readAddress(address);
  if (!parsed) return undefined;
  if (parsed.family === "IPv4") return `${parsed.text.split(".").reverse().join(".")}.in-addr.arpa`;
  const words = [parsed.a, parsed.b, parsed.c, parsed.d];
  const digits = words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}

/** What an address is called where a place asks for names; undefined: nobody knows. */
export function nameAt({ network, hostname }: Place, address: string): string | undefined {
  if (readAddress(address)?.loopback) return "localhost";
  if (network.origin.addresses.includes(address)) return hostname;
  const { clusterDns, internet } = network.network;
  const [found] = reverse(clusterDns, internet, reverseName(address)!).records;
  return found?.data.replace(/\.$/, "");
}
