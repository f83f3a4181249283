/**
 * What the kernel of the place holds: ip, ss, iptables, nft, conntrack. A Pod's kernel is its own
 * namespace: without rules, and nothing is tracked in it.
 */
import type { Act } from "../../machinery/act.js";
import { hash } from "../../machinery/random.js";
import { conntrackText, type Connection as Tracked } from "../../net/conntrack.js";
import { endpoint, familyOf, parseCIDR, readCIDR, type CIDR, type Family } from "../../net/ip.js";
import { ruleList, ruleSpecs } from "../../net/iptables/list.js";
import { Rules, type RuleSet } from "../../net/iptables/rule.js";
import { builtinChains, type TableName } from "../../net/iptables/tables.js";
import { saveText } from "../../net/iptables/text.js";
import { Iptables } from "../../net/iptables/walk.js";
import { listText, tableText } from "../../net/nftables/text.js";
import { Nftables } from "../../net/nftables/walk.js";
import type { Kernel } from "../../net/kernel.js";
import { printable } from "../../net/printable.js";
import type { Route } from "../../net/routes.js";
import type { Machine } from "../../node/machine.js";
import type { Command, Context } from "../place.js";
import { complain, optionsOf, refuse } from "./common.js";

/** The machine whose network it is; undefined: a namespace of its own. */
const machineOf = ({ place }: Context): Machine | undefined => {
  const { origin } = place.network;
  return origin.kind === "node" ? origin.machine : undefined;
};

// ---- iptables

function rulesOf(context: Context, family: Family): RuleSet {
  const kernel = machineOf(context)?.kernel;
  for (const dataplane of kernel?.dataplanes ?? [])
    if (dataplane instanceof Iptables) {
      const rules = dataplane.rules[family];
      if (rules) return rules;
    }
  return new Rules(family);
}

const familyBy = ({ name }: Context): Family => (name.startsWith("ip6") ? "IPv6" : "IPv4");

/** What nobody knows of a dump's node is said, not shown as nothing. */
function* doubted(context: Context): Act<void> {
  const doubt = machineOf(context)?.doubt;
  if (doubt) yield* refuse(context, 1, doubt.sentence);
}

function* iptablesSave(context: Context): Act<number> {
  const { flags } = yield* optionsOf(context, {
    letters: "t:c",
    long: { table: "t:", counters: "c" },
  });
  yield* doubted(context);
  const text = saveText(rulesOf(context, familyBy(context)));
  const wanted = flags.get("t");
  if (wanted === undefined) yield* context.out(text);
  else
    for (const block of text.match(/^\*[^]*?^COMMIT\n/gm) ?? [])
      if (block.startsWith(`*${wanted}\n`)) yield* context.out(block);
  return 0;
}

function* iptables(context: Context): Act<number> {
  const args = [...context.args];
  let table: string = "filter";
  let [action, chain]: [string | undefined, string | undefined] = [undefined, undefined];
  const flags = new Set<string>();
  while (args.length > 0) {
    const word = args.shift()!;
    const next = (): string | undefined => (/^[^-]/.test(args[0] ?? "") ? args.shift() : undefined);
    if (word === "-t" || word === "--table") table = args.shift() ?? "";
    else if (word === "--line-numbers") flags.add("numbers");
    else if (word === "-w" || word === "--wait") next();
    else if (word === "--list" || word === "--list-rules") {
      action = word === "--list" ? "L" : "S";
      chain = next();
    } else if (/^-[LSnvxw]+$/.test(word)) {
      for (const letter of word.slice(1))
        if (letter === "L" || letter === "S") action = letter;
        else flags.add(letter);
      if (/[LS]/.test(word)) chain = next();
    } else
      return yield* refuse(
        context,
        2,
        `${word}: rules are kube-proxy's to write here; -L and -S show them`,
      );
  }
  const { name } = context;
  if (action === undefined) {
    yield* context.err(
      `${name} v1.8.9 (nf_tables): no command specified\nTry \`${name} -h' or '${name} --help' for more information.\n`,
    );
    return 2;
  }
  if (!(table in builtinChains)) {
    yield* context.err(
      `${name} v1.8.9 (nf_tables): table '${table}' does not exist\nPerhaps iptables or your kernel needs to be upgraded.\n`,
    );
    return 3;
  }
  yield* doubted(context);
  const rules = rulesOf(context, familyBy(context));
  const text =
    action === "S"
      ? ruleSpecs(rules, table as TableName, chain)
      : ruleList(rules, table as TableName, {
          chain,
          numeric: flags.has("n"),
          verbose: flags.has("v"),
          lineNumbers: flags.has("numbers"),
        });
  if (text === undefined) {
    yield* context.err(`${name}: No chain/target/match by that name.\n`);
    return 1;
  }
  if (flags.has("v")) yield* complain(context, "packets are not counted here: counters are 0");
  yield* context.out(text);
  return 0;
}

