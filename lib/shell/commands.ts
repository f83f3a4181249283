/** The programs that every place has, by name: what a debugging image brings along. */
import type { Command } from "./place.js";
import { awks } from "./commands/awk.js";
import { connections } from "./commands/conntrack.js";
import { base64, cut, paste, tr } from "./commands/cut.js";
import { curl } from "./commands/curl.js";
import { dig } from "./commands/dig.js";
import { files } from "./commands/files.js";
import { find } from "./commands/find.js";
import { filters } from "./commands/filters.js";
import { getent } from "./commands/getent.js";
import { interpreters } from "./commands/interpreters.js";
import { addresses } from "./commands/ip.js";
import { lines } from "./commands/lines.js";
import { ls, stat } from "./commands/ls.js";
import { nc } from "./commands/nc.js";
import { host, nslookup } from "./commands/nslookup.js";
import { basename, dirname, readlink, realpath } from "./commands/paths.js";
import { ping } from "./commands/ping.js";
import { printenv } from "./commands/printenv.js";
import { rules } from "./commands/rules.js";
import { sort, uniq } from "./commands/sort.js";
import { sockets } from "./commands/ss.js";
import { editors } from "./commands/sed.js";
import { system } from "./commands/system.js";
import { captures } from "./commands/tcpdump.js";
import { tar } from "./commands/tar.js";
import { wc } from "./commands/wc.js";
import { wget } from "./commands/wget.js";

export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    ...interpreters,
    ...files,
    ...{ ls, stat, find, basename, dirname, readlink, realpath },
    ...lines,
    ...{ sort, uniq, wc, cut, paste, tr, base64 },
    ...filters,
    ...editors,
    ...awks,
    ...system,
    ...{ dig, nslookup, host, getent },
    printenv,
    ...{ ping, ping6: ping, nc, netcat: nc, ncat: nc, wget },
    ...addresses,
    ...sockets,
    ...rules,
    ...connections,
    ...captures,
    curl,
    tar,
  }),
);
