/**
 * Lists of `nft list ruleset`, compared without what is left to chance: the order of blocks and of
 * elements, handles, and how long an element still lives.
 */

/** "table ip kube-proxy / chain services" -> its lines. */
export type Blocks = ReadonlyMap<string, readonly string[]>;

export function blocksOf(text: string): Blocks {
  const blocks = new Map<string, string[]>();
  const open: string[] = [];
  for (const raw of withSortedElements(text).split("\n")) {
    const line = raw
      .trim()
      .replace(/\s+/g, " ")
      .replace(/ # handle \d+| expires [0-9a-z]+/g, "");
    if (line === "") continue;
    if (/^(table|chain|set|map) .*\{$/.test(line)) {
      open.push(line.slice(0, -1).trim());
      blocks.set(open.join(" / "), []);
    } else if (line === "}") open.pop();
    else blocks.get(open.join(" / "))!.push(line);
  }
  return blocks;
}

const withSortedElements = (text: string): string =>
  text.replace(
    /elements = \{([^]*?)\}/g,
    (_, inner: string) =>
      `elements = { ${inner
        .split(/,(?![^{]*\})/)
        .map((each) => each.trim().replace(/\s+/g, " "))
        .filter(Boolean)
        .sort()
        .join(", ")} }`,
  );

/** The blocks that differ, each in a line. */
export function differing(ours: Blocks, real: Blocks): string[] {
  const names = [...new Set([...ours.keys(), ...real.keys()])].sort();
  const told = (lines: readonly string[] | undefined): string => JSON.stringify(lines ?? null);
  return names
    .filter((name) => told(ours.get(name)) !== told(real.get(name)))
    .map((name) => `${name}: ours ${told(ours.get(name))} real ${told(real.get(name))}`);
}

/**
 * Commands for `nft -f`, by what they are about, those of one chain in their order: kube-proxy goes
 * through Services and names by chance.
 */
export const commandsOf = (text: string): Blocks => {
  const commands = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const about = line.split(" ").slice(0, 5).join(" ");
    commands.set(about, [...(commands.get(about) ?? []), line]);
  }
  // elements of one set come from several Services
  for (const [about, lines] of commands) if (/ element /.test(about)) lines.sort();
  return commands;
};

/**
 * The same of iptables-save's lists and of what iptables-restore is given: "nat KUBE-SVC-…" -> its
 * rules, in order; those of the chains that all Services share, sorted.
 */
export function chainsOf(text: string): Blocks {
  const chains = new Map<string, string[]>();
  let table = "";
  const add = (about: string, line: string): void =>
    void chains.set(about, [...(chains.get(about) ?? []), line]);
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line;
    else if (/^[:-]/.test(line)) add(`${table} ${line.split(/[: ]/)[1]!}`, line);
  }
  for (const [about, lines] of chains)
    if (/KUBE-(SERVICES|NODEPORTS|EXTERNAL-SERVICES|PROXY-FIREWALL)$/.test(about)) lines.sort();
  return chains;
}
