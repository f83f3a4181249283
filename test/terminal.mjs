// A real browser types into the terminals of a page: part of book.e2e.mjs.

import { join } from "node:path";
import * as assert from "uvu/assert";

/** @typedef {import("playwright-core").Page} Page */

/**
 * @param {(says: string, run: () => Promise<void>) => void} test
 * @param {{ go: (name: string) => Promise<Page>, complaints: () => string[], misplaced: () =>
 *   string[], screenshots: string }} book
 */
export function testTerminals(test, { go, complaints, misplaced, screenshots }) {
  /** The cell with the chapter's first map, run. @param {Page} page */
  async function mapIn(page) {
    const cell = page.locator(".cell", { hasText: "show(map(cluster, { journey: trip }))" });
    await cell.getByRole("button", { name: /^Run cell/ }).click();
    await cell.getByRole("button", { name: /Run the cells above/ }).click();
    await cell.locator(".stations").waitFor();
    return cell;
  }
  /**
   * What stands on a terminal, as a screen reader has it; the prompt that waits is its last line.
   * @param {import("playwright-core").Locator} terminal
   * @param {RegExp} text
   */
  async function shows(terminal, text) {
    const rows = terminal.locator(".xterm-accessibility-tree");
    for (let tries = 0; ; tries++) {
      const lines = await rows.locator("> div").allTextContents();
      const all = lines.map((line) => line.replaceAll("\u00a0", " ").trimEnd()).join("\n");
      if (text.test(all.trimEnd())) return;
      if (tries === 100) assert.match(all.trimEnd(), text);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  test("a terminal: a click on a node, keys, ^C, the way of its packet; a reset takes it along", async () => {
    const page = await go("06-the-request.html");
    const cell = await mapIn(page);
    const scripts = () =>
      page.locator('script[src$="terminal.js"], script[src$="shell.js"]').count();
    assert.is(await scripts(), 0, "nothing of it is loaded before");
    const node = cell.locator('.som-wide [data-is="node node-a"]');
    await node.click({ force: true, position: { x: 20, y: 18 } }); // letters lie over it
    const terminal = page.getByRole("region", { name: "Terminal at node-a" });
    await shows(terminal, /^root@node-a:\/#$/);
    assert.is(await scripts(), 2);
    await page.keyboard.type("iptables-save -t nat | grep -c '10.2.1.1/32'\n");
    await shows(terminal, /\n2\nroot@node-a:\/#$/);
    const way = terminal.getByRole("button", { name: /^Show the way/ });
    assert.ok(await way.isDisabled(), "nothing has been sent");
    await page.keyboard.type("ping 10.1.1.2\n");
    await shows(terminal, /icmp_seq=2/);
    await page.keyboard.press("Control+C");
    await shows(
      terminal,
      /\^C\n--- 10\.1\.1\.2 ping statistics ---\n\d+ packets[^]*\nroot@node-a:\/#$/,
    );
    await page.keyboard.type("clear; curl -s 10.2.1.1:8080 | grep -o 'Welcome to'\n");
    await shows(terminal, /^Welcome to\nWelcome to\nroot@node-a:\/#$/);
    await way.click();
    const title = terminal.getByText("http://10.2.1.1:8080/ from node/node-a: delivered");
    await title.locator("visible=true").first().waitFor();
    await page.screenshot({ path: join(screenshots, "terminal-light.png") });
    await page.getByRole("button", { name: "Put code and outputs back" }).click();
    await terminal.getByText("gone with what the cells had made").waitFor();
    assert.equal(complaints(), []);
  });

  test("a terminal by the keyboard alone, at 390 px, in the dark", async () => {
    const page = await go("06-the-request.html");
    const { width = 1280, height = 900 } = page.viewportSize() ?? {};
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole("button", { name: "Switch between light and dark" }).click();
    const cell = await mapIn(page);
    const station = cell.getByRole("button", { name: "Open a terminal at client" });
    await station.focus();
    await page.keyboard.press("Enter");
    const terminal = page.getByRole("region", { name: "Terminal at client" });
    await shows(terminal, /^root@client:~?\/?#$/);
    await page.keyboard.type("curl -s http://mynginx-app.com:8080 | hea");
    await page.keyboard.press("Tab");
    await page.keyboard.type("-1\n");
    await shows(terminal, /<!DOCTYPE html>\nroot@client/);
    await page.keyboard.press("ArrowUp");
    await shows(terminal, /head -1$/);
    // what is printed below other cells scrolls in its own box
    const outside = (await page.evaluate(misplaced)).filter((each) => !each.startsWith("<img"));
    assert.equal(outside, []);
    await page.screenshot({ path: join(screenshots, "terminal-390-dark.png") });
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter"); // its last button closes it
    await terminal.waitFor({ state: "detached" });
    assert.ok(await station.evaluate((button) => button === document.activeElement));
    await page.getByRole("button", { name: "Switch between light and dark" }).click();
    await page.setViewportSize({ width, height });
    assert.equal(complaints(), []);
  });
}
