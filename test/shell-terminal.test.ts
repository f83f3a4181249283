/** A shell that somebody types into, in virtual time: keys, the line that is edited, its end. */
import { createCluster, type Cluster } from "stopover";
import { TerminalSession, type TerminalOptions } from "stopover/internal/shell-parts";
import type { Typed } from "stopover/internal/journey/network";
import type { Where } from "stopover/internal/shells";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Screen } from "./screen.js";

const test = suite("a terminal at every place");

/** One for all tests that change nothing of it. */
let shared: Cluster | undefined;

function shop(): Cluster {
  const cluster = createCluster({ nodes: 2, seed: 1 });
  const labels = { app: "shop" };
  const metadata = { name: "client" };
  const containers = [{ name: "client", image: "busybox", command: ["sleep", "infinity"] }];
  cluster.apply({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers } });
  const nginx = [{ name: "nginx", image: "nginx" }];
  const spec = { containers: nginx };
  cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "shop", labels }, spec });
  const service = { selector: labels, ports: [{ port: 80 }] };
  cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "shop" }, spec: service });
  cluster.settle();
  return cluster;
}

/** A terminal with its screen. */
class Desk {
  readonly screen: Screen;
  readonly commands: Typed[] = [];
  readonly session: TerminalSession;
  ended: number | undefined;

  constructor(
    cluster: Cluster,
    where: Where,
    { columns = 80, ...more }: Partial<TerminalOptions> = {},
  ) {
    this.screen = new Screen(columns);
    this.session = new TerminalSession(cluster.shellWorld, where, {
      show: (bytes) => this.screen.write(bytes),
      onCommand: (typed) => this.commands.push(typed),
      onEnd: (code) => (this.ended = code),
      columns,
      ...more,
    });
    this.rest();
  }

  /** Goes on until it waits; at most so many times. */
  rest(most = 1_000): string {
    let how = this.session.go();
    for (let i = 0; (how === "goes on" || how === "is slow") && i < most; i++)
      how = this.session.go();
    return how;
  }

  type(keys: string): this {
    this.session.keys(keys);
    this.rest();
    return this;
  }

  get text(): string {
    return this.screen.text;
  }
}
const client = { pod: "default/client" };
const atClient = (options?: Partial<TerminalOptions>): Desk =>
  new Desk((shared ??= shop()), client, options);
const [LEFT, RIGHT, UP, DOWN] = ["\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"];

test("a prompt, what is typed, what it prints, the prompt again", () => {
  const desk = atClient().type("echo hello $((6 * 7))\r");
  assert.is(desk.text, "root@client:/# echo hello $((6 * 7))\nhello 42\nroot@client:/#");
});

test("each command is taken down with its output, its exit code and its packet's journey", () => {
  const cluster = shop();
  const desk = new Desk(cluster, client).type("curl -s shop | head -1\r").type("false\r");
  const [curl, no] = desk.commands;
  assert.is(curl?.line, "curl -s shop | head -1");
  assert.is(curl?.output, "<!DOCTYPE html>\n");
  assert.is(curl?.journey?.disposition, "delivered");
  assert.equal([no?.exitCode, no?.journey, no?.place], [1, undefined, "default/client"]);
  assert.equal(cluster.network.typed, desk.commands);
});

test("a script that a cell runs is taken down as well", async () => {
  const cluster = shop();
  await cluster.node("node-a").sh("hostname; exit 3");
  assert.equal(cluster.network.typed, [
    {
      place: "node-a",
      line: "hostname; exit 3",
      output: "node-a\n",
      exitCode: 3,
      journey: undefined,
    },
  ]);
});

for (const [says, keys, line] of [
  ["letters before the cursor", `eho${LEFT}${LEFT}c${RIGHT}${RIGHT} x`, "echo x"],
  ["the first letter", `cho a\x01e`, "echo a"],
  ["Home, End and Delete", `xecho a\x1b[H\x1b[3~\x1b[Fb`, "echo ab"],
  ["^W takes a word, ^Y brings it back", `echo one two\x17\x17\x19\x19`, "echo one one "],
  ["^U takes all before, ^K all behind", `no\x15echo a b${LEFT}${LEFT}\x0b`, "echo a"],
  ["Alt-b and Alt-f go by words", `echo two one\x1bb\x1bbX\x1bfY`, "echo XtwoY one"],
  ["letters of several bytes", `echo grüße${LEFT}${LEFT}\x7f${LEFT}\x7f`, "echo rße"],
  ["a sequence that nobody knows", `echo \x1b[15~a\x1bOP`, "echo a"],
  ["Tab completes a command", "hostna\ta", "hostname a"],
  ["Tab completes a path", "cat /etc/resolv\t", "cat /etc/resolv.conf "],
  ["Tab goes as far as it is sure", "cat /etc/ho\t", "cat /etc/host"],
  ["Tab ends a folder with a slash", "ls /et\t", "ls /etc/"],
] as const) {
  test(`editing: ${says}`, () => {
    const desk = atClient().type(keys);
    const at = desk.screen.cursor;
    const shown = desk.text.replace("root@client:/# ", "");
    assert.is(shown, line.trimEnd());
    assert.ok(at.column >= "root@client:/# ".length, "the cursor is in the line");
  });
}

test("two Tabs list what is possible, and the line goes on", () => {
  const desk = atClient().type("cat /etc/host\t\t");
  assert.is(
    desk.text,
    "root@client:/# cat /etc/host\nhostname  hosts\nroot@client:/# cat /etc/host",
  );
});

