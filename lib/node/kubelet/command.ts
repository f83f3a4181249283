/**
 * What a container's process does with itself. It is known of `true`, `false`, `exit N` and
 * `sleep N`, alone or one after the other within `sh -c`, and of echo between them; any other
 * command is taken to run for ever.
 */
import type { Container } from "../../objects/types.js";

/** When a process ends by itself, and how. */
export interface End {
  /** Milliseconds after its start. */
  after: number;
  exitCode: number;
}

/** Undefined: it runs until somebody ends it. */
export function endOf({ command = [], args = [] }: Container): End | undefined {
  const words = [...command, ...args];
  const [program = "", option, script] = words;
  const isShell = /(^|\/)(ba|da|a)?sh$/.test(program) && /^-\w*c$/.test(option ?? "");
  if (!isShell) return words.length > 0 ? endOfAll([words.join(" ")]) : undefined;
  return script === undefined ? undefined : endOfAll(script.split(/;|&&|\n/));
}

function endOfAll(statements: readonly string[]): End | undefined {
  let end: End = { after: 0, exitCode: 0 };
  for (const statement of statements) {
    const text = statement.trim();
    if (text === "" || text.startsWith("#")) continue;
    const [, seconds, unit = "s"] =
      /^(?:\/\S*\/)?sleep\s+(\d{1,7}(?:\.\d{1,3})?)([smh]?)$/.exec(text) ?? [];
    const [, code] = /^exit(?:\s+(\d{1,3}))?$/.exec(text) ?? [];
    if (/^exit\b/.test(text) && (code !== undefined || text === "exit"))
      return { ...end, exitCode: code === undefined ? end.exitCode : Number(code) & 255 };
    if (seconds !== undefined)
      end = { after: end.after + Number(seconds) * unitOf(unit), exitCode: 0 };
    else if (/^(?:\/\S*\/)?(true|:)$/.test(text) || /^(echo|printf|date)\b[^|&<>`$]*$/.test(text))
      end = { ...end, exitCode: 0 };
    else if (/^(?:\/\S*\/)?false$/.test(text)) end = { ...end, exitCode: 1 };
    else return undefined;
  }
  return end;
}

const unitOf = (unit: string): number => ({ m: 60_000, h: 3_600_000 })[unit] ?? 1_000;

/** Images that no registry has: those with the tag "bad", and those whose name says "no-such". */
export function isMissing(image: string): boolean {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return /no-such/.test(image) || /:bad$/.test(name);
}

/** As containerd says it. */
export const whyMissing = (image: string): string =>
  `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`;
