/** dig, nslookup, host and getent, as bind's tools of Debian 12 and glibc print. */
import { sleep, type Act } from "../../machinery/act.js";
import { readAddress } from "../../net/ip.js";
import { dated } from "../dates.js";
import { ask, namesFor, resolverOf, reverseName, type Answer, type NoAnswer } from "../dns.js";
import type { Command, Context } from "../place.js";
import { refuse } from "./common.js";
import { resolved } from "./names.js";

/** Bind's tools wait five seconds, three times; nslookup and host give up sooner. */
const WAIT_MS = 5_000;

/** Each server in turn, so often; undefined: nobody answers. */
function* asked(
  { place }: Context,
  servers: readonly string[],
  name: string,
  type: string,
  { tries, ms }: { tries: number; ms: number },
): Act<{ answer: Answer; server: string } | NoAnswer> {
  let last: NoAnswer = { failed: "timed out" };
  for (let i = 0; i < tries; i++)
    for (const server of servers) {
      const answer = yield* ask(place, server, name, type);
      if (!("failed" in answer)) return { answer, server };
      last = answer;
      if (answer.failed === "timed out") yield* sleep(place.acts.clock, ms);
    }
  return last;
}

function* serverOf(context: Context, server: string): Act<string> {
  const address = readAddress(server)?.text;
  if (address !== undefined) return address;
  const found = yield* resolved(context, server);
  if (!Array.isArray(found) || found.length === 0)
    return yield* refuse(context, 10, `couldn't get address for '${server}': not found`);
  return found[0]!;
}

function* dig(context: Context): Act<number> {
  const { place } = context;
  const resolver = resolverOf(place);
  const questions: { name: string; type: string }[] = [];
  const shows = {
    short: false,
    answer: true,
    all: true,
    question: true,
    comments: true,
    stats: true,
    cmd: true,
  };
  let [searches, tries, seconds, isTcp] = [false, 3, 5, false];
  let { servers } = resolver;
  let type: string | undefined;
  const args = [...context.args];
  while (args.length > 0) {
    const word = args.shift()!;
    if (word.startsWith("@")) servers = [yield* serverOf(context, word.slice(1))];
    else if (word.startsWith("+")) {
      const [, no, name = "", value] = /^\+(no)?(\w+)(?:=(.*))?$/.exec(word) ?? [];
      const on = no === undefined;
      if (name === "all")
        Object.assign(shows, { answer: on, question: on, comments: on, stats: on, cmd: on });
      else if (name in shows) Object.assign(shows, { [name]: on });
      else if (name === "search") searches = on;
      else if (name === "tries") tries = Number(value) || 1;
      else if (name === "retry") tries = (Number(value) || 0) + 1;
      else if (name === "time" || name === "timeout") seconds = Number(value) || 1;
      else if (name === "tcp" || name === "vc") isTcp = on;
    } else if (word === "-x") {
      const name = reverseName(args.shift() ?? "");
      if (name === undefined) return yield* refuse(context, 1, "Invalid IP address");
      questions.push({ name, type: "PTR" });
    } else if (word === "-t") type = (args.shift() ?? "").toUpperCase();
    else if (word === "-p" || word === "-c" || word === "-q") args.shift();
    else if (/^(A|AAAA|CNAME|SRV|PTR|MX|TXT|NS|SOA|ANY)$/i.test(word)) type = word.toUpperCase();
    else if (!/^(IN|-4|-6)$/i.test(word)) questions.push({ name: word, type: "" });
  }
  if (questions.length === 0) questions.push({ name: ".", type: "NS" });
  for (const question of questions) {
    const wanted = question.type || (type ?? "A");
    const names = searches ? namesFor(resolver, question.name) : [question.name];
    const began = place.acts.clock.now();
    let found: { answer: Answer; server: string } | NoAnswer = { failed: "timed out" };
    let name = question.name;
    for (name of names) {
      found = yield* asked(context, servers, name, wanted, { tries, ms: 1000 * seconds });
      if ("failed" in found || found.answer.records.length > 0) break;
    }
    if (shows.cmd && !shows.short)
      yield* context.out(
        `\n; <<>> DiG 9.18.28-1~deb12u2-Debian <<>> ${context.args.join(" ")}\n;; global options: +cmd\n`,
      );
    if ("failed" in found) {
      const at = `${servers[0]}#53`;
      const why =
        found.failed === "timed out"
          ? `;; communications error to ${at}: timed out\n`.repeat(tries)
          : `;; communications error to ${at}: connection refused\n`.repeat(tries);
      yield* context.out(`${why}\n;; no servers could be reached\n`);
      return 9;
    }
    const { answer, server } = found;
    if (shows.short) {
      for (const { data } of answer.records) yield* context.out(`${data}\n`);
      continue;
    }
    const ms = place.acts.clock.now() - began;
    yield* context.out(digText(context, name, wanted, answer, server, shows, { ms, isTcp }));
  }
  return 0;
}

