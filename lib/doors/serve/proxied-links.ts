/**
 * Links in what a Pod answers, by way of the API server: they lead back through it.
 * (k8s.io/apimachinery: pkg/util/proxy/transport.go, rewriteURL and rewriteHTML)
 */
import { headerOf } from "../../shell/http.js";
import type { Answered } from "../../shell/http-exchange.js";
import type { Passage } from "./proxied-http.js";

/** Which attributes of which elements are links (atomsToAttrs). */
const links: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  applet: ["codebase"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  command: ["icon"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/** The answer as the client gets it. */
export function withLinks(passage: Passage, answer: Answered): Answered {
  const { headers, body } = answer;
  const hosts = [headerOf(passage.headers, "host") ?? "", passage.to];
  const through = (link: string): string => rewritten(link, passage.prefix, hosts);
  const location = headerOf(headers, "location");
  if (location !== undefined && location !== "")
    return {
      ...answer,
      headers: headers.map(([name, value]) =>
        name.toLowerCase() === "location" ? ([name, through(value)] as const) : [name, value],
      ),
    };
  const type = (headerOf(headers, "content-type") ?? "").split(";", 1)[0]!.trim();
  const isPlain = headerOf(headers, "content-encoding") === undefined;
  if (type !== "text/html" || !isPlain) return answer;
  return { ...answer, body: withRewritten(body, through) };
}

/** A link to the same host, from its root: it gets the prefix. */
function rewritten(link: string, prefix: string, hosts: readonly string[]): string {
  const [, , host, path = "", rest = ""] =
    /^(?:([a-z][a-z\d+.-]*:)?\/\/([^/?#]*))?([^?#]*)(.*)$/is.exec(link) ?? [];
  const isElsewhere = host !== undefined && host !== "" && !hosts.includes(host);
  if (isElsewhere || !path.startsWith("/")) return link;
  // one that names the API server itself, as its client calls it, stays whole
  const start =
    host !== undefined && host === hosts[0] ? link.slice(0, link.indexOf(host) + host.length) : "";
  if (path.startsWith(prefix)) return `${start}${path}${rest}`;
  return `${start}${cleaned(`${prefix}${path}`)}${rest}`;
}

/** (Go: path.Join, with the slash at the end kept) */
function cleaned(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}${path.endsWith("/") ? "/" : ""}`;
}

/** What is no markup: comments, and elements whose text is not looked into. */
const token =
  /<!--[^]*?(?:-->|$)|<(script|style|textarea|title|xmp|iframe|noembed|noframes)\b(?:"[^"]*"|'[^']*'|[^>"'])*>[^]*?(?=<\/\1|$)|<[a-z](?:"[^"]*"|'[^']*'|[^>"'])*>/gi;
const attribute = /([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?/g;

function withRewritten(html: string, through: (link: string) => string): string {
  return html.replace(token, (text) => {
    const start = /^<([a-z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/i.exec(text);
    const known = start && links[start[1]!.toLowerCase()];
    if (!start || !known) return text;
    return tag(start[1]!, start[2]!, known, through) + text.slice(start[0].length);
  });
}

/** A start tag written anew. (golang.org/x/net/html: Token.String) */
function tag(
  name: string,
  rest: string,
  known: readonly string[],
  through: (link: string) => string,
): string {
  const isClosed = rest.endsWith("/");
  const attributes = [...rest.replace(/\/$/, "").matchAll(attribute)].map(([, key, value = ""]) => {
    const plain = unescaped(value.replace(/^(["'])([^]*)\1$/, "$2"));
    const lower = key!.toLowerCase();
    return ` ${lower}="${quoted(known.includes(lower) ? through(plain) : plain)}"`;
  });
  return `<${name.toLowerCase()}${attributes.join("")}${isClosed ? "/" : ""}>`;
}

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", "#34": '"' };

const unescaped = (text: string): string =>
  text.replace(
    /&(amp|lt|gt|quot|apos|#39|#34);/g,
    (_, name: keyof typeof entities) => entities[name],
  );

const quoted = (text: string): string =>
  text.replace(/[&'<>"]/g, (char) =>
    char === "&"
      ? "&amp;"
      : char === "'"
        ? "&#39;"
        : char === "<"
          ? "&lt;"
          : char === ">"
            ? "&gt;"
            : "&#34;",
  );
