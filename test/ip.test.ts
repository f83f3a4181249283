import { isIPv6 } from "node:net";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  canonicalAddress,
  endpoint,
  familyOf,
  fromBits,
  parseAddress,
  parseCIDR,
  parseEndpoint,
  readAddress,
  readCIDR,
  readNetwork,
} from "stopover/internal/net/ip";
import { seed } from "./seed.js";

const addresses = suite("addresses");
const same: [text: string, canonical: string][] = [
  ["10.1.1.2", "10.1.1.2"],
  ["172.30.0.041", "172.30.0.41"],
  ["255.255.255.255", "255.255.255.255"],
  ["0.0.0.0", "0.0.0.0"],
  ["FD00::2", "fd00::2"],
  ["fd00:0:0:0:0:0:0:2", "fd00::2"],
  ["::", "::"],
  ["::1", "::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["::ffff:10.1.1.2", "::ffff:a01:102"],
];
for (const [text, expected] of same)
  addresses(`${text} is ${expected}`, () => {
    assert.is(parseAddress(text).text, expected);
    assert.is(canonicalAddress(text, familyOf(text)), expected);
  });
for (const text of [
  "",
  "10.1.1",
  "10.1.1.256",
  "256.1.1.1",
  "10.1.1.0001",
  "10.1.1.2.3",
  "10.1.1.2/8",
  " 10.1.1.2",
  "1.2.3.-4",
  "1.2.3.:",
  "1.2.3./",
  "fe80::1%eth0",
  "fd00::1::2",
  "x",
  "1e3.1.1.1",
])
  addresses(`${JSON.stringify(text)} is none`, () => {
    assert.is(readAddress(text), undefined);
    assert.is(canonicalAddress(text, "IPv4") ?? canonicalAddress(text, "IPv6"), undefined);
    assert.throws(
      () => parseAddress(text),
      /is no IP address; write one like 10\.1\.1\.2 or fd00::2/,
    );
  });
addresses("IPv6 is read and written as URL does", () => {
  const word = fc.oneof(
    fc.constant("0"),
    fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16)),
  );
  const whole = fc.array(word, { minLength: 8, maxLength: 8 }).map((words) => words.join(":"));
  const loose = fc
    .array(fc.oneof(word, fc.constantFrom("", ":", "1.2.3.4", "fffff", "g")), { maxLength: 10 })
    .map((words) => words.join(":"));
  fc.assert(
    fc.property(fc.oneof(whole, loose), (text) => {
      const family = text.includes(":") && isIPv6(text) ? "IPv6" : undefined;
      const read = text.includes(":") ? readAddress(text) : undefined;
      assert.is(read?.family, family, text);
      if (read) assert.is(`[${read.text}]`, new URL(`http://[${text}]/`).hostname);
    }),
  );
});
addresses("the other family's address is none of this one's", () =>
  assert.equal(
    [canonicalAddress("10.1.1.2", "IPv6"), canonicalAddress("fd00::2", "IPv4")],
    [undefined, undefined],
  ),
);
addresses("bits and text say the same, for any address", () => {
  const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(int, int, int, int, (a, b, c, d) => {
      const { text } = fromBits("IPv6", a, b, c, d);
      const read = readAddress(text)!;
      assert.equal([read.a, read.b, read.c, read.d, read.text], [a, b, c, d, text]);
      assert.is(readAddress(fromBits("IPv4", a).text)!.a, a);
    }),
    { seed },
  );
});
addresses("a range holds what shares its first bits", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.nat(31),
      fc.integer({ min: 0, max: 32 }),
      (bits, flipped, length) => {
        const range = parseCIDR(`${fromBits("IPv4", bits).text}/${length}`);
        assert.ok(range.contains(fromBits("IPv4", bits)));
        assert.is(
          range.contains(fromBits("IPv4", bits ^ (1 << (31 - flipped)))),
          flipped >= length,
        );
      },
    ),
    { seed },
  );
});
addresses("so does an IPv6 range, whichever word it ends in", () => {
  const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(int, int, int, int, fc.nat(127), fc.nat(128), (a, b, c, d, flipped, length) => {
      const own = fromBits("IPv6", a, b, c, d);
      const range = parseCIDR(`${own.text}/${length}`);
      const words = [a, b, c, d];
      words[flipped >> 5]! ^= 1 << (31 - (flipped & 31));
      const [x, y, z, w] = words as [number, number, number, number];
      assert.ok(range.contains(own));
      assert.is(range.contains(fromBits("IPv6", x, y, z, w)), flipped >= length);
    }),
    { seed },
  );
});
addresses("ranges", () => {
  assert.is(parseCIDR("10.9.8.7/8").text, "10.0.0.0/8");
  assert.is(parseCIDR("203.0.113.000/025").text, "203.0.113.0/25");
  assert.is(parseCIDR("fd00:1:2:3::9/48").text, "fd00:1:2::/48");
  assert.is(parseCIDR("10.1.1.2").text, "10.1.1.2/32");
  assert.not(
    parseCIDR("0.0.0.0/0").contains(parseAddress("::1")),
    "every IPv4 address, and no other",
  );
  for (const text of ["10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/x", "/8"])
    assert.is(readCIDR(text), undefined, text);
  assert.throws(() => parseCIDR("10.0.0.0/33"), /"10\.0\.0\.0\/33" is no CIDR/);
});
addresses("a range counts its addresses, in both families", () => {
  const rows: [range: string, size: bigint, offset: number, address: string][] = [
    ["10.0.0.7/24", 256n, 255, "10.0.0.255"],
    ["192.168.0.0/16", 65536n, 256, "192.168.1.0"],
    ["fd00::/64", 1n << 64n, 65536, "fd00::1:0"],
    ["fd00::ffff:ffff:0/96", 1n << 32n, 7, "fd00::ffff:0:7"],
  ];
  for (const [text, size, offset, address] of rows) {
    const range = parseCIDR(text);
    assert.is(range.size, size, text);
    assert.is(range.at(offset).text, address);
    assert.is(range.offsetOf(parseAddress(address)), BigInt(offset));
  }
  assert.is(parseCIDR("10.0.0.0/24").offsetOf(parseAddress("10.0.1.0")), undefined);
  assert.is(parseCIDR("::/0").offsetOf(parseAddress("10.0.0.1")), undefined);
  assert.is(parseAddress("255.255.255.255").value, 0xffffffffn);
  assert.is(parseAddress("::1:0:0:0").value, 1n << 48n);
});
addresses("a network has its prefix length written out", () => {
  assert.is(readNetwork("10.0.0.0"), undefined);
  for (const text of ["10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8"])
    assert.is(readNetwork(text), undefined, text);
  assert.is(readNetwork("10.0.0.7/24")!.text, "10.0.0.0/24");
});
addresses("addresses with ports", () => {
  for (const text of ["10.1.1.2:80", "[fd00::2]:65535"]) {
    const { address, port } = parseEndpoint(text);
    assert.is(endpoint(address, port), text);
  }
  for (const text of ["10.1.1.2", "fd00::2:80", "10.1.1.2:65536", ":80", "[10.1.1.2"])
    assert.throws(() => parseEndpoint(text), /is no address with a port/, text);
});
addresses.run();