function digText(
  { place }: Context,
  name: string,
  type: string,
  { rcode, records, isAuthoritative }: Answer,
  server: string,
  shows: { answer: boolean; question: boolean; comments: boolean; stats: boolean },
  { ms, isTcp }: { ms: number; isTcp: boolean },
): string {
  const full = name.endsWith(".") ? name : `${name}.`;
  const id = Math.floor(place.random() * 65_536);
  const lines: string[] = [];
  if (shows.comments)
    lines.push(
      ";; Got answer:",
      `;; ->>HEADER<<- opcode: QUERY, status: ${rcode}, id: ${id}`,
      `;; flags: qr ${isAuthoritative ? "aa rd" : "rd ra"}; QUERY: 1, ANSWER: ${records.length}, AUTHORITY: 0, ADDITIONAL: 1`,
      ...(isAuthoritative ? [";; WARNING: recursion requested but not available"] : []),
      "",
      ";; OPT PSEUDOSECTION:",
      "; EDNS: version: 0, flags:; udp: 1232",
    );
  const column = (text: string, width: number): string =>
    text + "\t".repeat(Math.max(1, Math.ceil((width - text.length) / 8)));
  if (shows.question)
    lines.push(
      ...(shows.comments ? [";; QUESTION SECTION:"] : []),
      `;${column(full, 31)}IN\t${type}`,
      "",
    );
  if (shows.answer && records.length > 0) {
    if (shows.comments) lines.push(";; ANSWER SECTION:");
    for (const record of records)
      lines.push(`${column(record.name, 24)}${record.ttl}\tIN\t${record.type}\t${record.data}`);
    if (shows.comments || shows.stats) lines.push("");
  }
  if (shows.stats)
    lines.push(
      `;; Query time: ${ms} msec`,
      `;; SERVER: ${server}#53(${server}) (${isTcp ? "TCP" : "UDP"})`,
      `;; WHEN: ${dated("%a %b %d %H:%M:%S UTC %Y", place.acts.clock.now())}`,
      `;; MSG SIZE  rcvd: ${28 + full.length + records.reduce((sum, { data }) => sum + 12 + data.length, 0)}`,
      "",
    );
  return lines.map((line) => `${line}\n`).join("");
}

