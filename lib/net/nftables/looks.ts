/** What tells nftables' text from iptables', without reading it. */

/** Where rules begin: what `nft list ruleset` prints, or what `nft -f` takes. */
export const first =
  /^[ \t]*(?:(?:re)?define \w+ *=|table (?:(?:ip|ip6|inet|arp|bridge|netdev) )?\S+ \{|table (?:ip|ip6|inet|arp|bridge|netdev) |flush ruleset|(?:add|create|destroy|delete|flush) (?:table|chain|set|map|rule) |#!.*\bnft\b)/m;
/** What `nft -j` prints. */
export const isJSON = /^\s*\{\s*"nftables"\s*:/;

/** Whether a text is nftables' and not iptables'. */
export const isNftables = (text: string): boolean => isJSON.test(text) || first.test(text);
