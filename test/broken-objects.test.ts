/**
 * Objects of each kind with one field broken: kube-apiserver 1.35.4 was asked to create each of
 * them (conformance/broken-objects.json: its code, and the fields that it names), and ours is asked
 * the same. Beside these, fields are broken by chance: what is taken then, no controller trips
 * over.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createCluster } from "stopover";
import { ApiError } from "stopover/internal/api/errors";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import "stopover/internal/objects/built-in";
import "stopover/internal/objects/stored-checks";
import { RealClock } from "stopover/internal/machinery/real-clock";
import type { KubeObject } from "stopover/internal/objects/types";
import { seed } from "./seed.js";

const test = suite("broken objects");

interface Broken {
  /** spec/template/spec/containers/0/name */
  at: string;
  /** Undefined: the field is left out. */
  value?: unknown;
  code: number;
  /** Those of the causes of a 422, in order. */
  fields?: string;
}
interface Recorded {
  object: KubeObject;
  broken: Broken[];
}
const file = new URL("../conformance/broken-objects.json", import.meta.url);
const recorded = JSON.parse(readFileSync(file, "utf8"), (_, value: unknown) =>
  value === "<300 x>" ? "x".repeat(300) : value,
) as Record<string, Recorded>;

/** A copy with another value at the path, or none. */
function broken(object: unknown, [key = "", ...rest]: string[], value: unknown): unknown {
  const copy = Array.isArray(object) ? [...(object as unknown[])] : { ...(object as object) };
  const fields = copy as Record<string, unknown>;
  if (rest.length > 0) fields[key] = broken(fields[key], rest, value);
  else if (value !== undefined) fields[key] = value;
  else if (Array.isArray(copy)) copy.splice(Number(key), 1);
  else delete fields[key];
  return copy;
}

function answer(apiserver: ApiServer, object: KubeObject): { code: number; fields?: string } {
  try {
    apiserver.create(object, { dryRun: true });
    return { code: 201 };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const causes = error.status.details?.causes ?? [];
    const fields = [...new Set(causes.map(({ field = "" }) => field))].sort().join(" ");
    return { code: error.code, fields };
  }
}

const server = () => new ApiServer({ clock: new RealClock(), random: () => 0.5 });
const LEAST = 0.97; // of all, how many must agree

for (const [kind, { object, broken: all }] of Object.entries(recorded))
  test(`${kind}: what the real one refuses, for the same fields`, () => {
    const apiserver = server();
    const differ = all.filter(({ at, value, code, fields }) => {
      const got = answer(apiserver, broken(object, at.split("/"), value) as KubeObject);
      return got.code !== code || (code === 422 && got.fields !== fields);
    });
    const share = 1 - differ.length / all.length;
    const shown = differ.slice(0, 5).map((one) => JSON.stringify(one).slice(0, 300));
    assert.ok(share >= LEAST, [`${share} agree; not:`, ...shown].join("\n"));
  });

const workloads = [
  "pods",
  "replicasets",
  "deployments",
  "statefulsets",
  "daemonsets",
  "jobs",
  "cronjobs",
  "replicationcontrollers",
];

function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...path, key]))];
}

const odd = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom(null, -1, 0, 1, 2 ** 31, 1.5, "", "1", "100%", "-5%", "a b", "é", true, [], {}),
  fc.string({ maxLength: 70 }),
  fc.array(fc.constantFrom("", "a", 1, null, {}), { maxLength: 3 }),
  fc.dictionary(fc.string({ maxLength: 5 }), fc.constantFrom("", "a", 1, null), { maxKeys: 2 }),
);

for (const kind of workloads)
  test(`${kind}: 1,000 with a field broken by chance are taken or refused, and run`, () => {
    const { object } = recorded[kind]!;
    const paths = pathsOf(object).filter(([first]) => first === "spec");
    const apiserver = server();
    const cluster = createCluster({ nodes: 2, seed: 1 });
    let taken = 0;
    fc.assert(
      fc.property(fc.constantFrom(...paths), odd, (path, value) => {
        const made = broken(object, path, value) as KubeObject;
        const { code } = answer(apiserver, made);
        assert.ok([201, 400, 422].includes(code), `${code}: ${path.join(".")}`);
        if (code !== 201 || taken >= 30) return;
        try {
          cluster.apply({ ...made, metadata: { name: `fz-${taken++}`, namespace: "default" } });
        } catch (error) {
          // in a file an empty line of a list is a slip, which is told; a client may send one
          if (!/\[\d+\]: got nothing; /.test(String(error))) throw error;
        }
      }),
      { seed, numRuns: 1000 },
    );
    cluster.advance("30s");
    assert.ok(taken > 0);
  });

test.run();