function* nslookup(context: Context): Act<number> {
  const { place } = context;
  const words = context.args.filter((word) => !word.startsWith("-"));
  const flags = context.args.filter((word) => word.startsWith("-"));
  const [host, given] = words;
  if (host === undefined)
    return yield* refuse(context, 1, "a name is missing; the interactive mode is not modelled");
  const typed = flags
    .map((flag) => /^-(?:type|query|q|querytype)=(\w+)$/i.exec(flag)?.[1])
    .find(Boolean);
  const resolver = resolverOf(place);
  const servers = given === undefined ? resolver.servers : [yield* serverOf(context, given)];
  const reversed = reverseName(host);
  const names = reversed === undefined ? namesFor(resolver, host) : [reversed];
  const types = typed ? [typed.toUpperCase()] : reversed === undefined ? ["A", "AAAA"] : ["PTR"];
  let text = "";
  for (const name of names) {
    let isFound = false;
    for (const type of types) {
      const found = yield* asked(context, servers, name, type, { tries: 3, ms: WAIT_MS });
      if ("failed" in found) {
        const line = `;; communications error to ${servers[0]}#53: ${found.failed}\n`;
        yield* context.out(`${line.repeat(3)};; no servers could be reached\n\n`);
        return 1;
      }
      const { answer, server } = found;
      if (text === "" && type !== "PTR") text = `Server:\t\t${server}\nAddress:\t${server}#53\n\n`;
      if (answer.rcode === "NXDOMAIN") break;
      if (answer.records.length > 0 && !isFound && !answer.isAuthoritative && type !== "PTR")
        text += "Non-authoritative answer:\n";
      for (const { name: owner, type: kind, data } of answer.records) {
        isFound = true;
        const shown = owner.replace(/\.$/, "");
        if (kind === "A" || kind === "AAAA") text += `Name:\t${shown}\nAddress: ${data}\n`;
        else if (kind === "CNAME") text += `${shown}\tcanonical name = ${data}\n`;
        else if (kind === "PTR") text += `${shown}\tname = ${data}\n`;
        else text += `${shown}\tservice = ${data}\n`;
      }
    }
    if (isFound) {
      yield* context.out(`${text}\n`);
      return 0;
    }
  }
  yield* context.out(
    `${text}** server can't find ${names.at(-1)!.replace(/\.$/, "")}: NXDOMAIN\n\n`,
  );
  return 1;
}

function* host(context: Context): Act<number> {
  const words = context.args.filter((word) => !word.startsWith("-"));
  const [name, given] = words;
  if (name === undefined) return yield* refuse(context, 1, "a name is missing");
  const resolver = resolverOf(context.place);
  const servers = given === undefined ? resolver.servers : [yield* serverOf(context, given)];
  const reversed = reverseName(name);
  for (const each of reversed === undefined ? namesFor(resolver, name) : [reversed]) {
    let isFound = false;
    for (const type of reversed === undefined ? ["A", "AAAA"] : ["PTR"]) {
      const found = yield* asked(context, servers, each, type, { tries: 2, ms: WAIT_MS });
      if ("failed" in found) {
        yield* context.out(
          `;; communications error to ${servers[0]}#53: ${found.failed}\n;; no servers could be reached\n`,
        );
        return 1;
      }
      for (const { name: owner, type: kind, data } of found.answer.records) {
        if (isFound && kind === "CNAME") continue;
        isFound = true;
        const verb =
          {
            A: "has address",
            AAAA: "has IPv6 address",
            CNAME: "is an alias for",
            PTR: "domain name pointer",
          }[kind] ?? kind;
        yield* context.out(`${owner.replace(/\.$/, "")} ${verb} ${data}\n`);
      }
    }
    if (isFound) return 0;
  }
  yield* context.out(`Host ${name} not found: 3(NXDOMAIN)\n`);
  return 1;
}

function* getent(context: Context): Act<number> {
  const [database, ...keys] = context.args;
  if (database !== "hosts" && database !== "ahosts" && database !== "ahostsv4")
    return yield* refuse(context, 1, `Unknown database: ${database ?? ""}`);
  let status = 0;
  for (const key of keys) {
    const own = ownLine(context, key);
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

/** What /etc/hosts has of a name. */
function ownLine({ place }: Context, key: string): string | undefined {
  for (const line of place.files.read("/etc/hosts").split("\n")) {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (address && names.includes(key)) return `${address.padEnd(15)} ${names.join(" ")}`;
  }
  return undefined;
}

/** Under which full name the resolver found it. */
function nameFor({ place }: Context, key: string): string {
  const { trail } = place.network.lookUp(key);
  return trail.find((line) => / (A|AAAA) /.test(line))?.split(" ")[0] ?? key;
}

export const dns: Readonly<Record<string, Command>> = { dig, nslookup, host, getent };
