// What a text that somebody pastes looks like, and how the page says what the command says.

import { isJSON } from "stopover/internal/net/nftables/looks";

/** A dump has what a manifest has not: Pods with addresses, Nodes with a status. */
export const looksDumped = (/** @type {string} */ text) =>
  /(?:^|[\s{,])"?(?:podIP|nodeInfo)"?\s*:/.test(text);

/**
 * What iptables-save, `nft list ruleset` and its JSON begin with, at a line's beginning: a manifest
 * may have such rules in it.
 */
export const looksLikeRules = (/** @type {string} */ text) =>
  /^\*(nat|filter|mangle|raw)\b|^table (ip|ip6|inet) \S+ \{/m.test(text) || isJSON.test(text);

/** Where the library names an option of the command, the page has a box. */
export const wordsOfThePage = (/** @type {string} */ sentence) =>
  sentence
    .replace(/; say --url$/, "; write a URL into its box")
    .replace(
      /: stopover packet --rules FILE reads (them|it)$/,
      (_, what) => `: paste ${what} into the box for a node's rules`,
    );