function* nft(context: Context): Act<number> {
  const words = context.args.filter((word) => !word.startsWith("-"));
  const [verb, what, family, name] = words;
  if (verb !== "list")
    return yield* refuse(
      context,
      1,
      `${verb ?? ""}: rules are kube-proxy's to write here; list shows them`,
    );
  yield* doubted(context);
  const kernel: Kernel | undefined = machineOf(context)?.kernel;
  const found = [...(kernel?.dataplanes ?? [])].find((each) => each instanceof Nftables);
  const rules = found instanceof Nftables ? found.rules : undefined;
  const tables = rules ? [...rules.tables()] : [];
  switch (what) {
    case "ruleset":
      if (rules) yield* context.out(listText(rules));
      return 0;
    case "tables":
      for (const table of tables) yield* context.out(`table ${table.family} ${table.name}\n`);
      return 0;
    case "table": {
      const table = tables.find((each) => each.family === family && each.name === name);
      if (table) {
        yield* context.out(tableText(table));
        return 0;
      }
      yield* context.err(
        `Error: No such file or directory\nlist table ${family ?? ""} ${name ?? ""}\n           ^\n`,
      );
      return 1;
    }
    default:
      return yield* refuse(
        context,
        1,
        `list ${what ?? ""}: not modelled here; list ruleset, tables and table are`,
      );
  }
}

// ---- conntrack

function* conntrack(context: Context): Act<number> {
  const { flags } = yield* optionsOf(
    context,
    {
      letters: "LCDFEGp:s:d:f:o:r:q:",
      long: {
        proto: "p:",
        "orig-src": "s:",
        src: "s:",
        "orig-dst": "d:",
        dst: "d:",
        sport: "sport:",
        dport: "dport:",
        "orig-port-src": "sport:",
        "orig-port-dst": "dport:",
        "reply-src": "r:",
        "reply-dst": "q:",
        family: "f:",
        output: "o:",
        state: "state:",
      },
    },
    2,
  );
  const table = machineOf(context)?.kernel.conntrack;
  const now = context.place.acts.clock.now();
  const wanted = ({ original, reply, tcp }: Tracked): boolean => {
    const checks: [string, string | undefined][] = [
      ["p", original.protocol.toLowerCase()],
      ["s", original.source],
      ["d", original.destination],
      ["sport", String(original.sourcePort)],
      ["dport", String(original.destinationPort)],
      ["r", reply.source],
      ["q", reply.destination],
      ["state", tcp],
      ["f", familyOf(original.source) === "IPv4" ? "ipv4" : "ipv6"],
    ];
    return checks.every(
      ([flag, value]) =>
        !flags.has(flag) || flags.get(flag)!.toLowerCase() === value?.toLowerCase(),
    );
  };
  const all = [...(table?.connections() ?? [])].filter(({ expires }) => expires > now);
  const found = all.filter(wanted);
  const told = (what: string): string =>
    `conntrack v1.4.7 (conntrack-tools): ${found.length} flow entries have been ${what}.\n`;
  if (flags.has("C")) yield* context.out(`${all.length}\n`);
  else if (flags.has("F")) {
    for (const each of all) table!.delete(each);
    yield* context.err(
      "conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n",
    );
  } else if (flags.has("L") || flags.has("D")) {
    for (const each of found) {
      yield* context.out(`${conntrackText(each, now)}\n`);
      if (flags.has("D")) table!.delete(each);
    }
    yield* context.err(told(flags.has("D") ? "deleted" : "shown"));
    if (flags.has("D") && found.length === 0) return 1;
  } else return yield* refuse(context, 2, "-L, -C, -D and -F are modelled here");
  return 0;
}

// ---- ip

interface Shown {
  name: string;
  /** "eth0@if7" */
  label: string;
  addresses: readonly string[];
}

/** The devices of a place, with their addresses and how long their networks are. */
export function interfacesOf(context: Context): Shown[] {
  const { origin } = context.place.network;
  if (origin.kind === "node")
    return origin.machine.kernel.interfaces.map(({ name, addresses }) => ({
      name,
      label: /^veth/.test(name) ? `${name}@if2` : name,
      addresses,
    }));
  const lo = { name: "lo", label: "lo", addresses: ["127.0.0.1/8", "::1/128"] };
  const label = origin.kind === "pod" ? "eth0@if2" : "eth0";
  return [
    lo,
    {
      name: "eth0",
      label,
      addresses: origin.addresses.map((each) => `${each}/${networkOf(each).length}`),
    },
  ];
}

