/**
 * A real Linux kernel judges our nftables: random rule sets that no program wrote, alone and beside
 * random rules of iptables; each list must be as nft prints it, and each packet must meet the same
 * rules and leave the same way.
 *
 *     node test/dist/nftables-oracle.test.js        20 rule sets x 12 packets, each way
 *     STOPOVER_ORACLE=500x40 node …                 for the record; add STOPOVER_SEED=7 for others
 */
import fc from "fast-check";
import { test } from "uvu";
import { preflight } from "stopover/internal/doors/lab/preflight";
import { parseNftables } from "stopover/internal/net/nftables/parse";
import { listText } from "stopover/internal/net/nftables/text";
import { needs } from "./needs.js";
import { nftJudge } from "./oracle/nft-judge.js";
import { listedByNft, ruleText, tableWith } from "./oracle/nft-texts.js";
import { nftRuleSet } from "./oracle/nft-rulesets.js";
import { asIPv6, packetAsIPv6 } from "./oracle/ipv6.js";
import { Rig, type Saved } from "./oracle/rig.js";
import { anyPacket, ruleSet } from "./oracle/rulesets.js";
import { recordedNftables } from "./recorded-nftables.js";
import { seed } from "./seed.js";

const [sets, packets] = (process.env["STOPOVER_ORACLE"] ?? "20x12").split("x").map(Number) as [
  number,
  number,
];
const path = process.env["STOPOVER_PATH"];
/** A pattern of the names of the contests to run. */
const only = process.env["STOPOVER_CONTEST"];
const missing = preflight();
let serial = 1024;
const nextPort = (): number => (serial = serial >= 31000 ? 1024 : serial + 1);

const shots = fc.array(anyPacket, { minLength: packets, maxLength: packets });
/** What a real kube-proxy wrote, and packets to what its Services have. */
const recorded = fc.constantFrom(
  ...[...recordedNftables.values()].filter(({ length }) => length < 20_000),
);
const goals = [
  "10.96.1.1:80",
  "10.96.1.1:81",
  "203.0.113.10:80",
  "192.168.0.1:30080",
  "10.1.1.2:8080",
];
const aimed = fc
  .tuple(anyPacket, fc.constantFrom(...goals))
  .map(([shot, goal]) => (port: number): ReturnType<typeof shot> => {
    const sent = shot(port);
    const [destination, to] = goal.split(":") as [string, string];
    return { ...sent, packet: { ...sent.packet, destination, destinationPort: Number(to) } };
  });

type Shot = typeof anyPacket extends fc.Arbitrary<infer S> ? S : never;
const toIPv6 =
  (shot: Shot): Shot =>
  (port) =>
    packetAsIPv6(shot(port));
const allAsIPv6 = (all: readonly Shot[]): Shot[] => all.map(toIPv6);
const forIPv4 = (text: string): Saved => ({ IPv4: text });
const forIPv6 = (text: string): Saved => ({ IPv6: asIPv6(text) });
/** Two tables of one family have two names. */
const renamed = (text: string): string => text.replace("table inet own2", "table inet own3");

/** The tables of both families let the last packet of both through. */
const openTo = (text: string): string =>
  text.replace(/^table inet [^]*?^\}/gm, (table) =>
    table.replace(/^\t\tip6? saddr (?:198\.51\.100\.98|2001:db8:98::98) accept\n/gm, lastPackets),
  );
const lastPackets = "\t\tip saddr 198.51.100.98 accept\n\t\tip6 saddr 2001:db8:98::98 accept\n";

