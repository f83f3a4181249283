/** ip: addresses, links, routes and neighbours of the place. (iproute2 6.1) */
import type { Act } from "../../machinery/act.js";
import { familyOf, parseCIDR, readCIDR, type Family } from "../../net/ip.js";
import type { Kernel } from "../../net/kernel.js";
import { printable } from "../../net/printable.js";
import type { Route } from "../../net/routes.js";
import type { Command, Context } from "../place.js";
import { refuse } from "./common.js";
import {
  gatewayOf,
  interfacesOf,
  macOf,
  neighboursOf,
  networkOf,
  type Shown,
} from "./interfaces.js";

function addressLines(
  context: Context,
  { name, label, addresses }: Shown,
  index: number,
  isLink: boolean,
): string[] {
  const isLo = name === "lo";
  const mode = isLink ? " mode DEFAULT" : "";
  const lines = [
    isLo
      ? `${index}: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN${mode} group default qlen 1000`
      : `${index}: ${label}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc ${label.includes("@") ? "noqueue" : "fq_codel"} state UP${mode} group default qlen 1000`,
    isLo
      ? "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00"
      : `    link/ether ${macOf(context.place.name, name)} brd ff:ff:ff:ff:ff:ff${label.includes("@") ? " link-netnsid 0" : ""}`,
  ];
  for (const each of addresses) {
    const range = parseCIDR(each);
    const { family, address, length } = range;
    const scope = isLo ? "host" : "global";
    const hasBroadcast = family === "IPv4" && length < 31 && !isLo;
    const broadcast = hasBroadcast ? ` brd ${range.at(range.size - 1n).text}` : "";
    lines.push(
      family === "IPv4"
        ? `    inet ${address.text}/${length}${broadcast} scope ${scope} ${name}`
        : `    inet6 ${address.text}/${length} scope ${scope} `,
      "       valid_lft forever preferred_lft forever",
    );
  }
  return lines;
}

function routesOf(context: Context, family: Family): string[] {
  const { origin } = context.place.network;
  if (origin.kind === "node") {
    const { kernel, addresses } = origin.machine;
    const own = new Set(addresses);
    const routes = [...kernel.routes].filter(
      (route) => routeFamily(route) === family && (route.via === undefined || !own.has(route.via)),
    );
    return routes.sort(byRange).map((route) => routeText(route, kernel));
  }
  const address = origin.addresses.find((each) => familyOf(each) === family);
  if (address === undefined) return [];
  if (origin.kind === "outside") return [`default via ${gatewayOf(address)} dev eth0 `];
  // as the plugin ptp writes them: everything by the node
  const gateway = gatewayOf(address);
  const range = networkOf(address).text;
  return [
    `default via ${gateway} dev eth0 `,
    `${range} via ${gateway} dev eth0 src ${address} `,
    `${gateway} dev eth0 scope link src ${address} `,
  ];
}

const routeFamily = ({ to, via }: Route): Family =>
  to === "default" ? (via === undefined ? "IPv4" : familyOf(via)) : parseCIDR(to).family;

const byRange = (x: Route, y: Route): number => {
  const key = ({ to }: Route): bigint =>
    to === "default" || to === "::/0" ? -1n : parseCIDR(to).address.value;
  const [a, b] = [key(x), key(y)];
  return a < b ? -1 : a > b ? 1 : 0;
};

function routeText({ to, via, dev, type }: Route, kernel: Kernel): string {
  const short = to === "::/0" ? "default" : to.replace(/(?<=\..*)\/32$|(?<=:.*)\/128$/, "");
  if (type === "blackhole" || type === "unreachable") return `${type} ${short} `;
  if (via !== undefined) return `${short} via ${via} dev ${dev} `;
  if (to === "default" || to === "::/0") return `${short} dev ${dev} scope link `;
  const range = parseCIDR(to);
  const own = kernel.interfaces
    .find(({ name }) => name === dev)
    ?.addresses.map(parseCIDR)
    .find(({ address }) => range.contains(address));
  return own
    ? `${short} dev ${dev} proto kernel scope link src ${own.address.text} `
    : `${short} dev ${dev} scope link `;
}

function* ip(context: Context): Act<number> {
  const flags = context.args.filter((word) => word.startsWith("-"));
  const [object = "", verb = "show", ...rest] = context.args.filter(
    (word) => !word.startsWith("-"),
  );
  const family: Family = flags.includes("-6") ? "IPv6" : "IPv4";
  const is = (name: string): boolean => object !== "" && name.startsWith(object);
  if (!/^(show|list|ls|s|sh|l|get|g|dev|default|up|\d|eth|lo|veth|cni)/.test(verb))
    return yield* refuse(
      context,
      255,
      `${object} ${verb}: what is there is shown; it cannot be changed from here`,
    );
  if (is("address") || is("addr") || is("link"))
    return yield* links(context, is("link") && !is("addr"), [verb, ...rest], flags);
  if (is("route")) {
    if (/^g/.test(verb)) return yield* routeGet(context, rest[0] ?? "");
    const wanted = [verb, ...rest].filter(
      (word) => !/^(show|list|ls|s|sh|l|table|main)$/.test(word),
    );
    const dev = wanted.indexOf("dev");
    const [to] = dev === 0 ? wanted.slice(2) : wanted;
    for (const line of routesOf(context, family)) {
      const isTo =
        to === undefined || line.replace(/^(blackhole|unreachable) /, "").startsWith(`${to} `);
      const isBy = dev < 0 || line.includes(` dev ${wanted[dev + 1]} `);
      if (isTo && isBy) yield* context.out(`${dev < 0 ? line : line.replace(/ dev \S+/, "")}\n`);
    }
    return 0;
  }
  if (is("neighbour") || is("neighbor")) return yield* neighbours(context, family, [verb, ...rest]);
  if (is("rule")) {
    yield* context.out(
      "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
    );
    return 0;
  }
  yield* context.err(`Object "${object}" is unknown, try "ip help".\n`);
  return 1;
}

