/** What iptables' match modules remember in one kernel: xt_recent's lists, nfacct's counters. */
import type { Look, LookKernel } from "./look.js";
import type { Match } from "./syntax.js";

/** xt_recent's module parameter ip_list_tot: so many addresses a list remembers. */
const recentSize = 100;

/** Of each kernel, what its modules remember. */
const known = new WeakMap<object, Modules>();
export function modulesOf(kernel: LookKernel): Modules {
  let modules = known.get(kernel);
  if (modules === undefined) known.set(kernel, (modules = new Modules(kernel.conntrack.clock)));
  return modules;
}

export class Modules {
  /** nfacct: how many packets each counter saw. */
  readonly accounts = new Map<string, number>();
  readonly #recent = new Map<string, Map<string, number>>();

  constructor(readonly clock: { now(): number }) {}

  /**
   * xt_recent: whether the list knows the address (and, with `seconds`, since when at most); set,
   * update and remove change it.
   */
  recent(look: Look, { action, list, seconds, side }: Match & { kind: "recent" }): boolean {
    const entries = this.#recent.get(list) ?? new Map<string, number>();
    this.#recent.set(list, entries);
    const address = (side === "rdest" ? look.destination : look.source).text;
    const since = entries.get(address);
    const known =
      since !== undefined && (seconds === undefined || this.clock.now() - since <= seconds * 1000);
    if (action === "set" || (action === "update" && known))
      this.#remember(entries, address, look.undo);
    if (action === "remove" && since !== undefined) {
      look.undo?.push(() => entries.set(address, since));
      entries.delete(address);
    }
    return action === "set" || (action === "remove" ? since !== undefined : known);
  }

  /** Puts the address at the list's end; a full list forgets what it has not seen for longest. */
  #remember(entries: Map<string, number>, address: string, undo: (() => void)[] | undefined): void {
    if (undo) {
      const before = [...entries];
      undo.push(() => {
        entries.clear();
        for (const [key, time] of before) entries.set(key, time);
      });
    }
    entries.delete(address);
    if (entries.size >= recentSize) entries.delete(entries.keys().next().value!);
    entries.set(address, this.clock.now());
  }

  /** xt_nfacct: counts the packet. */
  account(look: Look, name: string): void {
    const before = this.accounts.get(name) ?? 0;
    this.accounts.set(name, before + 1);
    look.undo?.push(() => this.accounts.set(name, before));
  }
}
