/** The connections of one run of curl: they are kept open between URLs. */
import { within, type Act } from "../../../machinery/act.js";
import { hash } from "../../../machinery/random.js";
import { endpoint } from "../../../net/ip.js";
import { printable } from "../../../net/printable.js";
import { interfacesOf } from "../interfaces.js";
import { resolved } from "../names.js";
import type { Connection } from "../../network/connection.js";
import { MessageReader } from "../../network/http.js";
import { refusals, type Failed } from "../../network/refusals.js";
import type { Context } from "../../place.js";
import type { Wish } from "./options.js";
import { CurlError, keyOf, type Target } from "./target.js";
import type { Info } from "./write-out.js";

export interface Kept {
  connection: Connection;
  reader: MessageReader;
  /** As -v calls it. */
  number: number;
}

export class Connections {
  readonly #open = new Map<string, Kept>();
  /** How many there were, those that could not be opened with them. */
  count = 0;

  constructor(
    private readonly context: Context,
    private readonly wish: Wish,
    /** What -v shows. */
    private readonly say: (text: string) => Act<void>,
  ) {}

  get #clock() {
    return this.context.place.acts.clock;
  }

  close(): void {
    for (const { connection } of this.#open.values()) connection.close();
    this.#open.clear();
  }

  forget(target: Target): void {
    this.#open.delete(keyOf(target));
  }

  /** One that is open, or a new one. Throws CurlError. */
  *to(target: Target, info: Info): Act<Kept> {
    const kept = this.#open.get(keyOf(target));
    if (kept && !kept.connection.input.readable) {
      const where = (0x5500_0000_0000 + hash(keyOf(target)) * 16).toString(16);
      yield* this.say(
        `* Found bundle for host: 0x${where} [serially]\n* Can not multiplex, even if we wanted to\n* Re-using existing connection #${kept.number} with host ${target.host}\n`,
      );
      return kept;
    }
    const { wish, context } = this;
    const source = this.#source();
    const began = this.#clock.now();
    info.connecting = began;
    const found = yield* this.#addressesOf(target);
    let last: Failed | undefined;
    for (const address of found) {
      yield* this.say(`*   Trying ${endpoint(address, target.port)}...\n`);
      const connecting = context.place.network.connect(
        { address, port: target.port },
        {
          url: `${target.scheme}://${target.name}${target.path}`,
          host: wish.headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? target.name,
          path: target.path,
          sourcePort: wish.sourcePort,
          source,
        },
      );
      const left = (wish.connectMs ?? 300_000) - (this.#clock.now() - began);
      const opened = yield* within(this.#clock, left, connecting);
      if (opened === undefined) {
        const ms = this.#clock.now() - began;
        throw new CurlError(
          28,
          `Failed to connect to ${target.host} port ${target.port} after ${ms} ms: Timeout was reached`,
        );
      }
      if (!("failed" in opened)) {
        delete info.connecting;
        info.connected = this.#clock.now();
        return yield* this.#keep(opened, target, address);
      }
      last = opened;
      const words = opened.failed === "unknown" ? opened.why : refusals[opened.failed];
      yield* this.say(`* connect to ${address} port ${target.port} failed: ${words}\n`);
    }
    const ms = this.#clock.now() - began;
    const reason =
      last?.failed === "unknown" ? `not modelled: ${last.why}` : "Couldn't connect to server";
    throw new CurlError(
      last?.failed === "ETIMEDOUT" ? 28 : 7,
      `Failed to connect to ${target.host} port ${target.port} after ${ms} ms: ${reason}`,
    );
  }

  *#keep(connection: Connection, target: Target, address: string): Act<Kept> {
    const number = this.count++;
    yield* this.say(
      `* Connected to ${target.host} (${address}) port ${target.port} (#${number})\n`,
    );
    if (target.scheme === "https") {
      connection.close();
      throw new CurlError(35, "TLS is not modelled here: ask with http");
    }
    const kept = { connection, reader: new MessageReader(connection.input), number };
    this.#open.set(keyOf(target), kept);
    return kept;
  }

  *#addressesOf(target: Target): Act<readonly string[]> {
    const { wish, context } = this;
    const given = wish.resolve.get(`${target.host}:${target.port}`);
    const found =
      given === undefined ? yield* resolved(context, target.host, wish.family) : [given];
    if ("unknown" in found)
      throw new CurlError(6, `Could not resolve host: ${printable(target.host)}: ${found.unknown}`);
    if ("failed" in found || found.length === 0)
      throw new CurlError(6, `Could not resolve host: ${target.host}`);
    return found;
  }

  /** The address that --interface stands for. */
  #source(): string | undefined {
    const { source } = this.wish;
    if (source === undefined) return undefined;
    const own = interfacesOf(this.context).flatMap(({ name, addresses }) =>
      addresses.map((each) => ({ name, address: each.split("/")[0] })),
    );
    const named = own.find(({ name, address }) => address === source || name === source);
    if (named) return named.address;
    throw new CurlError(45, `bind failed with errno 99: Address not available`);
  }
}
