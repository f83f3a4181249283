// A real browser without a screen, for the tests that open pages.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { lacking } from "./dist/needs.js";

const executablePath = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find(existsSync);
/** Why there is no browser here: for needs(). */
export const lacksBrowser = executablePath ? [] : lacking("chromium");
/** Without these, Chromium calls its makers at every start. */
const quiet = [
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-gpu",
];
export const launch = () =>
  chromium.launch({
    executablePath: executablePath ?? "",
    args: [...quiet, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
  });

/**
 * Opens a page that notes down every script error, and every request that leaves the machine.
 * @param {import("playwright-core").Browser} browser
 */
export async function open(browser, colorScheme = /** @type {"light" | "dark"} */ ("light")) {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
  /** @type {string[]} */
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!/^(file:|data:|blob:|about:|https?:\/\/(127\.0\.0\.1|localhost)[:/])/.test(request.url()))
      complaints.push(`asked the network for ${request.url()}`);
  });
  return { page, complaints };
}
