/**
 * One node on a real Linux kernel, and a wire on each of its sides: loads rules, sends packets, and
 * sees where they come out and which rules they met.
 *
 *     const rig = await Rig.build();
 *     rig.load(saveText);
 *     const seen = await rig.send(packet("203.0.113.9:40000", "10.2.0.1:80"), "eth0");
 *     seen.traces[0].steps; seen.out;                    // the rules it met; what left the node
 *     rig.close();
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Namespaces } from "stopover/internal/doors/lab/namespaces";
import { listenNft, monitor } from "stopover/internal/doors/lab/servers";
import { XtablesTrace, traceRules, type TracedPacket } from "stopover/internal/doors/lab/trace";
import { readAddress, type Family } from "stopover/internal/net/ip";
import { describe, packet, sourceOf, type Packet } from "stopover/internal/net/packet";
import { decode, encode } from "./frames.js";
import { ends, nodeMac, nodePort, wirePort, worldMac, type OnWire } from "./wire.js";

export const links = ["eth0", "pods"] as const;
export type Link = (typeof links)[number];
/**
 * The node's addresses, and the range whose Pods hang on its link "pods" (which has no address, as
 * a Pod's veth).
 */
export const nodeAddresses = { IPv4: "192.168.0.1", IPv6: "fd00:192::1" } as const;
export const podRanges = { IPv4: "10.1.1.0/24", IPv6: "fd00:10:1:1::/64" } as const;

/** Rules of iptables, of each family. */
export type Saved = Partial<Record<Family, string>>;

export interface Seen {
  /** What the packet and its consequences (an ICMP error, a RST) met on the node, in order. */
  traces: TracedPacket[];
  /** What left the node. */
  out: { link: Link; packet: Packet }[];
}

/** Source and destination of the last packet that the rig sends after each. */
export const sentinel = { IPv4: "198.51.100.98:9", IPv6: "[2001:db8:98::98]:9" };
const patience = 5000;

export class Rig {
  #seen: Seen = { traces: [], out: [] };
  #sentinels = 20000;
  #arrived = () => {};

  private constructor(
    readonly house: Namespaces,
    readonly wire: ChildProcess,
    readonly process: ChildProcess,
  ) {}

  static async build(): Promise<Rig> {
    const house = Namespaces.open();
    try {
      house.add("node", "tunnel", "world");
      for (const space of ["node", "tunnel", "world"]) house.ip(["link set lo up"], space);
      house.ip([`link add wire netns @tunnel type veth peer name wire netns @world`]);
      for (const end of ["tunnel", "world"] as const)
        house.ip([`address add ${ends[end]}/30 dev wire`, "link set wire up"], end);
      links.forEach((link, i) => plug(house, link, i));
      settle(house);
      for (const family of ["", "6"])
        house.run("node", `ip${family}tables-nft-restore`, ["--noflush"], traceRules());
      const rig = new Rig(
        house,
        await child(house, "world", "wire.js", `${links.length}`),
        await child(house, "node", "local-process.js"),
      );
      rig.#listen();
      return rig;
    } catch (error) {
      house.close();
      throw error;
    }
  }

