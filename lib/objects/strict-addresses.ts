/**
 * Addresses that were once taken in more than one way of writing: leading zeros, which some read as
 * octal, IPv4 in the clothes of IPv6, ranges with host bits.
 * (k8s.io/apimachinery: pkg/util/validation/ip.go; KEP-4858)
 */
import { parseCIDR, readAddress, readNetwork } from "../net/ip.js";
import { invalid, type FieldError } from "./field-errors.js";

const isMapped = (text: string): boolean =>
  mapped.contains(readAddress(text) ?? readAddress("::")!);
const mapped = parseCIDR("::ffff:0:0/96");

/** What is wrong with an address that readAddress takes. */
export function strictIP(field: string, value: string): FieldError[] {
  if (!readAddress(value)) return [];
  const told = (detail: string): FieldError[] => [invalid(field, value, detail)];
  if (hasZeros(value)) return told("must not have leading 0s");
  return isMapped(value) ? told("must not be an IPv4-mapped IPv6 address") : [];
}

/** What is wrong with a range that readNetwork takes. */
export function strictCIDR(field: string, text: string): FieldError[] {
  const value = text.trim();
  const range = readNetwork(value);
  if (!range) return [];
  const [address = "", length = ""] = value.split("/");
  const told = (detail: string): FieldError[] => [invalid(field, value, detail)];
  if (hasZeros(address) || /^0\d/.test(length))
    return told("must not have leading 0s in IP or prefix length");
  if (isMapped(address)) return told("must not have an IPv4-mapped IPv6 address");
  return range.base.text === range.address.text
    ? []
    : told("must not have bits set beyond the prefix length");
}

/** In the parts of an IPv4 address; those of IPv6 may have them. */
const hasZeros = (address: string): boolean =>
  address.slice(address.lastIndexOf(":") + 1).split(".").length === 4 &&
  address
    .slice(address.lastIndexOf(":") + 1)
    .split(".")
    .some((part) => /^0\d/.test(part));
