/**
 * What a plan may hold: a dump's names and addresses come from outside, and a lab hands them to
 * ip(8), haproxy and dnsmasq as root.
 */
import { readAddress, readCIDR } from "../../net/ip.js";
import { dns1123Subdomain } from "../../objects/field-errors.js";
import type { LabPlan } from "./types.js";

/** Throws with the first name that is no DNS name, or address that is none. */
export function checkPlan({ nodes, pods, balancers, names, client, podRoutes }: LabPlan): void {
  for (const { name, bridges } of nodes) {
    mustBeName("the node", name);
    for (const bridge of bridges) mustBeDevice(`a bridge of ${name}`, bridge.name);
  }
  for (const { key, ips } of pods) {
    for (const part of key.split("/")) mustBeName("the Pod", part);
    ips.forEach((ip) => mustBeAddress(`the Pod ${key}`, ip));
  }
  for (const balancer of balancers) {
    const { name, addresses, privateAddresses, sourceRanges, targets } = balancer;
    if (!isBuildable(balancer))
      throw new Error(
        `a lab cannot build the load balancer ${name}: it builds those of aws() and gcp(), with nodes as their targets`,
      );
    const all = [...addresses, ...privateAddresses, ...targets.map(({ address }) => address)];
    all.forEach((address) => mustBeAddress(`the load balancer ${name}`, address));
    sourceRanges.forEach((range) => mustBeRange(`the load balancer ${name}`, range));
  }
  for (const { to, via } of podRoutes) {
    mustBeRange("a route to Pods", to);
    mustBeAddress("a route to Pods", via);
  }
  for (const { name, records } of names) {
    mustBeName("the domain", name);
    for (const record of records)
      if (record.type === "CNAME") mustBeName(`the alias of ${name}`, record.target);
      else mustBeAddress(`the domain ${name}`, record.address);
  }
  client.addresses.forEach((address) => mustBeAddress("the client", address));
}

const isBuildable = ({
  announced,
  zones,
  listeners,
  targets,
}: LabPlan["balancers"][number]): boolean =>
  !announced &&
  !zones &&
  !listeners.some(({ keepsClient }) => keepsClient) &&
  !targets.some(({ port }) => port !== undefined);

function mustBeName(what: string, name: string): void {
  const [problem] = dns1123Subdomain(name.toLowerCase().replace(/\.$/, ""));
  if (problem) throw new Error(`a lab cannot build ${what} ${JSON.stringify(name)}: ${problem}`);
}

/** As long as the kernel lets it be (IFNAMSIZ). */
function mustBeDevice(what: string, name: string): void {
  if (!/^[a-z][\w.-]{1,14}$/i.test(name) || name === "eth0" || name === "lo")
    throw new Error(`a lab cannot build ${what}: ${JSON.stringify(name)} is no name for it`);
}

function mustBeAddress(what: string, text: string): void {
  if (!readAddress(text))
    throw new Error(`a lab cannot build ${what}: ${JSON.stringify(text)} is no IP address`);
}

function mustBeRange(what: string, text: string): void {
  if (!readCIDR(text))
    throw new Error(`a lab cannot build ${what}: ${JSON.stringify(text)} is no CIDR`);
}