function addressLines(
  context: Context,
  { name, label, addresses }: Shown,
  index: number,
): string[] {
  const isLo = name === "lo";
  const mac = hash(`${context.place.name}/${name}`).toString(16).padStart(8, "0").match(/../g)!;
  const lines = [
    isLo
      ? `${index}: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000`
      : `${index}: ${label}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc ${label.includes("@") ? "noqueue" : "fq_codel"} state UP group default qlen 1000`,
    isLo
      ? "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00"
      : `    link/ether 02:42:${mac.join(":")} brd ff:ff:ff:ff:ff:ff${label.includes("@") ? " link-netnsid 0" : ""}`,
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

/** A node's range of Pods, as kube-controller-manager cuts it: a /24, or a /64. */
const networkOf = (address: string): CIDR =>
  parseCIDR(`${address}/${familyOf(address) === "IPv4" ? 24 : 64}`);

/** The first address of a Pod's range is its node's. (host-local) */
const gatewayOf = (address: string): string => networkOf(address).at(1).text;

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
  const shows = /^(show|list|ls|s|sh|l|get|g|dev)/.test(verb);
  if (!shows)
    return yield* refuse(
      context,
      255,
      `${object} ${verb}: what is there is shown; it cannot be changed from here`,
    );
  if (is("address") || is("addr") || is("link")) {
    const wanted = [verb, ...rest].filter((word) => !/^(show|list|ls|s|sh|l|dev)$/.test(word))[0];
    const all = interfacesOf(context);
    if (wanted !== undefined && !all.some(({ name }) => name === wanted)) {
      yield* context.err(`Device "${wanted}" does not exist.\n`);
      return 1;
    }
    for (const [i, each] of all.entries()) {
      if (wanted !== undefined && each.name !== wanted) continue;
      const filtered = flags.some((flag) => /^-[46]$/.test(flag))
        ? {
            ...each,
            addresses: each.addresses.filter((address) => parseCIDR(address).family === family),
          }
        : each;
      if (flags.some((flag) => /^-br/.test(flag))) {
        const state = each.name === "lo" ? "UNKNOWN" : "UP";
        yield* context.out(
          `${each.label.padEnd(16)} ${state.padEnd(14)} ${filtered.addresses.map((address) => `${address} `).join("")}\n`,
        );
        continue;
      }
      const lines = addressLines(context, filtered, i + 1);
      yield* context.out(`${(is("link") && !is("addr") ? lines.slice(0, 2) : lines).join("\n")}\n`);
    }
    return 0;
  }
  if (is("route")) {
    if (/^g/.test(verb)) return yield* routeGet(context, rest[0] ?? "");
    for (const line of routesOf(context, family)) yield* context.out(`${line}\n`);
    return 0;
  }
  if (is("neighbour") || is("neighbor"))
    return yield* refuse(
      context,
      255,
      "neigh: the table of neighbours is not modelled: whoever is on a link is found",
    );
  if (is("rule")) {
    yield* context.out(
      "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
    );
    return 0;
  }
  yield* context.err(`Object "${object}" is unknown, try "ip help".\n`);
  return 1;
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

// ---- ss

function* ss(context: Context): Act<number> {
  const { flags } = yield* optionsOf(context, {
    letters: "ltunapxs46HeioO",
    long: {
      listening: "l",
      tcp: "t",
      udp: "u",
      numeric: "n",
      all: "a",
      processes: "p",
      "no-header": "H",
    },
  });
  const wantsTcp = flags.has("t") || !flags.has("u");
  const wantsUdp = flags.has("u") || !flags.has("t");
  const showsNetid = wantsTcp && wantsUdp;
  const isListening = flags.has("l") || flags.has("a");
  const isOpen = !flags.has("l");
  const rows: { netid: string; state: string; local: string; peer: string; queue: number }[] = [];
  if (isListening)
    for (const { protocol, address, port } of context.place.network.listening()) {
      if (protocol === "TCP" ? !wantsTcp : !wantsUdp) continue;
      const any = address === "*" ? "0.0.0.0" : address;
      rows.push({
        netid: protocol.toLowerCase(),
        state: protocol === "TCP" ? "LISTEN" : "UNCONN",
        local: endpoint(any, port),
        peer: "0.0.0.0:*",
        queue: protocol === "TCP" ? 4_096 : 0,
      });
    }
  if (isOpen && wantsTcp)
    for (const { local, remote } of context.place.network.open)
      rows.push({
        netid: "tcp",
        state: "ESTAB",
        local: endpoint(local.address, local.port),
        peer: endpoint(remote.address, remote.port),
        queue: 0,
      });
  const widest = (texts: string[]): number => Math.max(...texts.map((text) => text.length));
  const local = widest(["Local Address:Port", ...rows.map((row) => row.local)]);
  const peer = widest(["Peer Address:Port", ...rows.map((row) => row.peer)]);
  if (!flags.has("H"))
    yield* context.out(
      `${showsNetid ? "Netid " : ""}${"State".padEnd(6)} Recv-Q Send-Q ${"Local Address:Port".padStart(local)} ${"Peer Address:Port".padStart(peer)}Process\n`,
    );
  for (const row of rows)
    yield* context.out(
      `${showsNetid ? row.netid.padEnd(6) : ""}${row.state.padEnd(6)} 0      ${String(row.queue).padEnd(6)} ${row.local.padStart(local)} ${row.peer.padStart(peer)}\n`,
    );
  return 0;
}

export const kernel: Readonly<Record<string, Command>> = {
  ip,
  ss,
  iptables,
  ip6tables: iptables,
  "iptables-save": iptablesSave,
  "ip6tables-save": iptablesSave,
  nft,
  conntrack,
};
