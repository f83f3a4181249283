/** Values by key and version: what somebody uses is kept, and nothing else. */
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Versions } from "stopover/internal/node/proxy/versions";
import { seed } from "./seed.js";

const versions = suite("values by key and version");

versions("whoever uses a version goes on seeing it", () => {
  const table = new Versions<string>();
  table.set("a", "one");
  table.use(1);
  table.set("a", "two");
  table.set("b", "new");
  assert.equal([table.at("a", 1), table.at("b", 1), table.at("a", 3)], ["one", undefined, "two"]);
  assert.equal([...table.all(1)], ["one"]);
  assert.equal([...table.changed(1, 3)].sort(), ["a", "b"]);
});

versions(
  "a version that nobody moves on from costs one value of each key, not one a change",
  () => {
    const table = new Versions<number>();
    for (const key of ["a", "b"]) table.set(key, 0);
    const first = table.version;
    table.use(first);
    let last: number | undefined;
    for (let i = 1; i <= 1000; i++) {
      table.set("a", i);
      table.use(table.version);
      if (last !== undefined) table.release(last);
      last = table.version;
    }
    assert.is(table.kept, 3);
    assert.equal([...table.changed(first, table.version)], ["a"]);
    table.release(first);
    assert.is(table.kept, 2);
  },
);

versions("a key that is gone leaves nothing once nobody remembers it", () => {
  const table = new Versions<string>();
  table.set("a", "one");
  table.use(1);
  table.set("a", undefined);
  assert.equal([table.at("a", 1), table.latest("a"), table.kept], ["one", undefined, 2]);
  table.use(2);
  table.release(1);
  assert.is(table.kept, 0);
  table.release(2);
  table.set("b", "brief");
  table.set("b", undefined);
  assert.is(table.kept, 0, "nobody ever saw it");
});

versions("a version that is neither the present one nor in use cannot be used", () => {
  const table = new Versions<string>();
  table.set("a", "one");
  table.set("a", "two");
  assert.throws(() => table.use(1), /version 1 is gone; use 2/);
});

/** Remembers everything. */
class Naive {
  readonly states: Map<string, number>[] = [new Map<string, number>()];
  set(key: string, value: number | undefined): void {
    const next = new Map(this.states.at(-1));
    if (value === undefined) next.delete(key);
    else next.set(key, value);
    this.states.push(next);
  }
}

type Deed = { kind: "set"; key: string; gone: boolean } | { kind: "sync"; node: number };
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    key: fc.constantFrom("a", "b", "c"),
    gone: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("sync" as const), node: fc.nat(3) }),
);

versions(
  "whatever happens: those in use are as if nothing were forgotten, and little is kept",
  () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
        const table = new Versions<number>();
        const naive = new Naive();
        const nodes = new Map<number, number>();
        for (const [i, each] of deeds.entries()) {
          if (each.kind === "set") {
            table.set(each.key, each.gone ? undefined : i);
            naive.set(each.key, each.gone ? undefined : i);
          } else {
            const before = nodes.get(each.node);
            table.use(table.version);
            if (before !== undefined) table.release(before);
            nodes.set(each.node, table.version);
          }
          for (const version of [...nodes.values(), table.version]) {
            const wanted = naive.states[version]!;
            for (const key of ["a", "b", "c"]) assert.is(table.at(key, version), wanted.get(key));
            const sorted = [...wanted].sort(([x], [y]) => (x < y ? -1 : 1));
            assert.equal(
              [...table.all(version)],
              sorted.map(([, value]) => value),
            );
            const told = table.changed(version, table.version);
            for (const key of ["a", "b", "c"])
              if (wanted.get(key) !== table.latest(key)) assert.ok(told.has(key));
          }
          assert.ok(table.kept <= 3 * (new Set(nodes.values()).size + 1));
        }
      }),
      { seed, numRuns: 500 },
    );
  },
);

versions.run();
