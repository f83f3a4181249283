/** dig, nslookup, host and getent, as bind's tools of Debian 12 and glibc print. */
import { sleep, type Act } from "../../machinery/act.js";
import { hash } from "../../machinery/random.js";
import { readAddress } from "../../net/ip.js";
import { dated } from "../dates.js";
import { ask, nameAt, reverseName, type NoAnswer } from "../network/dns.js";
import { authorityOf, type Answer, type AnswerRecord } from "../network/dns-answers.js";
import { namesFor, resolverOf } from "../network/resolv-conf.js";
import type { Command, Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
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
    authority: true,
    all: true,
    question: true,
    comments: true,
    stats: true,
    cmd: true,
  };
  let [searches, tries, seconds, isTcp, isGiven] = [false, 3, 5, false, false];
  let { servers } = resolver;
  let type: string | undefined;
  const args = [...context.args];
  while (args.length > 0) {
    const word = args.shift()!;
    if (word.startsWith("@")) {
      servers = [yield* serverOf(context, word.slice(1))];
      isGiven = true;
    } else if (word.startsWith("+")) {
      const [, no, name = "", value] = /^\+(no)?(\w+)(?:=(.*))?$/.exec(word) ?? [];
      const on = no === undefined;
      if (name === "all")
        for (const each of ["answer", "authority", "question", "comments", "stats", "cmd"] as const)
          shows[each] = on;
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
    const head =
      shows.cmd && !shows.short
        ? `\n; <<>> DiG 9.18.28-1~deb12u2-Debian <<>> ${context.args.join(" ")}\n${isGiven ? "; (1 server found)\n" : ""};; global options: +cmd\n`
        : "";
    if ("failed" in found) {
      const why = `;; communications error to ${servers[0]}#53: ${found.failed}\n`.repeat(tries);
      yield* context.out(`${why}${head};; no servers could be reached\n`);
      return 9;
    }
    yield* context.out(head);
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
  answer: Answer,
  server: string,
  shows: Record<"answer" | "authority" | "question" | "comments" | "stats", boolean>,
  { ms, isTcp }: { ms: number; isTcp: boolean },
): string {
  const { rcode, records, isAuthoritative } = answer;
  const authority = authorityOf(answer);
  const full = name.endsWith(".") ? name : `${name}.`;
  const cookie = hash(`${name} ${place.acts.clock.now()}`).toString(16).padStart(16, "0");
  const id = Math.floor(place.random() * 65_536);
  const lines: string[] = [];
  if (shows.comments)
    lines.push(
      ";; Got answer:",
      ...(/\.local\.$/i.test(full)
        ? [
            ";; WARNING: .local is reserved for Multicast DNS",
            ";; You are currently testing what happens when an mDNS query is leaked to DNS",
          ]
        : []),
      `;; ->>HEADER<<- opcode: QUERY, status: ${rcode}, id: ${id}`,
      `;; flags: qr ${isAuthoritative ? "aa rd" : "rd ra"}; QUERY: 1, ANSWER: ${records.length}, AUTHORITY: ${authority ? 1 : 0}, ADDITIONAL: 1`,
      ...(isAuthoritative ? [";; WARNING: recursion requested but not available"] : []),
      "",
      ";; OPT PSEUDOSECTION:",
      "; EDNS: version: 0, flags:; udp: 1232",
      `; COOKIE: ${cookie} (echoed)`,
    );
  if (shows.question)
    lines.push(
      ...(shows.comments ? [";; QUESTION SECTION:"] : []),
      `;${inColumns([full, 32, "IN", 40, type])}`,
      "",
    );
  if (shows.answer && records.length > 0) {
    if (shows.comments) lines.push(";; ANSWER SECTION:");
    lines.push(...records.map(recordText));
    if (shows.comments || shows.stats) lines.push("");
  }
  if (shows.authority && authority) {
    if (shows.comments) lines.push(";; AUTHORITY SECTION:");
    lines.push(recordText(authority));
    if (shows.comments || shows.stats) lines.push("");
  }
  if (shows.stats)
    lines.push(
      `;; Query time: ${ms} msec`,
      `;; SERVER: ${server}#53(${server}) (${isTcp ? "TCP" : "UDP"})`,
      `;; WHEN: ${dated("%a %b %d %H:%M:%S UTC %Y", place.acts.clock.now())}`,
      `;; MSG SIZE  rcvd: ${sizeOf(full, answer)}`,
      "",
    );
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * Words and the columns at which the next begin; tabs are eight wide. (bind: lib/dns/masterdump.c)
 */
function inColumns(parts: readonly (string | number)[]): string {
  let [text, at] = ["", 0];
  for (const part of parts) {
    if (typeof part === "string") {
      text += part;
      at += part.length;
      continue;
    }
    const to = Math.max(part, at + 1);
    const tabs = Math.floor(to / 8) - Math.floor(at / 8);
    text += "\t".repeat(tabs) + " ".repeat(to - (tabs > 0 ? to - (to % 8) : at));
    at = to;
  }
  return text;
}

const recordText = ({ name, ttl, type, data }: AnswerRecord): string =>
  inColumns([name, 24, String(ttl), 32, "IN", 40, type, 48, data]);

/** CoreDNS writes names that were there before in two bytes. With EDNS and its cookie. */
function sizeOf(name: string, answer: Answer): number {
  const own = (type: string, data: string): number =>
    ({ A: 4, AAAA: 16, SRV: 6 + data.length, SOA: 42 })[type] ?? data.length + 1;
  const soa = authorityOf(answer);
  const all = [...answer.records, ...(soa ? [soa] : [])];
  const bytes = all.reduce((sum, { type, data }) => sum + 12 + own(type, data), 0);
  return 12 + name.length + 1 + 4 + bytes + 23;
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
  let [isEmpty, last] = [false, servers[0] ?? ""];
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
      last = server;
      // who is in charge and nothing more (bind: bin/dig/dighost.c, recv_done)
      const noRecursion = answer.isAuthoritative
        ? `;; Got recursion not available from ${server}\n`
        : "";
      if (text === "") yield* context.out(noRecursion);
      else text += noRecursion;
      if (text === "" && type !== "PTR") text = `Server:\t\t${server}\nAddress:\t${server}#53\n\n`;
      if (answer.rcode === "NXDOMAIN") {
        text = "";
        break;
      }
      isEmpty ||= answer.records.length === 0;
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
  const head = reversed === undefined ? `Server:\t\t${last}\nAddress:\t${last}#53\n\n` : "";
  if (isEmpty) {
    yield* context.out(`${head}*** Can't find ${host}: No answer\n\n`);
    return 0;
  }
  yield* context.out(
    `${head}** server can't find ${names.at(-1)!.replace(/\.$/, "")}: NXDOMAIN\n\n`,
  );
  return 1;
}

function* host(context: Context): Act<number> {
  const { flags, words } = yield* optionsOf(context, { letters: "t:aW:R:v46Tr" });
  const [name, given] = words;
  if (name === undefined) return yield* refuse(context, 1, "a name is missing");
  const resolver = resolverOf(context.place);
  const servers = given === undefined ? resolver.servers : [yield* serverOf(context, given)];
  const reversed = reverseName(name);
  for (const each of reversed === undefined ? namesFor(resolver, name) : [reversed]) {
    let isFound = false;
    const wanted = flags.get("t")?.toUpperCase();
    const types = wanted ? [wanted] : reversed === undefined ? ["A", "AAAA"] : ["PTR"];
    for (const type of types) {
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
          }[kind] ?? `has ${kind} record`;
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

export const dns: Readonly<Record<string, Command>> = { dig, nslookup, host, getent };
