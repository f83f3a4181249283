/** nslookup and host. (bind9, bin/dig) */
import type { Act } from "../../machinery/act.js";
import { reverseName } from "../network/dns.js";
import { namesFor, resolverOf } from "../network/resolv-conf.js";
import type { Context } from "../place.js";
import { optionsOf, refuse } from "./common.js";
import { asked, serverOf, WAIT_MS } from "./dns-asked.js";

export function* nslookup(context: Context): Act<number> {
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

export function* host(context: Context): Act<number> {
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
