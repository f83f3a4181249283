// What every Store must do, whatever it is made of. `newStore` answers an empty one; `hear` waits
// until its watchers were told.
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CompactedError, type Change, type Store } from "stopover/internal/store/store";
import { MemoryStore } from "stopover/internal/store/memory";
import type { KubeObject } from "stopover/internal/objects/types";

export interface Subject {
  store: Store;
  /** Ends when the store has told its watchers of everything up to `revision`. */
  hear(revision: number): Promise<void>;
}

export const thing = (name: string, note: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name, annotations: { note } },
});
const note = (value: KubeObject | undefined): string | undefined =>
  value?.metadata.annotations?.["note"];

export function storeContract(name: string, newStore: () => Promise<Subject>): void {
  const test = suite(`${name}: the Store contract`);

  test("a key is created once, by whoever says that it must not exist", async () => {
    const { store } = await newStore();
    const first = store.put("/registry/things/a", thing("a", "1"), 0)!;
    assert.is(first.createRevision, first.modRevision);
    assert.is(first.version, 1);
    assert.is(first.value.metadata.resourceVersion, String(first.modRevision));
    assert.is(store.put("/registry/things/a", thing("a", "2"), 0), undefined);
    assert.is(note(store.get("/registry/things/a")?.value), "1");
    store.close();
  });

  test("compare-and-set lets one of two writers through", async () => {
    const { store } = await newStore();
    const { modRevision } = store.put("/registry/things/a", thing("a", "1"))!;
    const second = store.put("/registry/things/a", thing("a", "2"), modRevision)!;
    assert.is(store.put("/registry/things/a", thing("a", "3"), modRevision), undefined);
    assert.equal(
      [second.version, second.createRevision, second.modRevision],
      [2, modRevision, modRevision + 1],
    );
    assert.is(store.delete("/registry/things/a", modRevision), undefined);
    assert.is(
      store.delete("/registry/things/a", second.modRevision)?.modRevision,
      second.modRevision + 1,
    );
    assert.is(store.delete("/registry/things/a"), undefined);
    assert.is(store.get("/registry/things/a"), undefined);
    store.close();
  });

  test("ranges are by prefix, in key order, with a limit and a start", async () => {
    const { store } = await newStore();
    for (const key of ["things/b", "things/a", "things-x/a", "other/a", "things/b/c", "things/c"])
      store.put(`/registry/${key}`, thing(key.replaceAll("/", "-"), key));
    const keys = (options?: Parameters<Store["range"]>[1], prefix = "/registry/things/") =>
      store.range(prefix, options).entries.map(({ key }) => key.slice("/registry/".length));
    assert.equal(keys(), ["things/a", "things/b", "things/b/c", "things/c"]);
    assert.equal(keys({ limit: 2 }), ["things/a", "things/b"]);
    assert.equal(keys({ limit: 2, from: "/registry/things/b/" }), ["things/b/c", "things/c"]);
    assert.equal(keys({}, "/registry/thing"), [
      "things-x/a",
      "things/a",
      "things/b",
      "things/b/c",
      "things/c",
    ]);
    const { more, count } = store.range("/registry/things/", { limit: 3 });
    assert.equal([more, count], [true, 4]);
    store.close();
  });

  test("folders whose names are equally long are told apart", async () => {
    const { store } = await newStore();
    for (const key of ["things/a", "others/b", "things/c"])
      store.put(`/registry/${key}`, thing(key.replaceAll("/", "-"), key));
    const keys = (prefix: string) => store.range(prefix).entries.map(({ key }) => key);
    assert.equal(keys("/registry/things/"), ["/registry/things/a", "/registry/things/c"]);
    assert.equal(keys("/registry/others/"), ["/registry/others/b"]);
    store.close();
  });

  test("an old revision can be read again, until it is compacted", async () => {
    const { store } = await newStore();
    const first = store.put("/registry/things/a", thing("a", "1"))!.modRevision;
    store.put("/registry/things/a", thing("a", "2"));
    store.put("/registry/things/b", thing("b", "1"));
    store.delete("/registry/things/a");
    const notes = (revision: number) =>
      store
        .range("/registry/things/", { revision })
        .entries.map(({ key, value }) => `${key.slice(-1)}${note(value)}`);
    assert.equal(
      [notes(first), notes(first + 1), notes(first + 2), notes(first + 3)],
      [["a1"], ["a2"], ["a2", "b1"], ["b1"]],
    );
    store.compact(first + 2);
    assert.equal(notes(first + 2), ["a2", "b1"]);
    assert.throws(
      () => notes(first + 1),
      (error: Error) => error instanceof CompactedError,
    );
    assert.throws(
      () => notes(first + 100),
      (error: Error) => error instanceof RangeError,
    );
    assert.throws(
      () => store.watch("/registry/", first, () => {}),
      (error: Error) => error instanceof CompactedError,
    );
    assert.throws(
      () => store.compact(first + 1),
      (error: Error) => error instanceof CompactedError,
    );
    store.close();
  });

  test("a watch tells what happened after its revision, then what happens", async () => {
    const { store, hear } = await newStore();
    const heard: Change[] = [];
    const first = store.put("/registry/things/a", thing("a", "1"))!.modRevision;
    store.put("/registry/things/a", thing("a", "2"));
    store.put("/registry/other/a", thing("a", "x"));
    const stop = store.watch("/registry/things/", first, (events) => heard.push(...events));
    store.put("/registry/things/b", thing("b", "1"));
    store.delete("/registry/things/a");
    await hear(first + 4);
    const short = heard.map(
      ({ type, revision, key, value, previous }) =>
        `${type} ${key.slice(-1)} ${note(value)} at +${revision - first}, before: ${note(previous?.value) ?? "nothing"}`,
    );
    assert.equal(short, [
      "PUT a 2 at +1, before: 1",
      "PUT b 1 at +3, before: nothing",
      "DELETE a 2 at +4, before: 2",
    ]);
    stop();
    store.put("/registry/things/c", thing("c", "1"));
    await hear(first + 5);
    assert.is(heard.length, 3);
    store.close();
  });

  test("what it hands out is frozen and carries its revision", async () => {
    const { store } = await newStore();
    const mine = thing("a", "1");
    const entry = store.put("/registry/things/a", mine)!;
    mine.metadata.annotations!["note"] = "changed afterwards";
    assert.is(note(store.get("/registry/things/a")!.value), "1");
    assert.throws(() => {
      entry.value.metadata.annotations!["note"] = "2";
    }, /read only/);
    store.close();
  });

  test("a thousand random steps end as a plain model says", async () => {
    const key = fc
      .constantFrom("a", "b", "c", "a/x", "b-1")
      .map((one) => `/registry/things/${one}`);
    const step = fc.oneof(
      fc.record({
        do: fc.constant("put" as const),
        key,
        how: fc.constantFrom("always", "fresh", "right", "wrong"),
      }),
      fc.record({
        do: fc.constant("delete" as const),
        key,
        how: fc.constantFrom("always", "right", "wrong"),
      }),
    );
    const { store, hear } = await newStore();
    const heard: Change[] = [];
    const start = store.revision;
    store.watch("/registry/things/", start, (events) => heard.push(...events));
    const model = new Map<string, number>();
    let revision = start;
    for (const one of fc.sample(step, { numRuns: 1000, seed: 7 })) {
      const held = model.get(one.key);
      const expected =
        one.how === "always"
          ? undefined
          : one.how === "fresh"
            ? 0
            : one.how === "right"
              ? (held ?? 0)
              : (held ?? 0) + 1000;
      const done =
        (expected === undefined || expected === (held ?? 0)) &&
        (one.do === "put" || held !== undefined);
      if (done) revision++;
      const entry =
        one.do === "put"
          ? store.put(one.key, thing("t", String(revision)), expected)
          : store.delete(one.key, expected);
      assert.is(entry?.modRevision, done ? revision : undefined, JSON.stringify(one));
      if (done) one.do === "put" ? model.set(one.key, revision) : model.delete(one.key);
    }
    await hear(revision);
    assert.equal(
      heard.map((one) => one.revision),
      Array.from({ length: revision - start }, (_, i) => start + 1 + i),
    );
    assert.equal(
      store.range("/registry/things/").entries.map(({ key, modRevision }) => [key, modRevision]),
      [...model].sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    store.close();
  });

  test.run();
}

/** The same random steps to two stores must leave no difference that a caller could see. */
export async function compareStores(
  subject: Subject,
  seed: number,
  steps: number,
): Promise<string[]> {
  const names = [
    "pods/default/a",
    "pods/default/b",
    "pods/other/a",
    "services/specs/default/a",
    "minions/n",
  ].map((one) => `/registry/${one}`);
  const random = fc.sample(
    fc.record({
      what: fc.integer({ min: 0, max: 9 }),
      key: fc.constantFrom(...names),
      back: fc.integer({ min: 0, max: 12 }),
      limit: fc.integer({ min: 1, max: 3 }),
    }),
    { numRuns: steps, seed },
  );
  const stores = [new MemoryStore() as Store, subject.store];
  const base = stores.map(({ revision }) => revision);
  const told: string[][] = [[], []];
  const transcripts = await Promise.all(
    stores.map(async (store, which) => {
      const lines: string[] = [];
      const relative = (revision: number | undefined) =>
        revision === undefined ? "-" : String(revision - base[which]!);
      const show = (
        entry:
          | {
              key: string;
              value: KubeObject;
              createRevision: number;
              modRevision: number;
              version: number;
            }
          | undefined,
      ) =>
        entry
          ? `${entry.key}=${note(entry.value)} c${relative(entry.createRevision)} m${relative(entry.modRevision)} v${entry.version}`
          : "none";
      const attempt = (call: () => string) => {
        try {
          return call();
        } catch (error) {
          return (error as Error).constructor.name;
        }
      };
      let compacted = store.revision;
      store.watch("/registry/", store.revision, (events) =>
        told[which]!.push(
          ...events.map(
            ({ type, revision, key, value, previous }) =>
              `${type} ${relative(revision)} ${key}=${note(value)} was ${note(previous?.value)}`,
          ),
        ),
      );
      // a watch of etcd's that begins after a compaction has lost what was before
      store.put(names[0]!, thing("t", "first"));
      for (let tries = 0; which === 1 && told[1]!.length === 0 && tries < 20; tries++)
        await subject.hear(store.revision);
      random.forEach(({ what, key, back, limit }, i) => {
        const old = Math.max(compacted, store.revision - back);
        if (what < 4) lines.push(`put ${show(store.put(key, thing("t", String(i))))}`);
        else if (what < 6)
          lines.push(
            `cas ${show(store.put(key, thing("t", String(i)), back % 2 ? (store.get(key)?.modRevision ?? 0) : base[which]! + back))}`,
          );
        else if (what < 7)
          lines.push(
            `delete ${show(store.delete(key, back % 2 ? store.get(key)?.modRevision : undefined))}`,
          );
        else if (what < 9)
          lines.push(
            `range ${attempt(() => {
              const { entries, more, count } = store.range(key.slice(0, 14), {
                limit,
                revision: back % 3 ? old : undefined!,
              });
              return `${entries.map(show).join(" ")} ${more} ${count}`;
            })}`,
          );
        else if (old > compacted)
          lines.push(
            `compact ${attempt(() => {
              store.compact(old);
              compacted = old;
              return relative(old);
            })}`,
          );
      });
      return lines;
    }),
  );
  await subject.hear(subject.store.revision);
  return [...transcripts[0]!, ...told[0]!].flatMap((line, i) => {
    const other = [...transcripts[1]!, ...told[1]!][i];
    return line === other ? [] : [`${line}\n   but ${other}`];
  });
}