  /**
   * Replaces all rules by those of an iptables-save text, and forgets all connections and clients.
   */
  async load(text: string, family: "IPv4" | "IPv6" = "IPv4"): Promise<void> {
    this.#monitor?.kill("SIGKILL");
    this.house.run(
      "node",
      family === "IPv4" ? "iptables-nft-restore" : "ip6tables-nft-restore",
      [],
      text,
    );
    this.house.run("node", "sh", [
      "-c",
      "conntrack -F; for list in /proc/net/xt_recent/*; do [ ! -e $list ] || echo / > $list; done",
    ]); // lists outlive rules that come again
    const reader = new XtablesTrace(this.#hear);
    const listening =
      family === "IPv4"
        ? monitor(this.house, "node", reader, ["xtables-monitor", "-4", "--trace"])
        : listenNft(this.house, "node", this.#hear);
    this.#monitor = (await listening).child;
  }
  #monitor: ChildProcess | undefined;

  /**
   * The same with tables of nftables' own, beside those of iptables; a table that hears of the
   * sentinel's end comes last.
   */
  async loadNft(text: string, saved: Saved = {}): Promise<void> {
    this.#monitor?.kill("SIGKILL");
    this.house.run("node", "nft", ["-f", "-"], clearing(this.house));
    this.house.run("node", "iptables-nft-restore", [], saved.IPv4 ?? noRules);
    this.house.run("node", "ip6tables-nft-restore", [], saved.IPv6 ?? noRules);
    this.house.run("node", "nft", ["-f", "-"], `${text}${endTables}`);
    this.house.run("node", "conntrack", ["-F"]);
    this.#monitor = (await listenNft(this.house, "node", this.#hear)).child;
  }

  /** What `nft list ruleset` prints of the tables that `loadNft` loaded. */
  listed(): string {
    const text = this.house.run("node", "nft", ["list", "ruleset"]);
    return text
      .split(/^(?=table )/m)
      .filter((table) => table !== "" && !/^table ip6? (raw|mangle|filter|nat|ends) /.test(table))
      .join("");
  }

  /**
   * What iptables-save prints, without the raw table (our TRACE), counters set to 0 and comments
   * left out.
   */
  saved(family: "IPv4" | "IPv6" = "IPv4"): string {
    const text = this.house.run(
      "node",
      family === "IPv4" ? "iptables-nft-save" : "ip6tables-nft-save",
      [],
    );
    return text
      .replace(/^\*raw\n[^*]*?^COMMIT\n/m, "")
      .replace(/^#.*\n/gm, "")
      .replace(/\[\d+:\d+\]/g, "[0:0]");
  }

  /**
   * Sends one packet, from outside by a link or from a process on the node, and answers all that
   * came of it.
   */
  async send(sent: Packet, from: Link | "process"): Promise<Seen> {
    this.#seen = { traces: [], out: [] };
    if (from !== "process") this.#write(sent, from);
    else {
      this.process.send(sent);
      await once(this.process, "message");
    }
    await this.#quiet(sent.source.includes(":") ? "IPv6" : "IPv4");
    if (from === "process") this.process.send("close");
    return this.#seen;
  }

  close(): void {
    this.house.close();
  }

  #write(packet: Packet, link: Link): void {
    this.wire.send({
      link: links.indexOf(link),
      packet: encode(packet).toString("hex"),
    } satisfies OnWire);
  }

  /** Packets keep their order: once a last one is out, and traced to its end, all before it are. */
  async #quiet(family: "IPv4" | "IPv6"): Promise<void> {
    const destination = sentinel[family];
    const last = packet(
      destination.replace(/9$/, `${(this.#sentinels = 20000 + ((this.#sentinels + 1) % 40000))}`),
      destination,
      "UDP",
    );
    const isLast = (other: string): boolean => other === sourceOf(last);
    this.#write(last, "eth0");
    await this.#until(
      () =>
        this.#seen.out.some(({ packet }) => isLast(sourceOf(packet))) &&
        this.#seen.traces.some((trace) => isLast(trace.source) && ended(trace)),
      describe(last),
    );
    this.#seen = {
      traces: this.#seen.traces.filter(({ source }) => !isLast(source)),
      out: this.#seen.out.filter(({ packet }) => !isLast(sourceOf(packet))),
    };
  }

  async #until(done: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + patience;
    while (!done()) {
      if (Date.now() > deadline)
        throw new Error(
          `the rig lost sight of ${what} for ${patience} ms; it saw ${JSON.stringify(this.#seen)}`,
        );
      const timer = setTimeout(() => this.#arrived(), 50);
      await new Promise<void>((resolve) => (this.#arrived = resolve));
      clearTimeout(timer);
    }
  }

  readonly #hear = (trace: TracedPacket): void => {
    if (this.#seen.traces.at(-1) !== trace && !this.#seen.traces.includes(trace))
      this.#seen.traces.push(trace);
    this.#arrived();
  };

  #listen(): void {
    this.wire.on("message", ({ link, packet }: OnWire) => {
      const decoded = decode(Buffer.from(packet, "hex"));
      if (decoded) this.#seen.out.push({ link: links[link]!, packet: decoded });
      this.#arrived();
    });
  }
}

