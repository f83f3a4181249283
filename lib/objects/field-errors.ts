import { parseCIDR, readAddress, readNetwork } from "../net/ip.js";

/**
 * One thing wrong with one field, as metav1.StatusCause; `message` reads on after
 * "spec.ports[0].port: ".
 */
export interface FieldError {
  field: string;
  message: string;
  reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueNotSupported"
    | "FieldValueForbidden"
    | "FieldValueDuplicate"
    | "FieldValueNotFound"
    | "FieldValueTooLong"
    | "FieldValueTooMany";
}

// The wording is Kubernetes'. (k8s.io/apimachinery: pkg/util/validation/field/errors.go)
export const required = (field: string, detail = ""): FieldError => ({
  field,
  reason: "FieldValueRequired",
  message: `Required value${detail && `: ${detail}`}`,
});
export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  field,
  reason: "FieldValueInvalid",
  message: `Invalid value: ${inJson(value)}${detail && `: ${detail}`}`,
});
export const notSupported = (
  field: string,
  value: unknown,
  supported: readonly string[],
): FieldError => ({
  field,
  reason: "FieldValueNotSupported",
  message: `Unsupported value: ${inJson(value)}: supported values: ${supported.map((one) => JSON.stringify(one)).join(", ")}`,
});
export const forbidden = (field: string, detail: string): FieldError => ({
  field,
  reason: "FieldValueForbidden",
  message: `Forbidden: ${detail}`,
});
export const notFound = (field: string, value: unknown): FieldError => ({
  field,
  reason: "FieldValueNotFound",
  message: `Not found: ${inJson(value)}`,
});
export const duplicate = (field: string, value: unknown, detail = ""): FieldError => ({
  field,
  reason: "FieldValueDuplicate",
  message: `Duplicate value: ${inJson(value)}${detail && `: ${detail}`}`,
});
export const tooLong = (field: string, max: number): FieldError => ({
  field,
  reason: "FieldValueTooLong",
  message: `Too long: may not be more than ${max} bytes`,
});
export const tooMany = (field: string, actual: number, max: number): FieldError => ({
  field,
  reason: "FieldValueTooMany",
  message: `Too many: ${actual}: must have at most ${max} items`,
});

/** A value as Go writes it in these messages, which is JSON. (field.Error's ErrorBody) */
const inJson = (value: unknown): string => JSON.stringify(value ?? null);

// ---- formats (k8s.io/apimachinery: pkg/util/validation/validation.go) ---------------------------

/** What is wrong with the value, in sentences; none: it is fine. */
export type Format = (value: string) => string[];

function format(
  pattern: string,
  max: number,
  wording: string,
  examples: readonly string[],
  unit = "characters",
  regexp = new RegExp(`^(?:${pattern})$`),
): Format {
  const shown = `(e.g. ${examples.map((one) => `'${one}'`).join(",  or ")}, regex used for validation is '${pattern}')`;
  return (value) => {
    const problems: string[] = [];
    if (value.length > max) problems.push(`must be no more than ${max} ${unit}`);
    if (!regexp.test(value)) problems.push(`${wording} ${shown}`);
    return problems;
  };
}

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dns1123LabelOnly = format(
  label,
  63,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ["my-name", "123-abc"],
);
export const dns1035Label = format(
  "[a-z]([-a-z0-9]*[a-z0-9])?",
  63,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  ["my-name", "abc-123"],
);
export const dns1123Subdomain = format(
  `${label}(\\.${label})*`,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  ["example.com"],
);
/** One of several labels joined by dots is told so. (IsDNS1123Label) */
export const dns1123Label: Format = (value) => {
  const found = dns1123LabelOnly(value);
  const isSubdomain = value.includes(".") && dns1123Subdomain(value).length === 0;
  return isSubdomain ? [...found.slice(0, -1), "must not contain dots"] : found;
};

/** (k8s.io/apimachinery: pkg/api/validation/path, IsValidPathSegmentName) */
export const pathSegment: Format = (value) => [
  ...(value === "." || value === ".." ? [`may not be '${value}'`] : []),
  ...["/", "%"].filter((one) => value.includes(one)).map((one) => `may not contain '${one}'`),
];

