/**
 * Links in what a Pod answers, by way of the API server: they lead back through it.
 * (k8s.io/apimachinery: pkg/util/proxy/transport.go, rewriteURL and rewriteHTML)
 */
import { headerOf } from "../../shell/network/http.js";
import type { Answered } from "../../shell/network/http-exchange.js";
import { cleanPath, type Passage } from "./passage.js";

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
  return `${start}${cleanPath(`${prefix}${path}`)}${rest}`;
}

/** Elements whose text is not looked into. */
const raw = new Set("script style textarea title xmp iframe noembed noframes".split(" "));

interface Attribute {
  name: string;
  value: string;
}

/**
 * A text from its start to its end, once: a Pod may answer whatever it likes. What is not closed is
 * passed on as it came.
 */
function withRewritten(html: string, through: (link: string) => string): string {
  const lower = html.toLowerCase();
  let [result, done] = ["", 0];
  for (let at = html.indexOf("<"); at >= 0; at = html.indexOf("<", at)) {
    if (lower.startsWith("<!--", at)) {
      at = html.indexOf("-->", at);
      if (at < 0) break;
      continue;
    }
    const [, name] = startOfTag(lower, at) ?? [];
    if (name === undefined) {
      at++;
      continue;
    }
    const { attributes, end } = attributesFrom(html, at + 1 + name.length);
    if (end < 0) break;
    const known = links[name];
    if (known) {
      const isClosed = html[end - 2] === "/";
      result += html.slice(done, at) + tag(name, attributes, isClosed, known, through);
      done = end;
    }
    at = raw.has(name) ? lower.indexOf(`</${name}`, end) : end;
    if (at < 0) break;
  }
  return result + html.slice(done);
}

/** Where a name has more letters than this, it is of no element here. */
const LONGEST = 32;

const startOfTag = (lower: string, at: number): RegExpExecArray | null =>
  /^<([a-z][^\s/>]*)/.exec(lower.slice(at, at + LONGEST));

/** The attributes of a start tag, and where it ends; -1: it does not. (x/net/html: readTag) */
function attributesFrom(html: string, from: number): { attributes: Attribute[]; end: number } {
  const next =
    /[\s/]*(?:>|([^\s/>][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*))?)?)/y;
  const attributes: Attribute[] = [];
  next.lastIndex = from;
  for (let found = next.exec(html); found; found = next.exec(html)) {
    const [, name, double, single, bare] = found;
    if (name === undefined) return { attributes, end: next.lastIndex };
    attributes.push({ name: name.toLowerCase(), value: double ?? single ?? bare ?? "" });
  }
  return { attributes, end: -1 };
}

/** A start tag written anew. (golang.org/x/net/html: Token.String) */
function tag(
  name: string,
  attributes: readonly Attribute[],
  isClosed: boolean,
  known: readonly string[],
  through: (link: string) => string,
): string {
  const written = attributes.map((one) => {
    const plain = unescaped(one.value);
    return ` ${one.name}="${quoted(known.includes(one.name) ? through(plain) : plain)}"`;
  });
  return `<${name}${written.join("")}${isClosed ? "/" : ""}>`;
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
