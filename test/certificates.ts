/**
 * X.509 certificates made for one test: node:crypto has keys and signatures, and a certificate is
 * a few nested DER values around them. (RFC 5280, X.690)
 */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export interface Identity {
  /** PEM */
  cert: string;
  key: string;
}

interface Authority extends Identity {
  /** A certificate for a server of these names and addresses, or for a client that is called so. */
  issue(name: string, addresses?: readonly number[][]): Identity;
}

/** A certificate authority of this name, which trusts nobody but itself. */
export function authority(name: string): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    ...identity(name, keys, name, keys.privateKey, [basicConstraints]),
    issue: (subject, addresses = []) => {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const names = [
        der(0x82, Buffer.from(subject)),
        ...addresses.map((bytes) => der(0x87, Buffer.from(bytes))),
      ];
      return identity(subject, own, name, keys.privateKey, [
        extension("2.5.29.17", der(SEQUENCE, ...names)),
      ]);
    },
  };
}

function identity(
  subject: string,
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  issuer: string,
  issuerKey: KeyObject,
  extensions: Buffer[],
): Identity {
  const algorithm = der(SEQUENCE, oid("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256
  const content = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.from([2]))), // version 3
    der(INTEGER, Buffer.from([1 + Math.floor(subject.length % 100)])),
    algorithm,
    nameOf(issuer),
    der(SEQUENCE, time("20200101000000Z"), time("21200101000000Z")),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(SEQUENCE, ...extensions)),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign("sha256", content, issuerKey)]);
  const certificate = der(SEQUENCE, content, algorithm, der(0x03, signature));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64")}\n-----END CERTIFICATE-----\n`,
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

const [INTEGER, SEQUENCE] = [0x02, 0x30];

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  const size = length < 128 ? [length] : long; // DER: as short as can be
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [40 * first! + second!];
  for (const part of rest) {
    const digits = [part & 127];
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

const time = (text: string): Buffer => der(0x18, Buffer.from(text));
const nameOf = (text: string): Buffer =>
  der(SEQUENCE, der(0x31, der(SEQUENCE, oid("2.5.4.3"), der(0x0c, Buffer.from(text)))));
const extension = (id: string, value: Buffer): Buffer => der(SEQUENCE, oid(id), der(0x04, value));
const basicConstraints = extension("2.5.29.19", der(SEQUENCE, der(0x01, Buffer.from([255]))));
