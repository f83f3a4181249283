// The shells that somebody types into, as the thread has them: they come with the part `shell` when
// the first one is opened. What a page asks of them, and what they say, is in terminal.mjs's words.

import { TerminalSession } from "stopover/internal/shell-parts";

/** @typedef {import("stopover").Cluster} Cluster */
/** @typedef {import("stopover/internal/shells").Where} Where */
/** @typedef {import("stopover/internal/journey/network").Typed} Typed */
/**
 * What a page asks of a shell: to begin at a place of a cluster, to take keys or a width, that so
 * many bytes have been shown, for the way of the last packet, to end.
 * @typedef {{ open: { cluster: number, place: string, columns: number } } | { keys: string }
 *   | { columns: number } | { read: number } | { way: true } | { close: true }} Ask
 */
/**
 * What a shell says: what appears, that a command has ended (and whether it sent a packet), a
 * packet's way, the end, why it cannot be.
 * @typedef {{ shows: Uint8Array } | { ended: { line: string, exitCode: number, sent: boolean } }
 *   | { way: Record<string, unknown> } | { over: number } | { refused: string }} Says
 */
/**
 * What a thread has for its shells.
 * @typedef {{ say: (id: number, says: Says) => void, cluster: (id: number) => Cluster, way:
 *   (journey: object, cluster: Cluster) => Record<string, unknown> }} Tools
 */

/** Where a place of a map is. @param {string} place as in its `data-is` @returns {Where} */
export function whereIs(place) {
  if (place === "client") return "internet";
  const [kind, name = ""] = place.split(/ (.*)/s);
  return kind === "pod" ? { pod: name } : { node: name };
}

/** @type {Map<number, Shell>} */
const shells = new Map();

/** @param {number} id @param {Ask} ask @param {Tools} tools */
export function order(id, ask, tools) {
  try {
    if ("open" in ask) shells.set(id, new Shell(id, ask.open, tools));
    else shells.get(id)?.order(ask);
  } catch (error) {
    shells.delete(id);
    tools.say(id, { refused: /** @type {Error} */ (error).message });
  }
}

/** So many bytes may be on their way to the page. */
const mostUnread = 256 * 1024;
/** So long the thread is a shell's alone. Milliseconds. */
const turn = 30;
/** What goes on for longer than this in virtual time is shown at a pace that an eye follows. */
const visible = 100;
/** How long that takes in the reader's time. */
const pause = 150;

class Shell {
  /** @type {Typed | undefined} */
  #sent;
  /** @type {string[]} */
  #shown = [];
  #unread = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #next;

  /**
   * @param {number} id
   * @param {{ cluster: number, place: string, columns: number }} where
   * @param {Tools} tools
   */
  constructor(id, { cluster, place, columns }, tools) {
    this.id = id;
    this.tools = tools;
    this.cluster = tools.cluster(cluster);
    this.session = new TerminalSession(this.cluster.shellWorld, whereIs(place), {
      columns,
      show: (bytes) => this.#shown.push(bytes),
      onCommand: (typed) => {
        if (typed.journey) this.#sent = typed;
        this.#flush();
        const { line, exitCode, journey } = typed;
        tools.say(id, { ended: { line, exitCode, sent: journey !== undefined } });
      },
    });
    this.go();
  }

  /** @param {Ask} ask */
  order(ask) {
    if ("keys" in ask) this.session.keys(ask.keys);
    if ("columns" in ask) this.session.resize(ask.columns);
    if ("read" in ask) {
      const waited = this.#unread > mostUnread;
      this.#unread -= ask.read;
      if (!waited) return;
    }
    if ("way" in ask && this.#sent?.journey)
      this.tools.say(this.id, { way: this.tools.way(this.#sent.journey, this.cluster) });
    if ("close" in ask) {
      shells.delete(this.id);
      this.session.close();
    }
    this.go();
  }

  /** Goes on for a turn, and plans the next one. */
  go() {
    clearTimeout(this.#next);
    if (this.#unread > mostUnread) return; // it goes on when the page has shown that
    const { clock } = this.cluster;
    const [began, from] = [performance.now(), clock.now()];
    const isEnough = () => performance.now() - began > turn;
    let how = this.session.go(isEnough);
    while (how === "goes on" && !isEnough() && clock.now() - from < visible)
      how = this.session.go(isEnough);
    const shown = this.#flush();
    if (how === "ended") this.#end();
    else if (how === "waits") wake(this);
    else this.#plan(how === "is slow" || (shown && clock.now() - from >= visible) ? pause : 0);
  }

  /** @param {number} ms */
  #plan(ms) {
    this.#next = setTimeout(() => {
      try {
        this.go();
      } catch (error) {
        // a component of the cluster has failed meanwhile
        this.tools.say(this.id, { refused: /** @type {Error} */ (error).message });
      }
    }, ms);
  }

  /** Whether there was anything to show. */
  #flush() {
    const bytes = this.#shown.splice(0).join("");
    if (bytes === "") return false;
    this.#unread += bytes.length;
    this.tools.say(this.id, { shows: Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)) });
    return true;
  }

  #end() {
    if (!shells.delete(this.id)) return;
    this.tools.say(this.id, { over: this.session.status ?? 0 });
    wake(this);
  }

  /** What another one did may concern it: a packet came, or its container has ended. */
  look() {
    const how = this.session.go(() => true);
    this.#flush();
    if (how === "ended") this.#end();
    else if (how !== "waits") this.#plan(0);
  }
}

/** Something has happened elsewhere: a cell has run, another shell has done something. */
export function wake(/** @type {Shell | undefined} */ by = undefined) {
  for (const each of shells.values()) if (each !== by) each.look();
}
