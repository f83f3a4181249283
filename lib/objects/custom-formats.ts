/**
 * Formats that a definition's schema may ask of a text. One that nobody knows asks nothing.
 * (kube-openapi: pkg/validation/strfmt)
 */
import { readAddress, readNetwork } from "../net/ip.js";

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
  duration: (text) => /^[+-]?(0|(\d+(\.\d*)?|\.\d+) ?(ns|us|µs|ms|s|m|h|d|w|[a-z]+))+$/i.test(text),
};

export const formatFits = (format: string, text: string): boolean =>
  byName[format.replace(/^datetime$/, "date-time")]?.(text) ?? true;
