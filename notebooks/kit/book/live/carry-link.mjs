// A question in a link's fragment, and in a file: deflated JSON, of bounded size in both
// directions. What is opened may have been written by anybody.

import { Inflate, deflateSync } from "fflate";

/** @typedef {import("./question.mjs").Question} Question */

/** A longer fragment is no link that people can send each other. Characters. */
export const longestLink = 100 * 1024;
/** What a link or a file may hold when it is unpacked. Bytes. */
export const mostBytes = 16 * 1024 * 1024;

/** The fragment that carries the question. @param {Question} question */
export function fragmentOf(question) {
  const packed = deflateSync(new TextEncoder().encode(JSON.stringify(question)), { level: 9 });
  let text = "";
  for (let at = 0; at < packed.length; at += 0x8000)
    text += String.fromCharCode(...packed.subarray(at, at + 0x8000));
  return `#q=${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** The question in a fragment; undefined where there is none. @param {string} fragment */
export function questionIn(fragment) {
  const packed = /^#q=([\w-]+)$/.exec(fragment)?.[1];
  if (packed === undefined) return undefined;
  if (fragment.length > longestLink) {
    throw new Error(`the link is longer than ${longestLink} characters: it is not opened`);
  }
  let bytes;
  try {
    const text = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
    bytes = unpacked(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  } catch (error) {
    throw error instanceof TooMuch
      ? error
      : new Error("the link is damaged: it cannot be unpacked");
  }
  return questionOf(new TextDecoder().decode(bytes), "the link");
}

class TooMuch extends Error {}

/** @param {Uint8Array} packed */
function unpacked(packed) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  let whole = false;
  const inflate = new Inflate((part, last) => {
    size += part.length;
    if (size > mostBytes) throw new TooMuch(`what is opened holds more than ${mostBytes} bytes`);
    parts.push(part);
    whole ||= last;
  });
  // in small parts, for what one of them unpacks to is known only when it is unpacked
  for (let at = 0; at < packed.length; at += 1024)
    inflate.push(packed.subarray(at, at + 1024), at + 1024 >= packed.length);
  if (!whole) throw new Error("cut off");
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * A question out of a text that anybody may have written: nothing but its own fields is taken.
 * @param {string} text
 * @param {string} source what it is called in a complaint
 * @returns {Question}
 */
export function questionOf(text, source) {
  const wrong = (/** @type {string} */ what) => new Error(`${source} holds no question: ${what}`);
  if (text.length > mostBytes) throw wrong(`it has more than ${mostBytes} characters`);
  let given;
  try {
    given = JSON.parse(text);
  } catch {
    throw wrong("it is no JSON");
  }
  if (typeof given !== "object" || given === null) throw wrong("it is no object");
  const { files = [], snapshot, seed } = given;
  if (!Array.isArray(files) || !files.every(isFile)) {
    throw wrong(`"files" must be a list of { "name", "text" }`);
  }
  /** @type {Question} */
  const question = { files: files.map(({ name, text }) => ({ name, text })) };
  for (const field of /** @type {const} */ (["rules", "url", "from"])) {
    const value = given[field];
    if (value === undefined) continue;
    if (typeof value !== "string") throw wrong(`"${field}" must be a text`);
    question[field] = value;
  }
  if (snapshot === true) question.snapshot = true;
  if (Number.isSafeInteger(seed) && seed >= 0) question.seed = seed;
  return question;
}

/** @param {unknown} file */
const isFile = (file) =>
  typeof file === "object" &&
  file !== null &&
  "name" in file &&
  "text" in file &&
  typeof file.name === "string" &&
  typeof file.text === "string";
