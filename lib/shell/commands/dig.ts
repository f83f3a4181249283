/** dig. (bind9, bin/dig/dig.c) */
import type { Act } from "../../machinery/act.js";
import { hash } from "../../machinery/random.js";
import { dated } from "../dates.js";
import { type Answer, type AnswerRecord, authorityOf } from "../network/dns-answers.js";
import { type NoAnswer, reverseName } from "../network/dns.js";
import { namesFor, resolverOf } from "../network/resolv-conf.js";
import type { Context } from "../place.js";
import { refuse } from "./common.js";
import { asked, serverOf } from "./dns-asked.js";

export function* dig(context: Context): Act<number> {
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