const contests = [
  [
    "what kube-proxy wrote",
    fc.tuple(
      recorded,
      fc.constant(undefined),
      fc.array(aimed, { minLength: packets, maxLength: packets }),
    ),
  ],
  ["random nftables", fc.tuple(nftRuleSet, fc.constant(undefined), shots)],
  ["random nftables beside random iptables", fc.tuple(nftRuleSet, ruleSet.map(forIPv4), shots)],
  [
    "random nftables of IPv6",
    fc.tuple(nftRuleSet.map(asIPv6), fc.constant(undefined), shots.map(allAsIPv6)),
  ],
  [
    "random nftables of IPv6 beside random iptables",
    fc.tuple(nftRuleSet.map(asIPv6), ruleSet.map(forIPv6), shots.map(allAsIPv6)),
  ],
  [
    "random nftables of both families",
    fc.tuple(
      fc
        .tuple(nftRuleSet, nftRuleSet.map(asIPv6).map(renamed))
        .map((both) => openTo(both.join(""))),
      fc.tuple(ruleSet, ruleSet).map(([four, six]) => ({ ...forIPv4(four), ...forIPv6(six) })),
      shots.map((all) => all.map((each, i) => (i % 2 === 0 ? each : toIPv6(each)))),
    ),
  ],
] as const;

for (const [name, arbitrary] of contests) {
  if (!needs(test, `a real kernel agrees with us on ${name}`, missing)) continue;
  test(`a real kernel agrees with us on ${name}`, async () => {
    if (only !== undefined && !new RegExp(only).test(name)) return;
    const rig = await Rig.build();
    const ends: Record<string, number> = {};
    let rules = 0;
    const property = fc.asyncProperty(
      arbitrary as fc.Arbitrary<
        [string, Saved | undefined, typeof shots extends fc.Arbitrary<infer S> ? S : never]
      >,
      async ([text, saved, sent]) => {
        const made = sent.map((each) => each(nextPort()));
        const difference = await nftJudge(rig, { text, saved }, made, (end, met) => {
          ends[end] = (ends[end] ?? 0) + 1;
          rules += met;
        });
        if (difference)
          throw new Error([difference, "", text, saved?.IPv4, saved?.IPv6].join("\n"));
      },
    );
    try {
      await fc.assert(property, {
        seed,
        numRuns: sets,
        endOnFailure: true, // what is left to chance may fail only once
        reporter: tell,
        ...(path && { path }),
      });
    } finally {
      rig.close();
      const told = Object.entries(ends).map(([end, count]) => `${count} ${end}`);
      console.log(
        `oracle: seed ${seed}: ${sets} rule sets, ${name}: ${told.join(", ")}; ${rules} rules compared`,
      );
    }
  });
}

/** Of these nft makes what nobody would write, such as the ports of ICMP. */
const odd = /@th,|checksum|spi|icmp code|meta protocol|\{ syn \| ack/;

for (const family of ["ip", "ip6", "inet"] as const) {
  const what = `nft lists rules of a table ${family} as we do`;
  if (!needs(test, what, missing)) continue;
  test(what, () => {
    if (only !== undefined && !new RegExp(only).test(what)) return;
    const rules = fc.sample(ruleText(family), { numRuns: 15 * sets, seed });
    const listed = listedByNft(family, rules);
    const differences: string[] = [];
    let same = 0;
    for (const [i, rule] of rules.entries()) {
      const real = listed[i];
      if (real === undefined) continue; // nft does not take it
      const ours = listedByUs(family, rule);
      if (ours === real || odd.test(`${rule} ${real}`)) same++;
      else differences.push(`${rule}\n  ours ${ours}\n  nft  ${real}`);
    }
    console.log(
      `oracle: seed ${seed}: ${same} texts of ${family} agree, ${differences.length} do not`,
    );
    // rules that contradict themselves are told in ways that no reader asks for: one or two in a
    // hundred of these, so that one in twenty is more than chance
    const most = Math.ceil((same + differences.length) / 20);
    if (differences.length > most) throw new Error(`seed ${seed}: ${differences.join("\n")}`);
  });
}

function listedByUs(family: "ip" | "ip6" | "inet", rule: string): string {
  try {
    const text = listText(parseNftables(tableWith(family, rule)));
    return /^\tchain c \{\n\t\t(.*)\n\t\}/m.exec(text)?.[1] ?? text;
  } catch (error) {
    return String(error);
  }
}

/** The first difference in words, and how to see it again. */
function tell<T>({ failed, errorInstance, counterexamplePath }: fc.RunDetails<T>): void {
  if (!failed) return;
  const said = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  throw Object.assign(new Error(`seed ${seed}, path ${counterexamplePath}: ${said}`), {
    stack: "",
  });
}

test.run();
