/**
 * Tokens of ServiceAccounts. Nobody signs them, since nobody here asks for a signature: RFC 7519's
 * unsecured ones (section 6), with the claims that a real one has.
 * (kubernetes: pkg/serviceaccount/claims.go; pkg/kubelet/token/token_manager.go)
 */
import { bytesOf } from "../../../machinery/pipe.js";

export const ISSUER = "https://kubernetes.default.svc";

/** Of the claims, a token in text. */
export const unsigned = (claims: object): string =>
  [{ alg: "none", typ: "JWT" }, claims].map((part) => `${base64url(part)}.`).join("");

const base64url = (part: object): string =>
  btoa(bytesOf(JSON.stringify(part)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

interface Reference {
  name: string;
  uid: string;
}

/** For whom a kubelet asks for a token. */
export interface Bearer {
  namespace: string;
  account: Reference;
  pod: Reference;
  node: Reference;
}

/** An hour and seven seconds are taken to be for clients that never read their token again. */
const EXTENDED = { asked: 3607, seconds: 365 * 24 * 3600 };

/** `now`: milliseconds since the epoch. `seconds`: for how long. */
export function boundToken(
  { namespace, account, pod, node }: Bearer,
  { now, seconds, audience }: { now: number; seconds: number; audience?: string | undefined },
): string {
  const iat = Math.floor(now / 1000);
  const isExtended = seconds === EXTENDED.asked && audience === undefined;
  return unsigned({
    aud: [audience ?? ISSUER],
    exp: iat + (isExtended ? EXTENDED.seconds : seconds),
    iat,
    iss: ISSUER,
    "kubernetes.io": {
      namespace,
      node,
      pod,
      serviceaccount: account,
      ...(isExtended && { warnafter: iat + seconds }),
    },
    nbf: iat,
    sub: `system:serviceaccount:${namespace}:${account.name}`,
  });
}

/** A kubelet asks for a new one after four fifths of the time, or a day. Milliseconds. */
export const renewedAfter = (seconds: number): number => 1000 * Math.min(0.8 * seconds, 24 * 3600);
