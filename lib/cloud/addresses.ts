/**
 * Who gets which address of the network that a cloud's machines and load balancers share,
 * 192.168.0.0/16 as in the article's figures, and of the internet. Nothing here is Kubernetes':
 * all numbers are our own choice, made once and here.
 *
 *     192.168.x.1 to .239        machines: node-a is 192.168.0.1
 *     192.168.x.250 to .240      load balancers, from above: the first connects from 192.168.0.250
 *     192.168.0.254              the control plane, outside of the nodes
 *     192.168.255.250 and down   in a dump, which does not tell: where proxying ones connect from
 *     192.168.255.254            the gateway
 *     198.51.100.10 to .254      load balancers on the internet (TEST-NET-2, RFC 5737),
 *     198.18.0.1 and up          and more of them (kept for benchmarks, RFC 2544)
 */

/** Where packets go that no node's route knows: an address of the network that is nobody's. */
export const gateway = "192.168.255.254";

/** The prefix length of the machines' network, in each family. */
export const machinePrefix = { IPv4: 16, IPv6: 64 } as const;

/** For machines, in order: 192.168.0.1, 192.168.0.2, … */
export function* machineAddresses(): Generator<string> {
  for (let third = 0; third < 256; third++)
    for (let last = 1; last <= 239; last++) yield `192.168.${third}.${last}`;
}

/** Where load balancers connect from inside the network: 192.168.0.250, 192.168.0.249, … */
export function* balancerAddresses(): Generator<string> {
  for (let third = 0; third < 256; third++)
    for (let last = 250; last >= 240; last--) yield `192.168.${third}.${last}`;
}

/** Stand-ins for what a dump does not tell: where its proxying load balancers connect from. */
export function* standInAddresses(): Generator<string> {
  for (let third = 255; third >= 0; third--)
    for (let last = 250; last >= 1; last--) yield `192.168.${third}.${last}`;
}

/** The same in IPv6: 2001:db8:ffff::1 and up (RFC 3849). */
export function* standInAddressesIPv6(): Generator<string> {
  for (let last = 1; last <= 0xffff; last++) yield `2001:db8:ffff::${last.toString(16)}`;
}

/**
 * For load balancers on the internet. `prefix`: the first three parts of another range to take them
 * from, and from nowhere else.
 */
export function* publicAddresses(prefix?: string): Generator<string> {
  for (let last = 10; last <= 254; last++) yield `${prefix ?? "198.51.100"}.${last}`;
  if (prefix !== undefined) return;
  for (let third = 0; third < 256; third++)
    for (let last = 1; last <= 254; last++) yield `198.18.${third}.${last}`;
}

/**
 * Addresses that are given out one by one, each to one holder at a time. One that came back rests
 * until all others have been given.
 */
export class AddressPool {
  readonly #fresh: Iterator<string>;
  readonly #given = new Set<string>();
  readonly #returned: string[] = [];

  constructor(fresh: Iterable<string>) {
    this.#fresh = fresh[Symbol.iterator]();
  }

  /** The next address that nobody has; undefined where all are taken. */
  take(isTaken: (address: string) => boolean): string | undefined {
    const address = this.#next(isTaken);
    if (address !== undefined) this.#given.add(address);
    return address;
  }

  #next(isTaken: (address: string) => boolean): string | undefined {
    for (let next = this.#fresh.next(); !next.done; next = this.#fresh.next())
      if (!isTaken(next.value)) return next.value;
    const rested = this.#returned.findIndex((address) => !isTaken(address));
    return rested < 0 ? undefined : this.#returned.splice(rested, 1)[0];
  }

  /** Takes an address back that it gave; others are none of its business. */
  putBack(address: string): void {
    if (this.#given.delete(address)) this.#returned.push(address);
  }
}

/** Who has which addresses. An address may have several holders: load balancers can share an IP. */
export class AddressBook {
  readonly #holders = new Map<string, Set<string>>();
  readonly #addresses = new Map<string, readonly string[]>();

  /**
   * From now on `holder` has these addresses and no others. Answers those of its former ones that
   * nobody has any more.
   */
  hold(holder: string, addresses: readonly string[]): string[] {
    const freed = this.release(holder);
    this.#addresses.set(holder, addresses);
    for (const address of addresses)
      this.#holders.set(address, (this.#holders.get(address) ?? new Set()).add(holder));
    return freed.filter((address) => !addresses.includes(address));
  }

  /** Answers the addresses that nobody has any more. */
  release(holder: string): string[] {
    const freed = (this.#addresses.get(holder) ?? []).filter((address) => {
      const holders = this.#holders.get(address);
      holders?.delete(holder);
      return holders?.size === 0 && this.#holders.delete(address);
    });
    this.#addresses.delete(holder);
    return freed;
  }

  holdersOf(address: string): ReadonlySet<string> {
    return this.#holders.get(address) ?? none;
  }
}

const none: ReadonlySet<string> = new Set();
