/**
 * Formats that a definition's schema may ask of a text. One that nobody knows asks nothing.
 * (kube-openapi: pkg/validation/strfmt)
 */
import { readAddress, readNetwork } from "../net/ip.js";

/** Units by their names; of the last one more letters may come. (strfmt: duration.go) */
const units = "ns,nano us,µs,micro ms,milli s,sec m,min h,hr,hour d,day w,wk,week"
  .split(" ")
  .map((names) => names.split(","));

const isUnit = (text: string): boolean =>
  units.some(
    (names) => names.includes(text.toLowerCase()) || text.startsWith(names[names.length - 1]!),
  );

/** Go's way of writing it, or a number and a unit that people write. */
function isDuration(text: string): boolean {
  if (/^[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)$/.test(text)) return true;
  const found = [...text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)];
  return found.length > 0 && found.every(([, , unit = ""]) => isUnit(unit));
}

const uuid = (version: number) => (text: string) =>
  new RegExp(
    `^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`,
    "i",
  ).test(text);

const byName: Readonly<Record<string, (text: string) => boolean>> = {
  ipv4: (text) => /^\d+\.\d+\.\d+\.\d+$/.test(text) && readAddress(text) !== undefined,
  ipv6: (text) => text.includes(":") && readAddress(text) !== undefined,
  cidr: (text) => readNetwork(text) !== undefined,
  mac: (text) => /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  "date-time": (text) =>
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) &&
    !Number.isNaN(Date.parse(text.replace(" ", "T"))),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  hostname: (text) =>
    text.length <= 255 &&
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?$/i.test(text),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  duration: isDuration,
  email: (text) => /^[^@\s<>]+@[^@\s<>]+$|^[^<>]*<[^@\s<>]+@[^@\s<>]+>$/.test(text),
  uri: (text) => text.startsWith("/") || /^[a-z][a-z0-9+.-]*:./i.test(text),
  uuid3: uuid(3),
  uuid4: uuid(4),
  uuid5: uuid(5),
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => {
    const [, ...parts] =
      /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text) ?? [];
    return parts.length === 3 && parts.every((one) => Number(one) <= 255);
  },
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
};

export const formatFits = (format: string, text: string): boolean =>
  byName[format.replace(/^datetime$/, "date-time")]?.(text) ?? true;
