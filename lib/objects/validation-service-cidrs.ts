/**
 * What may be asked of ServiceCIDRs and IPAddresses. Who imports this has the checks. (kubernetes:
 * pkg/apis/networking/validation)
 */
import { readAddress, readNetwork } from "../net/ip.js";
import {
  checkCIDR,
  checkFormat,
  dns1123Subdomain,
  invalid,
  pathSegment,
  required,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import type { IPAddress, ServiceCIDR } from "./service-cidrs.js";
import { strictCIDR, strictIP } from "./strict-addresses.js";
import { byKind } from "./validation.js";

const IMMUTABLE = "field is immutable";
const CIDRS = "spec.cidrs";

function validateServiceCIDR({ spec = {} }: ServiceCIDR, old?: ServiceCIDR): FieldError[] {
  const { cidrs = [] } = spec;
  if (!old) return checkCIDRs(cidrs);
  const before = old.spec?.cidrs ?? [];
  // a second family may come, and nothing else change (kubernetes #131261)
  const isGrowing = before.length === 1 && cidrs.length === 2;
  if (!isGrowing && before.length !== cidrs.length) return [invalid(CIDRS, cidrs, IMMUTABLE)];
  return [
    ...before.flatMap((cidr, i) =>
      cidr === cidrs[i] ? [] : [invalid(`${CIDRS}[${i}]`, cidrs[i], IMMUTABLE)],
    ),
    ...(isGrowing ? checkCIDRs(cidrs) : []),
  ];
}

function checkCIDRs(cidrs: readonly string[]): FieldError[] {
  if (cidrs.length === 0) return [required(CIDRS, "at least one CIDR required")];
  if (cidrs.length > 2) return [invalid(CIDRS, { CIDRs: cidrs }, "may only hold up to 2 values")];
  const families = cidrs.map((cidr) => readNetwork(cidr)?.family);
  const isTwice = families[0] !== undefined && families[0] === families[1];
  return [
    ...cidrs.flatMap((cidr, i) => checkWritten(`${CIDRS}[${i}]`, cidr)),
    ...(isTwice
      ? [
          invalid(
            CIDRS,
            cidrs,
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
          ),
        ]
      : []),
  ];
}

function checkWritten(at: string, cidr: string): FieldError[] {
  const problems = [...checkCIDR(at, cidr), ...strictCIDR(at, cidr)];
  const range = readNetwork(cidr);
  if (problems.length > 0 || !range) return problems;
  return checkCanonical(at, cidr, `${range.base.text}/${range.length}`);
}

const checkCanonical = (at: string, text: string, canonical: string | undefined): FieldError[] =>
  text === canonical
    ? []
    : [invalid(at, text, `must be in canonical form (${JSON.stringify(canonical)})`)];

const inGo = (parent: NonNullable<IPAddress["spec"]>["parentRef"]): object | null =>
  parent
    ? {
        Group: parent.group ?? "",
        Resource: parent.resource ?? "",
        Namespace: parent.namespace ?? "",
        Name: parent.name ?? "",
      }
    : null;

function validateIPAddress({ metadata, spec }: IPAddress, old?: IPAddress): FieldError[] {
  const at = "spec.parentRef";
  const parent = spec?.parentRef;
  if (old) return same(parent, old.spec?.parentRef) ? [] : [invalid(at, inGo(parent), IMMUTABLE)];
  if (!parent) return [...checkAddress(metadata.name), required(at)];
  const { group, resource, namespace, name } = parent;
  const segment = (field: string, value: string | undefined, isNeeded: boolean): FieldError[] =>
    value
      ? checkFormat(`${at}.${field}`, value, pathSegment)
      : isNeeded
        ? [required(`${at}.${field}`)]
        : [];
  return [
    ...checkAddress(metadata.name),
    ...(group ? checkFormat(`${at}.group`, group, dns1123Subdomain) : []),
    ...segment("resource", resource, true),
    ...segment("name", name, true),
    ...segment("namespace", namespace, false),
  ];
}

function checkAddress(name: string): FieldError[] {
  const at = "metadata.name";
  if (!name) return []; // that is said already
  const address = readAddress(name);
  if (!address)
    return [invalid(at, name, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  const problems = strictIP(at, name);
  return problems.length > 0 ? problems : checkCanonical(at, name, address.text);
}

Object.assign(byKind, { ServiceCIDR: validateServiceCIDR, IPAddress: validateIPAddress });
