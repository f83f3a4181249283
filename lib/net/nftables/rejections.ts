/** The names of what a refusal says, by their numbers. (src/datatype.c; RFC 792, RFC 4443) */
const codes: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  icmp: {
    0: "net-unreachable",
    1: "host-unreachable",
    2: "prot-unreachable",
    3: "port-unreachable",
    4: "frag-needed",
    9: "net-prohibited",
    10: "host-prohibited",
    13: "admin-prohibited",
  },
  icmpv6: {
    0: "no-route",
    1: "admin-prohibited",
    3: "addr-unreachable",
    4: "port-unreachable",
    5: "policy-fail",
    6: "reject-route",
  },
  icmpx: {
    0: "no-route",
    1: "port-unreachable",
    2: "host-unreachable",
    3: "admin-prohibited",
  },
};

/** undefined: it is not known by its number. */
export const rejectionCode = (kind: string, code: string): string | undefined =>
  /^\d{1,3}$/.test(code) ? codes[kind]?.[Number(code)] : undefined;
