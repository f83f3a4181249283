/** Whom a place asks for names, and what it appends: its /etc/resolv.conf. */
import { searchNames } from "../../node/resolver.js";
import type { Place } from "../place.js";

export interface Resolver {
  servers: string[];
  search: string[];
  ndots: number;
}

/** What /etc/resolv.conf says, now. */
export function resolverOf({ files }: Place): Resolver {
  const resolver: Resolver = { servers: [], search: [], ndots: 1 };
  const entry = files.find("/etc/resolv.conf");
  const text = entry?.kind === "made" ? entry.make() : entry?.kind === "file" ? entry.bytes : "";
  for (const line of text.split("\n")) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === "nameserver" && values[0] !== undefined) resolver.servers.push(values[0]);
    if (key === "search") resolver.search = values;
    if (key === "options")
      for (const each of values)
        if (each.startsWith("ndots:")) resolver.ndots = Number(each.slice(6));
  }
  return resolver;
}

/** The names to ask for in turn. */
export const namesFor = ({ search, ndots }: Resolver, name: string): string[] =>
  searchNames(name, search, ndots);
