// The page "Your cluster": somebody's manifests, dump or rules, a request, and all that the library
// says about it. Nothing leaves the browser; a link carries everything in its fragment.
//
// For programs: `book.ask(question)` answers the journey, as the command's JSON.

import { fragmentOf, longestLink, mostBytes, questionIn, questionOf } from "./carry-link.mjs";
import { looksDumped, looksLikeRules, wordsOfThePage } from "./looks.mjs";
import { append } from "./outputs.mjs";
import { element } from "./page.mjs";
import { Session } from "./session.mjs";

/** @typedef {import("./question.mjs").Question} Question */
/** @typedef {import("./question.mjs").Answer} Answer */

/** An answer that takes longer is stopped, for a large cluster's is there within seconds. */
const patience = 120_000;

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function the(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}
const documents = the("documents", HTMLTextAreaElement);
const dump = the("dump", HTMLInputElement);
const rules = the("rules", HTMLTextAreaElement);
const url = the("url", HTMLInputElement);
const from = the("from", HTMLInputElement);
const seed = the("seed", HTMLInputElement);
const files = the("files", HTMLInputElement);
const said = the("said", HTMLElement);
const answered = the("answer", HTMLElement);
const stop = the("stop", HTMLButtonElement);

/** What stands in the boxes. @returns {Question} */
function question() {
  const wanted = Number(seed.value || 1);
  return {
    files: documents.value.trim() ? [{ name: "the first box", text: documents.value }] : [],
    snapshot: dump.checked,
    ...(rules.value.trim() && { rules: rules.value }),
    ...(url.value.trim() && { url: url.value.trim() }),
    ...(from.value.trim() && { from: from.value.trim() }),
    ...(Number.isSafeInteger(wanted) && wanted >= 0 && { seed: wanted }),
  };
}

/** @param {Question} question */
function fill(question) {
  documents.value = question.files.map(({ text }) => text.trimEnd()).join("\n---\n");
  dump.checked = question.snapshot ?? false;
  rules.value = question.rules ?? "";
  url.value = question.url ?? "";
  from.value = question.from ?? "";
  seed.value = String(question.seed ?? 1);
}

/** Says one sentence; a wrong one is told as such. */
function say(/** @type {string} */ sentence, wrong = false) {
  said.textContent = sentence;
  said.className = wrong ? "wrong" : "";
}

/** Who leaves the page and comes back finds the boxes as they were, in the history's entry. */
function keep() {
  try {
    history.replaceState({ question: question() }, "");
  } catch {
    // more than the browser keeps: then they are gone, as with any page
  }
}

async function answer() {
  session.stop(); // one question at a time
  keep();
  answered.replaceChildren();
  say("asking …");
  stop.disabled = false;
  const late = setTimeout(() => session.stop(), patience);
  try {
    show(await session.ask(question(), true));
  } catch (error) {
    say(wordsOfThePage(/** @type {Error} */ (error).message), true);
  } finally {
    clearTimeout(late);
    stop.disabled = true;
  }
}

/** @param {Answer} answer */
function show({ journey, shown, rules }) {
  const { disposition, reason, assumed, leftOut } = journey;
  say(`${disposition}: ${reason}`, disposition !== "delivered");
  answered.append(...remarks("assumed", assumed), ...remarks("left out", leftOut));
  for (const { heading, data } of shown) {
    const place = element("div", { className: "outputs" });
    answered.append(headed(heading, place));
    void append(place, { data });
  }
  answered.append(element("h2", { textContent: "The rules of each node" }));
  for (const { node, text } of rules) {
    const folded = element("details", { className: "folded" });
    const lines = text.trimEnd().split("\n").length;
    folded.append(
      element("summary", { textContent: `${node}: ${lines} lines, as iptables-save prints them` }),
      element("pre", { textContent: text }),
    );
    answered.append(folded);
  }
}

/** What is long is folded. @param {string} heading @param {HTMLElement} place */
function headed(heading, place) {
  const long = heading === "Step by step";
  const part = element(long ? "details" : "section", { className: "part" });
  part.append(element(long ? "summary" : "h2", { textContent: heading }), place);
  return part;
}

/**
 * What the verdict rests on.
 * @param {string} heading
 * @param {import("./question.mjs").Remark[]} remarks
 */
function remarks(heading, remarks) {
  if (!remarks.length) return [];
  const list = element("ul", { className: "remarks" });
  for (const { object, field, sentence } of remarks) {
    const item = element("li", {
      textContent: `${object}${field ? `, ${field}` : ""}: ${sentence}`,
    });
    item.prepend(element("b", { textContent: `${heading} ` }));
    list.append(item);
  }
  return [list];
}

/** @param {string} name @param {string} text */
function save(name, text) {
  const link = element("a", {
    href: URL.createObjectURL(new Blob([text], { type: "application/json" })),
    download: name,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function makeLink() {
  const asked = question();
  const fragment = fragmentOf(asked);
  if (fragment.length > longestLink) {
    save("your-cluster.json", JSON.stringify(asked));
    return say(
      `a link would have ${fragment.length} characters, and carries at most ${longestLink}: saved as your-cluster.json instead, which this page opens again`,
    );
  }
  history.replaceState({ question: asked }, "", fragment);
  say("the link is in the address bar: it carries all that stands in the boxes, and only there");
  void navigator.clipboard?.writeText(location.href).catch(() => {});
}

/** Files that somebody chose: saved questions, rules, or documents. */
async function openFiles() {
  const chosen = [...(files.files ?? [])];
  files.value = "";
  const heavy = chosen.find(({ size }) => size > mostBytes);
  if (heavy)
    throw new Error(`${heavy.name} has ${heavy.size} bytes; at most ${mostBytes} are opened`);
  const texts = await Promise.all(chosen.map((file) => file.text()));
  const [first = "", ...others] = texts;
  if (!others.length && /^\s*\{\s*"files"\s*:/.test(first)) {
    return fill(questionOf(first, chosen[0]?.name ?? "the file"));
  }
  if (!others.length && looksLikeRules(first)) {
    rules.value = first;
    return;
  }
  documents.value = texts.map((text) => text.trimEnd()).join("\n---\n");
  dump.checked = looksDumped(documents.value);
}

/** @type {{ stopoverWorker: string, stopoverFiles: Record<string, string>, book?: object }} */
const page = /** @type {any} */ (globalThis);
const session = new Session(page.stopoverWorker, {});
page.book = { ask: (/** @type {Question} */ asked) => session.ask(asked, false) };
session.start();

/** @param {string} id @param {() => void} press */
const onClick = (id, press) => the(id, HTMLButtonElement).addEventListener("click", press);
onClick("follow", () => void answer());
onClick("stop", () => session.stop());
onClick("link", makeLink);
onClick("save", () => save("your-cluster.json", JSON.stringify(question())));
onClick("example", () => {
  const names = ["manifests/deployment.yaml", "manifests/service.yaml"];
  fill({ files: names.map((name) => ({ name, text: page.stopoverFiles[name] ?? "" })) });
  void answer();
});
documents.addEventListener("change", () => {
  dump.checked = looksDumped(documents.value);
});
files.addEventListener("change", () =>
  openFiles().catch((/** @type {Error} */ { message }) => say(message, true)),
);
addEventListener("change", keep);
addEventListener("hashchange", openLink);
openLink();

function openLink() {
  try {
    /** @type {Question | undefined} */
    const left = history.state?.question;
    const carried = questionIn(location.hash);
    const asked = left ?? carried;
    if (asked) fill(asked);
    if (carried) void answer();
  } catch (error) {
    say(/** @type {Error} */ (error).message, true);
  }
}
