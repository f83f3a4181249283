/** What one redis process holds: strings under keys, some of which expire. */
import { expanded } from "../../node/kubelet/containers/expansion.js";
import type { Reached } from "../images.js";
import { bulk, FULL, integer, NO_INTEGER, error, whole } from "./replies.js";

const MOST_KEYS = 10_000;

export class Database {
  readonly password: string | undefined;
  readonly #data = new Map<string, { value: string; until: number }>();
  readonly #began: number;
  /** Commands that it has been told. */
  processed = 0;

  constructor(private readonly reached: Reached) {
    this.#began = reached.clock.now();
    const { words } = reached;
    const at = words.indexOf("--requirepass");
    const { variables } = reached.place();
    this.password =
      at < 0 ? undefined : expanded(words[at + 1] ?? "", (one) => variables?.get(one));
  }

  get now(): number {
    return this.reached.clock.now();
  }

  get(key: string): { value: string; until: number } | undefined {
    const found = this.#data.get(key);
    if (!found || found.until > this.now) return found;
    this.#data.delete(key);
    return undefined;
  }

  /** False: there is no room for another. */
  set(key: string, value: string, until = Infinity): boolean {
    if (this.#data.size >= MOST_KEYS && !this.#data.has(key)) return false;
    this.#data.set(key, { value, until });
    return true;
  }

  delete(key: string): boolean {
    return this.get(key) !== undefined && this.#data.delete(key);
  }

  clear(): void {
    this.#data.clear();
  }

  keys(): string[] {
    return [...this.#data.keys()].filter((key) => this.get(key) !== undefined);
  }

  add(key: string, by: bigint): string {
    const found = this.get(key);
    const next = whole(found?.value ?? "0");
    if (next === undefined) return NO_INTEGER;
    if (whole(String(next + by)) === undefined)
      return error("ERR increment or decrement would overflow");
    if (!this.set(key, String(next + by), found?.until)) return FULL;
    return integer(next + by);
  }

  /** What is known of a process that is none: what it would be told by its machine is left out. */
  info(sections: readonly string[]): string {
    const seconds = Math.floor((this.now - this.#began) / 1000);
    const keys = this.keys();
    const expires = keys.filter((key) => this.get(key)!.until !== Infinity).length;
    const all: Record<string, string[]> = {
      Server: [
        "redis_version:7.0.15",
        "redis_mode:standalone",
        `tcp_port:${this.reached.port}`,
        `uptime_in_seconds:${seconds}`,
        `uptime_in_days:${Math.floor(seconds / 86_400)}`,
      ],
      Stats: [`total_commands_processed:${this.processed}`],
      Replication: ["role:master", "connected_slaves:0"],
      Keyspace: keys.length > 0 ? [`db0:keys=${keys.length},expires=${expires},avg_ttl=0`] : [],
    };
    const isAll = sections.length === 0 || sections.some((one) => /^(all|default)$/i.test(one));
    const wanted = Object.entries(all).filter(
      ([title]) => isAll || sections.some((one) => one.toLowerCase() === title.toLowerCase()),
    );
    return bulk(
      wanted.map(([title, lines]) => [`# ${title}`, ...lines, ""].join("\r\n")).join("\r\n"),
    );
  }
}
