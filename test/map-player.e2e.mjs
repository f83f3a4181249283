// The player in a real browser: at every step of journeys of every kind, the page is read and held
// against the journey's own JSON.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleOf, film, player, table, watch } from "@stopover/diagrams";
import { transform } from "esbuild";
import { engineScript } from "@stopover/diagrams/internal/player/engine-script";
import { engineInBook } from "@stopover/diagrams/internal/player/script";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../notebooks/kit/project.mjs";
import { lacksBrowser, launch, open } from "./chromium.mjs";
import { article, scenes, url } from "./dist/diagrams-map-scenes.js";
import { needs } from "./dist/needs.js";

/** @typedef {import("stopover").Journey} Journey */
/** @typedef {import("stopover").Hop} Hop */
/** @typedef {import("playwright-core").Page} Page */

const test = suite("the player in Chromium");
const folder = join(root, ".cache/player");
if (needs(test, "the player in Chromium", lacksBrowser)) testPlayer();
test.run();

/** Where a page of the book finds it. */
function layEngine() {
  mkdirSync(join(folder, dirname(engineInBook)), { recursive: true });
  writeFileSync(join(folder, engineInBook), engineScript);
}

/** @param {string} name */
function pageOf(name) {
  const scene = scenes[name]?.();
  const trip = scene?.options.journey;
  assert.ok(scene && trip, name);
  layEngine();
  const file = join(folder, `${name.replace(/[^a-z]+/gi, "-")}.html`);
  const html = bundleOf(player(trip, scene.cluster)).data["text/html"];
  writeFileSync(
    file,
    `<!doctype html><html lang=en><meta charset=utf-8><title>${name}</title><body>${html}`,
  );
  return { trip, address: pathToFileURL(file).href };
}

/**
 * What the page shows now: read from its shadow, in the shape that is visible.
 * @param {Page} page
 */
const sight = (page) =>
  page.locator("[id^=stopover-]").evaluate((host) => {
    const root = /** @type {ShadowRoot} */ (host.shadowRoot);
    const stage = [...root.querySelectorAll(".stage")].find((each) => each.clientHeight > 0);
    const packet = stage?.querySelector(".packet");
    const circle = packet?.querySelector("circle");
    /** @param {string} name */
    const at = (name) => Number(circle?.getAttribute(name));
    const fields = [...root.querySelectorAll(".now dt")].map((term) => [
      term.textContent,
      term.nextElementSibling?.querySelector("mark, span")?.textContent ?? "",
    ]);
    const boxes = [...(stage?.querySelectorAll("[data-is]") ?? [])].map((element) => {
      const { x, y, width, height } = /** @type {SVGGraphicsElement} */ (element).getBBox();
      return { is: element.getAttribute("data-is") ?? "", x, y, width, height };
    });
    const label = (
      packet?.querySelector("rect") ?? packet?.querySelector("circle")
    )?.getBoundingClientRect();
    const frame = stage?.querySelector("svg")?.getBoundingClientRect();
    return {
      step: Number(/** @type {HTMLElement} */ (host).dataset["step"]),
      counter: root.querySelector("output")?.textContent ?? "",
      header: Object.fromEntries(fields),
      capsule: [...(packet?.querySelectorAll("text") ?? [])].map((text) => text.textContent ?? ""),
      title: root.querySelector(".now b")?.textContent ?? "",
      rule: [...root.querySelectorAll(".now code > *")]
        .map((part) => part.textContent?.trim())
        .join(" "),
      said: root.querySelector("[aria-live]")?.textContent ?? "",
      all: root.querySelector(".now")?.textContent ?? "",
      station: root.querySelector("[aria-current]")?.textContent ?? "",
      spot: { x: at("cx"), y: at("cy") },
      boxes,
      inside:
        label && frame
          ? label.left >= frame.left - 1 &&
            label.right <= frame.right + 1 &&
            label.top >= frame.top - 1
          : false,
    };
  });
/** @typedef {Awaited<ReturnType<typeof sight>>} Sight */

/**
 * Every step of the player, from the first to the last.
 * @param {Page} page
 */
async function walk(page) {
  /** @type {Sight[]} */
  const seen = [await sight(page)];
  for (let i = 0; i < 200; i++) {
    await page.keyboard.press("ArrowRight");
    const next = await sight(page);
    if (next.step === seen.at(-1)?.step) return seen;
    seen.push(next);
  }
  throw new Error("the player has no end");
}

/** Values one after the other, without repeats. @param {(string | undefined)[]} values */
const changes = (values) =>
  values.filter((value, i) => value !== undefined && value !== values[i - 1]);

/**
 * The packet's headers as the journey's JSON has them, one after the other.
 * @param {Journey} trip
 */
