/** What a DNS server of a cluster answers, its way aside. (coredns: plugin/kubernetes) */
import { podAddress } from "../../journey/lookup.js";
import {
  addressRecord,
  canonicalName,
  type DnsRecord,
  longestChain,
  type Zone,
} from "../../net/dns.js";
import { readAddress } from "../../net/ip.js";
import { clusterDomain } from "../../node/dns.js";

/** A record of an answer. */
export interface AnswerRecord {
  name: string;
  ttl: number;
  type: string;
  data: string;
}

export interface Answer {
  rcode: "NOERROR" | "NXDOMAIN" | "SERVFAIL";
  records: AnswerRecord[];
  /** Whether who answers is in charge of the name itself. */
  isAuthoritative: boolean;
}

/** kubeadm's Corefile: ttl 30. */
const TTL = 30;

export function answerOf(
  zone: Zone,
  forward: Zone | undefined,
  name: string,
  type: string,
): Answer {
  const isOurs =
    forward !== undefined && (name === clusterDomain || name.endsWith(`.${clusterDomain}`));
  if (type === "PTR") return reverse(zone, forward, name);
  if (type === "SRV" && isOurs) return services(zone, name);
  const records: AnswerRecord[] = [];
  let at = name;
  for (let i = 0; i < longestChain; i++) {
    const found = zone.lookUp(at) ?? ofPod(at) ?? forward?.lookUp(at);
    if (!found) {
      const exists = i > 0 || isAbove(zone, at) || (forward !== undefined && isAbove(forward, at));
      return { rcode: exists ? "NOERROR" : "NXDOMAIN", records, isAuthoritative: isOurs };
    }
    const alias = found.find((record) => record.type === "CNAME");
    if (!alias || type === "CNAME") {
      records.push(...found.filter((each) => each.type === type).map((each) => recordOf(at, each)));
      return { rcode: "NOERROR", records, isAuthoritative: isOurs };
    }
    records.push(recordOf(at, alias));
    at = canonicalName(alias.target);
  }
  return { rcode: "SERVFAIL", records: [], isAuthoritative: isOurs };
}

/** 10-1-1-2.default.pod.cluster.local */
function ofPod(name: string): DnsRecord[] | undefined {
  const address = podAddress([name]);
  return address === undefined ? undefined : [addressRecord(address)];
}

/**
 * Who is in charge of the cluster's zone says so where it has no such record; other zones' answers
 * are passed on. (coredns: plugin/kubernetes, plugin/pkg/dnsutil)
 */
export const authorityOf = ({ records, isAuthoritative }: Answer): AnswerRecord | undefined =>
  records.length === 0 && isAuthoritative
    ? {
        name: `${clusterDomain}.`,
        ttl: TTL,
        type: "SOA",
        data: `ns.dns.${clusterDomain}. hostmaster.${clusterDomain}. 1 7200 1800 86400 30`,
      }
    : undefined;

const recordOf = (name: string, record: DnsRecord): AnswerRecord => ({
  name: `${name}.`,
  ttl: TTL,
  type: record.type,
  data: record.type === "CNAME" ? `${canonicalName(record.target)}.` : record.address,
});

/** A name above one that there is: it exists, and holds nothing itself. */
const isAbove = (zone: Zone, name: string): boolean =>
  zone.entries().some(([each]) => each.endsWith(`.${name}`));

/** "10.2.1.1" of "1.1.2.10.in-addr.arpa". */
function addressIn(name: string): string | undefined {
  const four = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (four) return four.slice(1).reverse().join(".");
  const six = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(name);
  const digits = six?.[1]!.replaceAll(".", "").split("").reverse().join("");
  return digits && readAddress(digits.match(/.{4}/g)!.join(":"))?.text;
}

export function reverse(zone: Zone, forward: Zone | undefined, name: string): Answer {
  const address = addressIn(name);
  const found = zone
    .entries()
    .filter(([each, records]) => {
      // a headless Service's own name stands for all of its Pods: theirs are meant
      const isService = each.split(".").length === 5;
      return records.some(
        (record) =>
          record.type !== "CNAME" &&
          record.address === address &&
          (!isService || records.length <= 2),
      );
    })
    .map(([each]) => ({ name: `${name}.`, ttl: TTL, type: "PTR", data: `${each}.` }));
  const rcode = found.length > 0 ? "NOERROR" : "NXDOMAIN";
  return { rcode, records: found, isAuthoritative: forward !== undefined };
}

/** `_http._tcp.web.default.svc.cluster.local`, or a Service's name for all of its ports. */
function services(zone: Zone, name: string): Answer {
  const [, wanted, protocol, base = name] = /^_([^.]+)\._(tcp|udp|sctp)\.(.+)$/.exec(name) ?? [];
  const ports = (zone.ports.get(base) ?? []).filter(
    (each) =>
      wanted === undefined ||
      (each.name === wanted && (each.protocol ?? "TCP").toLowerCase() === protocol),
  );
  const pods = zone
    .entries()
    .map(([each]) => each)
    .filter((each) => each.endsWith(`.${base}`));
  const targets = pods.length > 0 ? pods : [base];
  const records = ports.flatMap(({ port }) =>
    targets.map((target) => ({
      name: `${name}.`,
      ttl: TTL,
      type: "SRV",
      data: `0 ${Math.floor(100 / (ports.length * targets.length))} ${port} ${target}.`,
    })),
  );
  const exists = records.length > 0 || (wanted === undefined && zone.has(base));
  return { rcode: exists ? "NOERROR" : "NXDOMAIN", records, isAuthoritative: true };
}
