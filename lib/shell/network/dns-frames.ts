/** Questions to DNS servers and their answers as packets, for who looks on. (print-domain.c) */
import { travelFrom } from "../../journey/socket.js";
import { questionsOf } from "../../journey/lookup.js";
import { hash } from "../../machinery/random.js";
import { seeded } from "../../net/choice.js";
import { readAddress } from "../../net/ip.js";
import type { Packet } from "../../net/packet.js";
import { back, tapsOf, there } from "./capture.js";
import type { Said } from "./frame.js";
import { answerOf, authorityOf, type Answer } from "./dns-answers.js";
import { resolverOf } from "./resolv-conf.js";
import { nodesServer } from "../etc.js";
import type { Place } from "../place.js";

/** Bytes of a header and a question. */
const sizeOf = (name: string): number => 12 + name.length + 2 + 4;

/** The record that soaOf makes, in bytes. */
const SOA_SIZE = 93;

/** `hasOptions`: with EDNS, as bind's tools ask. */
export function questionSaid(id: number, name: string, type: string, hasOptions: boolean): Said {
  const size = sizeOf(name) + (hasOptions ? 23 : 0);
  const more = hasOptions ? " [1au]" : "";
  return { kind: "udp", bytes: "", dns: `${id}+${more} ${type}? ${name}. (${size})` };
}

export function answerSaid(id: number, name: string, answer: Answer, hasOptions: boolean): Said {
  const { rcode, records, isAuthoritative } = answer;
  const bytes = records.reduce((sum, { type, data }) => {
    const own = type === "A" ? 4 : type === "AAAA" ? 16 : data.length + 1;
    return sum + name.length + 12 + own;
  }, 0);
  const shown = records.map(({ type, data }) => ` ${type} ${data}`).join(",");
  const code = rcode === "NXDOMAIN" ? " NXDomain" : rcode === "SERVFAIL" ? " ServFail" : "";
  const soa = authorityOf(answer);
  const counts = `${records.length}/${soa ? 1 : 0}/${hasOptions ? 1 : 0}`;
  const size = sizeOf(name) + bytes + (soa ? SOA_SIZE : 0) + (hasOptions ? 23 : 0);
  const star = `${isAuthoritative ? "*" : ""}${isAuthoritative ? "-" : ""}`;
  return { kind: "udp", bytes: "", dns: `${id}${code}${star} ${counts}${shown} (${size})` };
}

/** What getaddrinfo asks when a name is looked up; it leaves no trace but in who looks on. */
export function showLookup(place: Place, host: string): void {
  const { network, acts } = place;
  const taps = tapsOf(network.network);
  if (!taps.active || readAddress(host)) return;
  const [server] = resolverOf(place).servers;
  if (server === undefined || !network.lookUp(host).server?.includes("DNS")) return;
  const source = network.sourceFor(server);
  if (source === undefined) return;
  const { ofCluster, names } = questionsOf(network.origin, host);
  const { clusterDns, internet } = network.network;
  for (const each of names) {
    const name = each.replace(/\.$/, "").toLowerCase();
    const answers = ["A", "AAAA"].map((type) => {
      const id = hash(`${place.name} ${name} ${type} ${acts.clock.now()}`) & 0xffff;
      const answer = ofCluster
        ? answerOf(clusterDns, internet, name, type)
        : answerOf(internet, undefined, name, type);
      return { type, id, answer };
    });
    const sourcePort = 32_768 + (hash(`${place.name} ${name} ${acts.clock.now()}`) % 28_000);
    const packet: Packet = {
      protocol: "UDP",
      source,
      sourcePort,
      destination: server,
      destinationPort: 53,
    };
    const journey = travelFrom(
      network.network,
      network.origin,
      packet,
      { url: "", from: network.spot, host: "", path: "" },
      { choose: seeded(() => 0.5), dry: true },
    );
    const at = acts.clock.now();
    const out = there(network.network, network.spot, journey);
    for (const { type, id } of answers) taps.show(at, out, questionSaid(id, name, type, false));
    const isHeard = journey.disposition === "delivered" || journey.disposition === "no route";
    if (!isHeard && server !== nodesServer) return;
    const home = back(network.network, network.spot, journey);
    for (const { id, answer } of answers) taps.show(at, home, answerSaid(id, name, answer, false));
    if (answers.some(({ answer }) => answer.records.length > 0)) return;
  }
}
