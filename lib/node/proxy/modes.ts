/**
 * The proxy modes that there are, by the names that `--proxy-mode` takes. The first journey needs
 * one of them; the others come with given.ts, for which a page waits until somebody asks.
 */
import type { Machine } from "../machine.js";
import type { ProxyMode } from "./backend.js";
import { iptablesMode } from "./iptables/backend.js";

/** What `--proxy-mode` takes. */
export const modeNames: readonly string[] = ["iptables", "nftables", "ipvs"];

interface Known {
  mode: ProxyMode;
  /** Why nobody knows what its nodes do. */
  doubt: Machine["doubt"];
}

const known = new Map<string, Known>([["iptables", { mode: iptablesMode(), doubt: undefined }]]);

/** From now on there is a mode that came later. */
export const addMode = (name: string, mode: ProxyMode, doubt?: Machine["doubt"]): void =>
  void known.set(name, { mode, doubt });

/** A mode by its name, or as it is. Throws where there is none of that name. */
export function proxyMode(mode: string | ProxyMode = "iptables"): Known {
  if (typeof mode === "function") return { mode, doubt: undefined };
  const found = known.get(mode);
  if (found) return found;
  throw new Error(
    modeNames.includes(mode)
      ? `proxyMode "${mode}": the part that has it (given.js) is not loaded`
      : `proxyMode ${JSON.stringify(mode)}: there is no such mode; known are ${modeNames.join(", ")}`,
  );
}
