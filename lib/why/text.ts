/** A diagnosis on one screen: what works, what does not, why, and what to change. */
import { basisLines } from "../journey/text.js";
import { printable } from "../net/printable.js";
import type { Diagnosis, Door } from "./types.js";

/** So many doors that say the same stand on one line by name. */
const namedAtMost = 4;

/**
 * A diagnosis in words, for a terminal: first what works, then each door that does not, with its
 * cause, the field to change and the command that shows it on a real cluster.
 */
export function whyText({ service, doors, notes, changes, ...basis }: Diagnosis): string {
  const groups = grouped(doors);
  const failing = groups.filter(([first]) => !isSound(first!));
  const lines = [
    `Service ${service}: ${verdict(doors)}`,
    "",
    ...groups.map(groupLine),
    ...distinctCauses(failing).flatMap((group, i) => ["", ...causeLines(group, i + 1)]),
    ...(notes.length > 0 ? ["", ...notes.map((note) => `note: ${note}`)] : []),
    ...(changes ? ["", ...changeLines(changes)] : []),
    ...(basis.assumed.length + basis.leftOut.length > 0 ? ["", ...basisLines(basis)] : []),
  ];
  return `${lines.map(printable).join("\n")}\n`;
}

const isSound = ({ disposition }: Door): boolean => disposition === "delivered";

function verdict(doors: readonly Door[]): string {
  const meant = doors.filter(({ shouldAnswer }) => shouldAnswer);
  const sound = meant.filter(isSound).length;
  if (meant.length === 0) return "whether it answers cannot be told from here";
  if (sound === meant.length) return `all ${meant.length} doors that should answer do`;
  return `${sound} of ${meant.length} doors that should answer do`;
}

/** Doors of one kind that say the same, together. */
function grouped(doors: readonly Door[]): Door[][] {
  const groups = new Map<string, Door[]>();
  for (const each of doors) {
    const key = [
      each.door,
      each.disposition,
      each.share,
      each.shouldAnswer,
      ...fieldsOf(each),
    ].join("|");
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

const fieldsOf = ({ causes }: Door): string[] =>
  causes.map(({ object, field }) => `${object.split("/")[0]} ${field}`);

function groupLine(group: readonly Door[]): string {
  const [{ door, disposition, share, shouldAnswer, path }] = group as [Door, ...Door[]];
  const names = group.map(({ name }) => name);
  const who =
    names.length > namedAtMost
      ? `${names.slice(0, namedAtMost - 1).join(", ")} and ${names.length - namedAtMost + 1} more`
      : names.join(", ");
  const mark = disposition === "delivered" ? "ok  " : shouldAnswer ? "FAIL" : "shut";
  const part = share > 0 && share < 1 ? `, ${percent(share)} of the ways work` : "";
  const how = names.length === 1 ? `   (${path})` : "";
  return `${mark} ${door.padEnd(13)} ${disposition}${part}   ${who}${how}`;
}

const percent = (share: number): string => `${(share * 100).toFixed(1).replace(/\.0$/, "")} %`;

/** Each set of causes once, with the doors that it closes. */
function distinctCauses(failing: readonly Door[][]): Door[][] {
  const groups = new Map<string, Door[]>();
  for (const group of failing) {
    const key = JSON.stringify(group[0]!.causes.map(({ sentence }) => sentence));
    groups.set(key, [...(groups.get(key) ?? []), ...group]);
  }
  return [...groups.values()];
}

function causeLines(group: readonly Door[], number: number): string[] {
  const [first] = group as [Door, ...Door[]];
  const kinds = [...new Set(group.map(({ door }) => door))].join(", ");
  const [cause, ...others] = first.causes;
  return [
    `${number}. ${kinds}: ${cause?.sentence ?? first.reason}`,
    ...(cause && first.reason !== cause.sentence ? [`   seen:   ${first.reason}`] : []),
    ...(first.change
      ? [`   change: ${first.change.object}, ${first.change.field}: ${shown(first.change.value)}`]
      : []),
    ...(first.kubectl ? [`   see:    ${first.kubectl}`] : []),
    ...others.map(({ sentence }) => `   then:   ${sentence}`),
  ];
}

const shown = (value: unknown): string =>
  value === null
    ? "take it away"
    : typeof value === "string" && value !== ""
      ? value
      : JSON.stringify(value);

const changeLines = (changes: NonNullable<Diagnosis["changes"]>): string[] =>
  changes.length === 0
    ? ["nothing that decides about it has changed since"]
    : [
        "changed since:",
        ...changes.map(
          ({ object, field, before, now }) =>
            `   ${object}${field && `, ${field}`}: ${plain(before)} -> ${plain(now)}`,
        ),
      ];

const plain = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
