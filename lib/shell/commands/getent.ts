/** getent: what the resolver and /etc/hosts say. (glibc, nss/getent.c) */
import type { Act } from "../../machinery/act.js";
import { readAddress } from "../../net/ip.js";
import { nameAt } from "../network/dns.js";
import type { Context } from "../place.js";
import { resolved } from "./names.js";

export function* getent(context: Context): Act<number> {
  const [database, ...keys] = context.args;
  if (database !== "hosts" && database !== "ahosts" && database !== "ahostsv4") {
    yield* context.err(`Unknown database: ${database ?? ""}\n`);
    yield* context.out("Try `getent --help' or `getent --usage' for more information.\n");
    return 1;
  }
  let status = 0;
  for (const key of keys) {
    const own = ownLine(context, key) ?? reversedLine(context, key);
    if (own !== undefined && database === "hosts") {
      yield* context.out(`${own}\n`);
      continue;
    }
    const found = yield* resolved(context, key);
    if (!Array.isArray(found)) {
      status = 2;
      continue;
    }
    const name = nameFor(context, key);
    if (database === "hosts")
      for (const address of found.sort()) yield* context.out(`${address.padEnd(15)} ${name}\n`);
    else
      for (const address of found)
        for (const kind of ["STREAM", "DGRAM", "RAW"])
          yield* context.out(
            `${address.padEnd(15)} ${kind.padEnd(6)} ${kind === "STREAM" ? name : ""}\n`,
          );
  }
  return status;
}

/** What /etc/hosts has of a name or an address; of IPv6 first, as gethostbyname2 is asked. */
function ownLine({ place }: Context, key: string): string | undefined {
  const lines = place.files.read("/etc/hosts").split("\n");
  const found = lines
    .map((line) => line.replace(/#.*/, "").trim().split(/\s+/))
    .filter(([address, ...names]) => address && (names.includes(key) || address === key));
  const [address, ...names] = found.find(([each]) => each!.includes(":")) ?? found[0] ?? [];
  return address === undefined ? undefined : `${address.padEnd(15)} ${names.join(" ")}`;
}

/** An address is asked for its name. */
function reversedLine({ place }: Context, key: string): string | undefined {
  const address = readAddress(key);
  const name = address && nameAt(place, address.text);
  return name === undefined ? undefined : `${address!.text.padEnd(15)} ${name}`;
}

/** Under which full name the resolver found it. */
function nameFor({ place }: Context, key: string): string {
  const { trail } = place.network.lookUp(key);
  return trail.find((line) => / (A|AAAA) /.test(line))?.split(" ")[0] ?? key;
}