const shows = /^(show|list|ls|s|sh|l|dev|up)$/;

/** `ip addr` and `ip link`. */
function* links(
  context: Context,
  isLink: boolean,
  words: readonly string[],
  flags: readonly string[],
): Act<number> {
  const [wanted] = words.filter((word) => !shows.test(word));
  const all = interfacesOf(context);
  if (wanted !== undefined && !all.some(({ name }) => name === wanted)) {
    yield* context.err(`Device "${wanted}" does not exist.\n`);
    return 1;
  }
  const only = flags.find((flag) => /^-[46]$/.test(flag));
  for (const [i, each] of all.entries()) {
    if (wanted !== undefined && each.name !== wanted) continue;
    const addresses = each.addresses.filter(
      (address) => only === undefined || (only === "-6") === address.includes(":"),
    );
    if (only !== undefined && addresses.length === 0) continue;
    const lines = addressLines(context, { ...each, addresses }, i + 1, isLink);
    if (flags.some((flag) => /^-br/.test(flag))) {
      const state = `${each.label.padEnd(16)} ${(each.name === "lo" ? "UNKNOWN" : "UP").padEnd(14)}`;
      const [, mac = ""] = /link\/\w+ (\S+)/.exec(lines[1]!) ?? [];
      const [, kinds = ""] = /(<\S+>)/.exec(lines[0]!) ?? [];
      const what = isLink ? `${mac} ${kinds} ` : addresses.map((address) => `${address} `).join("");
      yield* context.out(`${state} ${what}\n`);
      continue;
    }
    const own = isLink
      ? lines.slice(0, 2)
      : only === undefined
        ? lines
        : [lines[0]!, ...lines.slice(2)];
    yield* context.out(`${own.join("\n")}\n`);
  }
  return 0;
}

/** Whoever is on a link is found here. */
function* neighbours(context: Context, family: Family, words: readonly string[]): Act<number> {
  const at = words.indexOf("dev");
  const wanted = at < 0 ? undefined : words[at + 1];
  for (const { address, device, mac } of neighboursOf(context))
    if (familyOf(address) === family && (wanted === undefined || device === wanted))
      yield* context.out(
        `${address} ${wanted === undefined ? `dev ${device} ` : ""}lladdr ${mac} REACHABLE \n`,
      );
  return 0;
}

function* routeGet(context: Context, to: string): Act<number> {
  const range = readCIDR(to);
  if (!range) {
    yield* context.err(`Error: any valid prefix is expected rather than "${printable(to)}".\n`);
    return 1;
  }
  const address = range.address.text;
  const { origin } = context.place.network;
  const source = context.place.network.sourceFor(address);
  if (range.address.loopback) {
    yield* context.out(`local ${address} dev lo src ${address} uid 0 \n    cache <local> \n`);
    return 0;
  }
  if (origin.kind === "node") {
    const { kernel } = origin.machine;
    const route = kernel.routes.lookup(range.address);
    if (
      kernel.interfaces.some(({ addresses }) =>
        addresses.some((each) => each.startsWith(`${address}/`)),
      )
    ) {
      yield* context.out(`local ${address} dev lo src ${address} uid 0 \n    cache <local> \n`);
      return 0;
    }
    if (!route) return yield* refuse(context, 2, "RTNETLINK answers: Network is unreachable");
    if (route.type && route.type !== "unicast")
      return yield* refuse(
        context,
        2,
        `RTNETLINK answers: ${route.type === "blackhole" ? "Invalid argument" : "No route to host"}`,
      );
    const via = route.via === undefined ? "" : ` via ${route.via}`;
    yield* context.out(`${address}${via} dev ${route.dev} src ${source} uid 0 \n    cache \n`);
    return 0;
  }
  const own = origin.addresses.find((each) => familyOf(each) === familyOf(address));
  if (own === undefined)
    return yield* refuse(context, 2, "RTNETLINK answers: Network is unreachable");
  if (own === address)
    yield* context.out(`local ${address} dev lo src ${address} uid 0 \n    cache <local> \n`);
  else
    yield* context.out(`${address} via ${gatewayOf(own)} dev eth0 src ${own} uid 0 \n    cache \n`);
  return 0;
}

export const addresses: Readonly<Record<string, Command>> = { ip };
