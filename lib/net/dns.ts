/**
 * Names to addresses: a zone holds records, `resolve` follows them as a recursive resolver does
 * (RFC 1034, section 4.3.2). The internet's zone holds the cloud's and the user's names; each
 * cluster has a zone of its own, which node/coredns.ts programs.
 */
export type DnsRecord = AddressRecord | { type: "CNAME"; target: string };
export interface NamedPort {
  name?: string;
  /** Default: TCP. */
  protocol?: string;
  port: number;
}
interface AddressRecord {
  type: "A" | "AAAA";
  address: string;
}

/**
 * What a look-up met, one line a record: `mynginx-app.com CNAME 1234.ap-south-1.elb.amazonaws.com`.
 */
export interface Resolution {
  addresses: string[];
  trail: string[];
  /** Set where no address came of it: which name was missing, and why. */
  failure?: string;
}

/** RFC 1034 leaves the bound to the resolver; BIND's max-query-restarts is 11. */
export const longestChain = 11;

export class Zone {
  readonly #records = new Map<string, DnsRecord[]>();
  /** What stands at a name's ports, for SRV records (RFC 2782). */
  readonly ports = new Map<string, readonly NamedPort[]>();

  /**
   * Replaces all records of `name`; an empty list removes it. Names are case-blind (RFC 4343) and a
   * final dot is ignored.
   */
  set(name: string, records: DnsRecord[]): void {
    if (records.length) this.#records.set(canonicalName(name), records);
    else this.#records.delete(canonicalName(name));
  }

  has(name: string): boolean {
    return this.#records.has(canonicalName(name));
  }

  /** All names with their records, in the order of their making. */
  entries(): [name: string, records: DnsRecord[]][] {
    return [...this.#records];
  }

  /**
   * Follows CNAMEs to addresses. `fallback`: where to go on when this zone does not know a name
   * (the cluster's DNS forwards to the internet's).
   */
  resolve(name: string, fallback?: Zone): Resolution {
    const trail: string[] = [];
    let at = canonicalName(name);
    for (let i = 0; i < longestChain; i++) {
      const records = this.#records.get(at) ?? fallback?.lookUp(at);
      if (!records)
        return { addresses: [], trail, failure: `no DNS server knows the name "${at}" (NXDOMAIN)` };
      const alias = records.find((r) => r.type === "CNAME");
      if (!alias) {
        const found = records as AddressRecord[];
        const answers = found.map(({ type, address }) => `${at} ${type} ${address}`);
        return { addresses: found.map(({ address }) => address), trail: [...trail, ...answers] };
      }
      trail.push(`${at} CNAME ${alias.target}`);
      at = canonicalName(alias.target);
    }
    return {
      addresses: [],
      trail,
      failure: `"${name}" leads through more than ${longestChain} CNAMEs: probably a circle`,
    };
  }

  lookUp(name: string): DnsRecord[] | undefined {
    return this.#records.get(canonicalName(name));
  }
}

export const addressRecord = (address: string): DnsRecord => ({
  type: address.includes(":") ? "AAAA" : "A",
  address,
});

export const canonicalName = (name: string): string => name.toLowerCase().replace(/\.$/, "");
