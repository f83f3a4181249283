/** Why a rule is there, whichever mode of kube-proxy wrote it: each says it in its own file. */
import { Rule } from "../../net/iptables/rule.js";
import type { ShownRule } from "../../net/dataplane.js";
import { why } from "./iptables/why.js";

/** One sentence; undefined where no mode knows such rules. */
export function whyOf(rule: ShownRule, chain: string): string | undefined {
  if (rule instanceof Rule) return why(rule, chain);
  return rule.why?.(chain);
}
