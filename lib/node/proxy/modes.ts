/** The proxy modes that there are, by the names that `--proxy-mode` takes. */
import type { ProxyMode } from "./backend.js";
import { iptablesMode } from "./iptables/backend.js";

export const proxyModes: Readonly<Record<string, ProxyMode>> = {
  iptables: iptablesMode(),
};

/** A mode by its name, or as it is. Throws where there is none of that name. */
export function proxyMode(mode: string | ProxyMode = "iptables"): ProxyMode {
  if (typeof mode === "function") return mode;
  if (Object.hasOwn(proxyModes, mode)) return proxyModes[mode]!;
  throw new Error(
    `proxyMode ${JSON.stringify(mode)}: there is no such mode; known are ${Object.keys(proxyModes).join(", ")}`,
  );
}
