// What both kinds of pages are asked, the book's and JupyterLab's: does what moves move, and is
// every picture there. Screenshots go to .cache/screenshots.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { root } from "../notebooks/kit/project.mjs";

/** @typedef {import("playwright-core").Page} Page */

const screenshots = join(root, ".cache/screenshots");
mkdirSync(screenshots, { recursive: true });
export const picture = (/** @type {Page} */ page, /** @type {string} */ name) =>
  page.screenshot({ path: join(screenshots, `${name.replaceAll("/", "-")}.png`) });

/** uvu says nothing of what a `before` throws. @param {() => Promise<void>} work */
export const aloud = (work) => () =>
  work().catch((error) => {
    console.error(error);
    throw error;
  });

/**
 * The pictures of a page that did not load or are too small to see.
 * @param {Page} page
 * @param {string} selector
 */
export const badPictures = (page, selector) =>
  page.locator(selector).evaluateAll((images) =>
    images
      .map((image) => ({
        image: /** @type {HTMLImageElement} */ (image),
        box: image.getBoundingClientRect(),
      }))
      .filter(
        ({ image, box }) =>
          !(image.complete && image.naturalWidth > 0 && box.width > 150 && box.height > 60),
      )
      .map(
        ({ image, box }) => `${image.alt || image.src.slice(0, 60)}: ${box.width}x${box.height}`,
      ),
  );

/**
 * How many outputs hold a page that moves: a journey, a film, a table of several rows.
 * @param {import("../notebooks/kit/ipynb.mjs").Cell[]} cells
 * @returns {Moving}
 */
export const movingIn = (cells) => {
  const html = cells
    .flatMap((cell) => cell.outputs ?? [])
    .map(({ data }) => String(data?.["text/html"] ?? ""));
  const count = (/** @type {string} */ engine) =>
    html.filter((text) => text.includes(`data-stopover="${engine}"`)).length;
  return { play: count("play"), roll: count("roll"), sort: count("sort") };
};
/** @typedef {{ play: number, roll: number, sort: number }} Moving */

/**
 * Steps every journey and every film of a page forward and back, by button and by key, and sorts a
 * table.
 * @param {Page} page
 * @returns {Promise<Moving>} how many there are
 */
export async function moveAll(page) {
  await page.waitForFunction(
    () =>
      document.readyState === "complete" &&
      !document.querySelector("[data-stopover]:not([data-ready])"),
  );
  const players = await page.locator("[data-stopover=play]").all();
  for (const player of players) {
    const at = async (/** @type {number} */ step) =>
      player.getByText(new RegExp(`^${step} / \\d+$`)).waitFor({ timeout: 5000 });
    await at(1);
    await player.getByRole("button", { name: "forward" }).click();
    await at(2);
    await page.keyboard.press("ArrowRight");
    await at(3);
    await player.getByRole("button", { name: "back" }).click();
    await at(2);
  }
  const films = await page.locator("[data-stopover=roll]").all();
  for (const film of films) {
    const id = await film.getAttribute("id");
    const at = (/** @type {number} */ step) =>
      page.locator(`#${id}[data-step="${step}"]`).first().waitFor({ timeout: 5000 });
    await at(0);
    await film.getByRole("button", { name: "forward" }).click();
    await at(1);
    await page.keyboard.press("ArrowLeft");
    await at(0);
  }
  const tables = page.locator("[data-stopover=sort][data-ready]");
  const sorted = await tables.count();
  if (sorted) {
    const head = tables.first().locator("th").first();
    await head.click();
    assert.is(await head.getAttribute("aria-sort"), "ascending");
  }
  return { play: players.length, roll: films.length, sort: sorted };
}
