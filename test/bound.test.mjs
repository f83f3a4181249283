// A kernel hears nobody before its sockets are bound, and then everybody in order.

import { createRequire } from "node:module";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { hearingOnceBound } from "../notebooks/kit/bound.mjs";

const test = suite("a kernel's sockets");

test("what is asked while they are bound is answered after that, in order", async () => {
  /** @type {() => void} */
  let bind = () => {};
  /** @type {unknown[]} */
  const heard = [];
  class Server {
    isBound = false;
    async init() {
      await new Promise((resolve) => (bind = () => resolve(undefined)));
      this.isBound = true;
    }
    /** @param {unknown} message */
    async handleShellMessage(message) {
      await Promise.resolve();
      heard.push([message, this.isBound]);
    }
  }
  hearingOnceBound(Server);
  const server = new Server();
  const ready = server.init();
  const asked = [server.handleShellMessage("who are you"), server.handleShellMessage("run this")];
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(heard, []);
  bind();
  await Promise.all([ready, ...asked, server.handleShellMessage("and this")]);
  assert.equal(heard, [
    ["who are you", true],
    ["run this", true],
    ["and this", true],
  ]);
});

test("tslab's server is the one that is meant", () => {
  const { prototype } = createRequire(import.meta.url)("tslab/dist/jupyter.js").ZmqServer;
  for (const name of ["init", "handleShellMessage"]) assert.type(prototype[name], "function");
});

test.run();