const qualifiedPart = format(
  "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
  63,
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyName", "my.name", "123-abc"],
  "bytes",
);
export const labelValue = format(
  "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
  63,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ["MyValue", "my_value", "12345"],
  "bytes",
);

/** [prefix/]name, as of labels, which is how all of them are told. */
export const qualifiedName: Format = (value) => {
  const parts = value.split("/");
  if (parts.length > 2)
    return [
      `a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const prefix =
    parts.length === 2
      ? parts[0] === ""
        ? ["prefix part must be non-empty"]
        : dns1123Subdomain(parts[0]!).map((one) => `prefix part ${one}`)
      : [];
  const name = parts[parts.length - 1]!;
  return [
    ...prefix,
    ...(name === "" ? ["name part must be non-empty"] : []),
    ...qualifiedPart(name).map((one) => (one.startsWith("name part") ? one : `name part ${one}`)),
  ];
};

/** A container port's name: what targetPort refers to. (IANA service names) */
export const portName: Format = (value) => [
  ...(value.length > 15 ? ["must be no more than 15 characters"] : []),
  ...(/^[-a-z0-9]+$/.test(value)
    ? []
    : ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
  ...(/[a-z]/.test(value) ? [] : ["must contain at least one letter (a-z)"]),
  ...(value.includes("--") ? ["must not contain consecutive hyphens"] : []),
  ...(value.startsWith("-") || value.endsWith("-") ? ["must not begin or end with a hyphen"] : []),
];

export function checkFormat(field: string, value: string, format: Format): FieldError[] {
  const problems: FieldError[] = [];
  for (const detail of format(value)) problems.push(invalid(field, value, detail));
  return problems;
}

export function checkPort(field: string, port: number): FieldError[] {
  return port >= 1 && port <= 65_535
    ? []
    : [invalid(field, port, "must be between 1 and 65535, inclusive")];
}

/** 0 stands for none. */
export const checkPortNumber = (field: string, port: number): FieldError[] =>
  port === 0 ? [] : checkPort(field, port);

export function checkPortOrName(field: string, port: number | string | undefined): FieldError[] {
  return typeof port === "string"
    ? checkFormat(field, port, portName)
    : checkPort(field, port ?? 0);
}

export const checkOneOf = (
  field: string,
  value: string | undefined,
  supported: readonly string[],
): FieldError[] =>
  !value
    ? [required(field)]
    : supported.includes(value)
      ? []
      : [notSupported(field, value, supported)];

export const checkAtLeast0 = (field: string, value: number | undefined): FieldError[] =>
  value !== undefined && value < 0
    ? [invalid(field, value, "must be greater than or equal to 0")]
    : [];

export const protocols = ["SCTP", "TCP", "UDP"] as const;

export function checkIP(field: string, ip: string): FieldError[] {
  return readAddress(ip)
    ? []
    : [invalid(field, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
}

export function checkCIDR(field: string, cidr: string): FieldError[] {
  return readNetwork(cidr)
    ? []
    : [invalid(field, cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
}

const special = (
  [
    [["0.0.0.0/32", "::/128"], "unspecified"],
    [["127.0.0.0/8", "::1/128"], "in the loopback range (127.0.0.0/8, ::1/128)"],
    [["169.254.0.0/16", "fe80::/10"], "in the link-local range (169.254.0.0/16, fe80::/10)"],
    [["224.0.0.0/24", "ff02::/16"], "in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
  ] as const
).map(([cidrs, words]) => ({ networks: cidrs.map(parseCIDR), words }));

/** Addresses that cannot be anybody's endpoint. (pkg/apis/core/validation, ValidateNonSpecialIP) */
export function checkNotSpecial(field: string, text: string): FieldError[] {
  const ip = readAddress(text);
  const found: FieldError[] = [];
  if (!ip) return found;
  for (const { networks, words } of special)
    if (networks.some((each) => each.contains(ip)))
      found.push(
        invalid(
          field,
          text,
          `may not be ${words === "unspecified" ? `${words} (${text})` : words}`,
        ),
      );
  return found;
}