function headersOf({ hops, reply }) {
  const headers = [...hops, ...reply].flatMap((hop, i) => {
    if (hop.kind === "dns" || (i === 0 && hop.kind === "client")) return [];
    const list = [hop.in];
    for (const { action, before, after } of hop.steps) {
      const last = /** @type {Hop["in"]} */ (list.at(-1));
      if (action === "dnat" && before && after) list.push({ ...last, destination: after });
      if (action === "snat" && before && after) list.push({ ...last, source: after });
    }
    return [...list, hop.out];
  });
  const packets = headers.filter(({ destination }) => /^[\d.]+:|^\[/.test(destination));
  return changes(packets.map(({ source, destination }) => `${source} to ${destination}`));
}

/** @param {Journey} trip */
const marksOf = ({ hops, reply }) =>
  [...hops, ...reply].flatMap(({ steps }) =>
    steps.flatMap(({ action, after }) => (action === "mark" && after ? [after] : [])),
  );

/** @param {Journey} trip */
const rulesOf = ({ hops, reply }) =>
  [...hops, ...reply].flatMap(({ steps }) =>
    steps.flatMap(({ rule, chain }) => (rule && chain && rule !== "conntrack" ? [rule] : [])),
  );
/** A rule's words, whatever their order. @param {string} rule */
const wordsOf = (rule) =>
  rule
    .replace(/-m comment --comment|"/g, "")
    .split(/\s+/)
    .filter(Boolean)
    .sort()
    .join(" ");

function testPlayer() {
  /** @type {import("playwright-core").Browser} */
  let browser;
  test.before(async () => {
    browser = await launch();
  });
  test.after(() => browser?.close());

  /** @param {string} name @param {{ width?: number, dark?: boolean }} [options] */
  async function start(name, { width = 1000, dark = false } = {}) {
    const { trip, address } = pageOf(name);
    const { page, complaints } = await open(browser, dark ? "dark" : "light");
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ reducedMotion: "reduce", colorScheme: dark ? "dark" : "light" });
    await page.goto(address);
    await page.locator("section").focus();
    return { page, trip, complaints };
  }

  for (const name of [
    "the article's request",
    "a dead node at the door",
    "a dead node behind the rules",
    "policy Local, dropped",
    "hairpin",
    "a lost answer",
    "a Pod asks",
    "a proxy passes it on",
    "no such name",
  ])
    for (const width of name.includes("a Pod ") || name.includes("article") ? [1000, 390] : [1000])
      test(`${name}, ${width} px: every step says what the journey's JSON says`, async () => {
        const { page, trip, complaints } = await start(name, { width });
        await page.keyboard.press("3");
        const seen = await walk(page);
        const headers = seen.map(({ header: { source, destination } }) =>
          source ? `${source} to ${destination}` : undefined,
        );
        if (trip.disposition !== "name not found") assert.equal(changes(headers), headersOf(trip));
        else assert.equal(changes(headers), []);
        const marks = seen
          .filter(({ title }) => title.startsWith("mark "))
          .map(({ header }) => header["mark"]);
        assert.equal(marks, marksOf(trip));
        assert.equal(
          seen.flatMap(({ rule }) => (rule ? [wordsOf(rule)] : [])),
          rulesOf(trip).map(wordsOf),
        );
        for (const each of seen) {
          const { source, destination, mark, conntrack } = each.header;
          const lines = source ? [source, `to ${destination}`] : [];
          assert.equal(each.capsule.slice(0, lines.length), lines, each.title);
          if (mark) assert.ok(each.capsule.at(-1)?.includes(`mark ${mark}`), each.title);
          if (conntrack)
            assert.ok(each.capsule.at(-1)?.includes(String(conntrack.split(",")[0])), each.title);
          assert.ok(each.said.includes(each.title), "each step is announced");
          assert.ok(each.inside, `the capsule is in the picture: ${each.title}`);
        }
        const last = /** @type {Sight} */ (seen.at(-1));
        assert.ok(last.title.startsWith(trip.disposition));
        assert.ok(last.all.includes(trip.reason));
        assert.equal(complaints, []);
        await page.screenshot({
          path: join(folder, `${name.replace(/[^a-z]+/gi, "-")}-${width}.png`),
          fullPage: true,
        });
        await page.close();
      });

  test("the packet stands at the place that each hop names", async () => {
    const { page, trip } = await start("the article's request");
    const seen = await walk(page);
    /** @param {string} is @param {Sight} each */
    const isAt = (is, { spot, boxes }) =>
      boxes.some(
        (box) =>
          box.is === is &&
          spot.x >= box.x - 14 &&
          spot.x <= box.x + box.width + 14 &&
          spot.y >= box.y - 14 &&
          spot.y <= box.y + box.height + 14,
      );
    const node = trip.hops.find(({ stop }) => stop === 2)?.name;
    const places = [
      ["client", "client"],
      ["DNS", "dns"],
      ["load balancer", "balancer"],
      [`NodePort on ${node}`, `door ${node}`],
      [`ClusterIP on ${node}`, "bar"],
      [String(trip.node), `eth ${trip.node}`],
      [`Pod ${trip.pod?.split("/")[1]}`, `pod ${trip.pod}`],
    ];
    for (const [station, is] of places) {
      const at = seen.filter((each) => each.station === station);
      assert.ok(at.length, station);
      for (const each of at)
        assert.ok(isAt(String(is), each), `${station}: ${JSON.stringify(each.spot)}`);
    }
    await page.close();
  });

  test("keys, buttons, the slider, stations and places on the map lead where they should", async () => {
    const { page, trip, complaints } = await start("the article's request");
    const step = async () => (await sight(page)).step;
    const press = (/** @type {string} */ key) => page.keyboard.press(key);
    await press("j");
    const second = await step();
    assert.ok(second > 0);
    await press("k");
    assert.is(await step(), 0);
    await press("End");
    const last = await sight(page);
    assert.is(last.counter.split(" / ")[0], last.counter.split(" / ")[1]);
    await press("Home");
    assert.is(await step(), 0);
    const counts = [];
    for (const zoom of ["1", "2", "3"]) {
      await press(zoom);
      counts.push(Number((await sight(page)).counter.split(" / ")[1]));
    }
    const steps = [...trip.hops, ...trip.reply].flatMap((hop) => hop.steps).length;
    assert.ok(counts.every((count) => count > 2) && Number(counts[2]) > steps, counts.join());
    await press("1");
    await page.getByRole("button", { name: "forward" }).click();
    assert.is(await step(), second);
    await page.getByRole("button", { name: "back" }).click();
    assert.is(await step(), 0);
    await page.getByRole("slider", { name: "step" }).fill("3");
    assert.is((await sight(page)).counter.split(" / ")[0], "4");
    await page.getByRole("button", { name: "load balancer" }).last().click();
    assert.is((await sight(page)).station, "load balancer");
    await page
      .locator(`.stage.wide [data-is="pod ${trip.pod}"]`)
      .click({ position: { x: 8, y: 8 } });
    assert.match((await sight(page)).station, /^Pod /);
    await page.getByRole("combobox").selectOption("2");
    assert.match((await sight(page)).counter, new RegExp(`/ ${counts[2]}$`));
    assert.equal(complaints, []);
    await page.close();
  });

  test("play goes on by itself, moves the packet along the line, and pauses", async () => {
    const { page } = await start("the article's request");
    await page.emulateMedia({ reducedMotion: "no-preference" });
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowRight");
    await page.waitForTimeout(1100);
    const from = await sight(page);
    await page.keyboard.press("ArrowRight");
    await page.waitForTimeout(350);
    const under = await sight(page);
    await page.waitForTimeout(900);
    const to = await sight(page);
    assert.ok(under.spot.x > from.spot.x && under.spot.x < to.spot.x + 1, "on its way");
    assert.ok(to.spot.x > from.spot.x);
    await page.keyboard.press(" ");
    await page.waitForFunction(
      (step) =>
        Number(
          /** @type {HTMLElement} */ (document.querySelector("[id^=stopover-]")).dataset["step"],
        ) > step,
      to.step + 1,
      { timeout: 15_000 },
    );
    await page.keyboard.press(" ");
    const paused = (await sight(page)).step;
    await page.waitForTimeout(3000);
    assert.is((await sight(page)).step, paused);
    await page.close();
  });

  test("without a script the map and the table of steps stand there", async () => {
    const { address } = pageOf("the article's request");
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(address);
    assert.is(await page.locator("img").count(), 1);
    assert.match((await page.locator("img").getAttribute("alt")) ?? "", /delivered/);
    await page.locator("summary").click();
    await page.getByText("KUBE-NODEPORTS").first().waitFor();
    await context.close();
  });

  for (const [width, dark] of /** @type {[number, boolean][]} */ ([
    [390, false],
    [760, true],
    [1280, true],
  ]))
    test(`at ${width} px nothing sticks out, and the page's theme is followed`, async () => {
      const { page } = await start("the article's request", { width, dark });
      const host = page.locator("[id^=stopover-]");
      const measure = await host.evaluate((element) => {
        const root = /** @type {ShadowRoot} */ (element.shadowRoot);
        const card = /** @type {HTMLElement} */ (root.querySelector("section"));
        const outer = card.getBoundingClientRect();
        const out = [
          ...root.querySelectorAll("button, input, output, select, svg, dl, code"),
        ].filter((each) => {
          const box = each.getBoundingClientRect();
          return box.width > 0 && (box.left < outer.left - 1 || box.right > outer.right + 1);
        });
        return {
          theme: card.dataset["theme"],
          out: out.map(({ tagName }) => tagName),
          wide: document.documentElement.scrollWidth > innerWidth,
        };
      });
      assert.equal(measure, { theme: dark ? "dark" : "light", out: [], wide: false });
      await page.locator("html").evaluate((html) => html.setAttribute("data-theme", "light"));
      await page.waitForTimeout(100);
      assert.is(
        await host.evaluate(
          (element) => element.shadowRoot?.querySelector("section")?.dataset["theme"],
        ),
        "light",
      );
      const texts = await host.evaluate((element) => {
        const stage = [...(element.shadowRoot?.querySelectorAll(".stage") ?? [])].find(
          (each) => each.clientHeight > 0,
        );
        const text = /** @type {SVGTextElement} */ (stage?.querySelector("svg text"));
        const matrix = /** @type {DOMMatrix} */ (text.getScreenCTM());
        return Math.round(matrix.a * 14 * 10) / 10;
      });
      assert.ok(texts >= 13, `letters of ${texts} px`);
      await page.close();
    });

  test("a film is scrubbed: at each moment its shares, what happened, the map, and the cursor", async () => {
    const cluster = article();
    cluster.node("node-b").stop();
    const rows = cluster.film("3m", watch(cluster, url), "1s");
    layEngine();
    const file = join(folder, "film.html");
    const html = bundleOf(film(rows)).data["text/html"];
    writeFileSync(
      file,
      `<!doctype html><html lang=en><meta charset=utf-8><title>film</title>${html}`,
    );
    const { page, complaints } = await open(browser, "light");
    await page.goto(pathToFileURL(file).href);
    await page.locator("section").focus();
    const seen = [];
    for (const { seconds, ...shares } of rows) {
      const now = page.locator(".now");
      assert.match(
        await now.innerText(),
        new RegExp(`^At ${seconds === 60 ? "1 min" : `${seconds} s`}`),
      );
      for (const end of Object.keys(shares))
        assert.ok((await now.innerText()).includes(`${end.replace("default/", "")}: `), end);
      assert.is(await page.locator(".map.wide svg").count(), 1);
      seen.push({
        cursor: Number(await page.locator(".strip.wide .cursor").getAttribute("x1")),
        notReady: (await page.locator(".map.wide").innerHTML()).includes(">NotReady<"),
      });
      assert.match((await page.locator("[aria-live]").textContent()) ?? "", /^Moment \d+ of \d+/);
      await page.keyboard.press("ArrowRight");
    }
    assert.equal(
      seen.map(({ cursor }) => cursor),
      [...seen.map(({ cursor }) => cursor)].sort((a, b) => a - b),
    );
    assert.equal(
      seen.map(({ notReady }) => notReady),
      rows.map((_, i) => i > 0),
    );
    await page.getByRole("slider", { name: "moment" }).fill("0");
    assert.match(await page.locator(".now").innerText(), /^At 0 s/);
    await page.locator(".strip.wide rect[data-at='1']").click();
    assert.match(await page.locator(".now").innerText(), /^At 57 s/);
    await page.keyboard.press("Home");
    await page.keyboard.press(" ");
    await page.waitForFunction(
      () =>
        /** @type {HTMLElement} */ (document.querySelector("[data-stopover]")).dataset["step"] !==
        "0",
    );
    assert.equal(complaints, []);
    await page.close();
  });

  test("a table sorts by numbers, by words, the other way round, and back", async () => {
    layEngine();
    const file = join(folder, "table.html");
    const rows = [
      { name: "b", share: 10 },
      { name: "a", share: 9 },
      { name: "c", share: 100 },
    ];
    const html = bundleOf(table(rows)).data["text/html"];
    writeFileSync(
      file,
      `<!doctype html><html lang=en><meta charset=utf-8><title>table</title>${html}`,
    );
    const { page, complaints } = await open(browser, "light");
    await page.goto(pathToFileURL(file).href);
    const names = () => page.locator("tbody td:first-child").allInnerTexts();
    const head = page.locator("th").nth(1);
    await head.click();
    assert.equal(await names(), ["a", "b", "c"]);
    await head.press("Enter");
    assert.equal(await names(), ["c", "b", "a"]);
    assert.is(await head.getAttribute("aria-sort"), "descending");
    await head.click();
    assert.equal(await names(), ["b", "a", "c"]);
    await page.locator("th").first().click();
    assert.equal(await names(), ["a", "b", "c"]);
    assert.equal(complaints, []);
    await page.close();
  });

  test("engine and map together are small", async () => {
    const { code } = await transform(engineScript, { minify: true });
    assert.ok(code.length < 24_000, `${code.length} bytes`);
  });
}