/** iptables' tables without a rule; the raw table stays, for it has our TRACE. */
const noRules = ["mangle", "filter", "nat"].map((table) => `*${table}\nCOMMIT\n`).join("");
export const endNames: readonly string[] = ["ip ends", "ip6 ends"];
/**
 * They ask for a state, as kube-proxy's rules do: where no rule does, and none translates, the
 * kernel tracks no connections and passes the chains of type nat by (nft_ct.c, nft_nat.c:
 * nf_ct_netns_get). Our kernel always tracks.
 */
const endTables = endNames
  .map(
    (name) =>
      `table ${name} { chain end { type filter hook postrouting priority 2000;\nct state invalid\n}\n}\n`,
  )
  .join("");

/** Takes away the tables of the rules before, and of iptables all but the raw one. */
function clearing(house: Namespaces): string {
  const tables = house.run("node", "nft", ["list", "tables"]);
  return tables
    .split("\n")
    .filter((line) => line !== "" && !/ raw$/.test(line))
    .map((line) => `delete ${line}\n`)
    .join("");
}

const ended = ({ steps }: TracedPacket): boolean =>
  steps.some(
    ({ table, chain, rule, verdict }) =>
      endNames.includes(table) ||
      (table === "nat" && chain === "POSTROUTING" && (rule === undefined || verdict === "ACCEPT")),
  );

async function child(
  house: Namespaces,
  namespace: string,
  file: string,
  ...args: string[]
): Promise<ChildProcess> {
  const started = house.start(
    namespace,
    process.execPath,
    [fileURLToPath(new URL(file, import.meta.url)), "serve", ...args],
    ["ignore", "inherit", "inherit", "ipc"],
  );
  await once(started, "message");
  return started;
}

/**
 * A VXLAN device is made where its UDP socket shall live, and then moved into the node. Its other
 * end must be another host's (vxlan_core.c, encap_bypass_if_local).
 */
function plug(house: Namespaces, link: Link, i: number): void {
  house.ip(
    [
      `link add vx${i} type vxlan id ${i + 1} local ${ends.tunnel} dstport ${nodePort(i)} noudpcsum nolearning dev wire`,
      `link set vx${i} netns @node name ${link}`,
    ],
    "tunnel",
  );
  house.run("node", "bridge", [
    "fdb",
    "append",
    "00:00:00:00:00:00",
    "dev",
    link,
    "dst",
    ends.world,
    "port",
    `${wirePort(i)}`,
  ]);
  // no address of its own making, which it would announce; it makes one as soon as it is up
  house.ip(
    [`link set ${link} address ${nodeMac(i)} addrgenmode none`, `link set ${link} up`],
    "node",
  );
}

function settle(house: Namespaces): void {
  house.sysctl("node", {
    "net.ipv4.ip_forward": 1,
    "net.ipv6.conf.all.forwarding": 1,
    "net.ipv4.conf.all.route_localnet": 1,
    "net.ipv4.icmp_ratemask": 0,
    "net.ipv6.icmp.ratelimit": 0,
    ...Object.fromEntries(
      ["all", ...links].flatMap((link) => [
        [`net.ipv4.conf.${link}.rp_filter`, 0],
        [`net.ipv4.conf.${link}.send_redirects`, 0],
      ]),
    ),
  });
  const gateways = { IPv4: "169.254.1.1", IPv6: "fe80::1" };
  for (const family of ["IPv4", "IPv6"] as const) {
    const bits = readAddress(nodeAddresses[family])!.family === "IPv4" ? 32 : 128;
    house.ip(
      [
        `address add ${nodeAddresses[family]}/${bits} dev eth0${bits === 128 ? " nodad" : ""}`,
        ...links.map(
          (link) =>
            `neighbour add ${gateways[family]} lladdr ${worldMac} dev ${link} nud permanent`,
        ),
        `route add ${family === "IPv4" ? "default" : "::/0"} via ${gateways[family]} dev eth0 onlink`,
        `route add ${podRanges[family]} via ${gateways[family]} dev pods onlink`,
      ],
      "node",
    );
  }
}