test("the lines before come back, to be changed; `history` lists them", () => {
  const desk = atClient().type("echo one\r").type("echo two\r").type(`draft${UP}${UP}`);
  assert.match(desk.text, /echo one$/);
  desk.type(DOWN).type(DOWN);
  assert.match(desk.text, /draft$/);
  desk.type(`\x15${UP}\x7f\x7f\x7f2\r`);
  assert.match(desk.text, /echo 2\n2\nroot@client:\/#$/);
  desk.type("history 2\r");
  assert.match(desk.text, /\n {4}3 {2}echo 2\n {4}4 {2}history 2\n/);
});

test("a line longer than the terminal is wide is edited in all its rows", () => {
  const desk = atClient({ columns: 24 });
  const long = "echo abcdefghijklmnopqrstuvwxyz0123456789";
  desk.type(long);
  const all = `root@client:/# ${long}`;
  const rows = (text: string): string => text.match(/.{1,24}/g)!.join("\n");
  assert.is(desk.text, rows(all));
  desk.type("\x01").type("X");
  assert.is(desk.text, rows(all.replace("echo", "Xecho")));
  assert.equal(desk.screen.cursor, { row: 0, column: 16 });
  desk.type("\x05").type("\x7f".repeat(30));
  assert.is(desk.text, rows("root@client:/# Xecho abcdef"));
  desk.type("\x15echo 123456789\r"); // to the last column: the cursor is in the next row
  assert.match(desk.text, /\n123456789\nroot@client:\/#$/);
});

test("^C ends what runs, and what is typed; ^D ends the shell", () => {
  const desk = atClient().type("echo no").type("\x03").type("cat\r").type("a\r");
  assert.match(desk.text, /# echo no\^C\nroot@client:\/# cat\na\na$/);
  desk.type("\x03").type("echo $?\r");
  assert.match(desk.text, /\n\^C\nroot@client:\/# echo \$\?\n130\nroot@client:\/#$/);
  desk.type("nope | cat\r");
  assert.match(desk.text, /\nbash: nope: command not found\nroot@client:\/#$/);
  desk.type("clear\r");
  assert.is(desk.text, "root@client:/#");
  desk.type("\x04");
  assert.is(desk.ended, 0);
  assert.match(desk.text, /exit$/);
});

test("what waits in silence takes no time of the reader's", () => {
  const cluster = shop();
  const before = cluster.clock.now();
  new Desk(cluster, client).type("sleep 600; echo up\r");
  assert.is(cluster.clock.now() - before, 600_000);
});

test("time stands still while somebody types, and a cell does not wait for a shell", () => {
  const cluster = shop();
  const desk = new Desk(cluster, client);
  desk.session.keys("ping 10.1.0.1\r");
  assert.is(desk.session.go(), "goes on");
  for (let i = 0; i < 5; i++) desk.session.go();
  const before = cluster.clock.now();
  cluster.settle();
  assert.ok(cluster.clock.now() - before < 1_000);
  desk.type("\x03");
  const then = cluster.clock.now();
  desk.type("echo");
  assert.is(cluster.clock.now(), then);
});

test("who waits for others keeps no time going, and goes on when they come", () => {
  const cluster = shop();
  const listening = new Desk(cluster, { pod: "default/shop" });
  listening.session.keys("nc -l -p 9000\r");
  assert.is(listening.rest(), "waits");
  const before = cluster.clock.now();
  assert.is(listening.session.go(), "waits");
  assert.is(cluster.clock.now(), before);
  const [address] = cluster.pod("shop").sandbox.ips;
  new Desk(cluster, client).type(`echo ahoy | nc ${address} 9000\r`);
  listening.rest();
  assert.match(listening.text, /nc -l -p 9000\nahoy/);
});

test("an endless loop is somebody's to end: it leaves the page its turns, and ^C ends it", () => {
  const desk = atClient();
  let asked = 0;
  desk.session.keys("while true; do :; done\r");
  desk.session.go();
  assert.is(
    desk.session.go(() => asked++ > 50),
    "goes on",
  );
  desk.type("\x03").type("echo $?\r");
  assert.match(desk.text, /130\nroot@client:\/#$/);
  desk.session.keys("while true; do sleep 60; done\r");
  for (let i = 0; i < 5; i++) desk.session.go();
  assert.is(desk.session.go(), "is slow");
});

test("closing ends all that was begun there, and nothing else of the place", () => {
  const cluster = shop();
  const [one, other] = [new Desk(cluster, client), new Desk(cluster, client)];
  one.session.keys("sleep 1000 & sleep infinity\r");
  one.session.go();
  one.session.close();
  other.type("ps | grep -c sleep\r");
  assert.match(other.text, /\n0\nroot/);
  assert.is(one.session.go(), "ended");
});

test("a terminal ends with its container", () => {
  const cluster = shop();
  const desk = new Desk(cluster, client);
  cluster.delete("Pod", "client");
  cluster.advance("60s");
  assert.throws(() => new Desk(cluster, client), /no node runs a Pod "default\/client"/);
  desk.type("hostname\r");
});

test("a place that is not there is refused", () => {
  const cluster = shop();
  assert.throws(() => new Desk(cluster, { node: "node-x" }), /there is no node "node-x"/);
  assert.throws(() => new Desk(cluster, { pod: "default/x\x1b[2J" }), /x\\u001b\[2J/);
});

test.run();
