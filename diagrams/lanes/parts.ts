/** The parts of a rule that a reader looks for: whom it takes, what it does, and what is noted. */
export interface Parts {
  /** What its writer noted; empty where nothing. */
  comment: string;
  /** Which packets it takes; empty: all. */
  match: string;
  /** What it does with them. */
  verdict: string;
}

/** A rule as iptables-save prints it (without -A and chain), or `nft list` in one line. */
export function partsOf(rule: string): Parts {
  const comment = /(?:-m comment --comment|\bcomment) ("(?:[^"\\]|\\.)*"|\S+) ?/.exec(rule);
  const rest = comment ? rule.replace(comment[0], "") : rule;
  const verdict =
    /(?:^| )(-[jg] .*|(?:jump|goto|dnat|snat|masquerade|accept|drop|reject|return)\b.*)$/;
  const target = verdict.exec(rest)?.[1] ?? (rest.startsWith("policy ") ? rest : "");
  return {
    comment: (comment?.[1] ?? "").replace(/^"|"$/g, "").replace(/\\(.)/g, "$1"),
    match: rest.slice(0, rest.length - target.length).trim(),
    verdict: target.trim(),
  };
}
