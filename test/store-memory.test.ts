import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryStore } from "stopover/internal/store/memory";
import { storeContract, thing } from "./store.contract.js";

storeContract("memory", async () => ({ store: new MemoryStore(), hear: async () => {} }));

const test = suite("memory store");

test("an update shares what did not change", () => {
  const store = new MemoryStore();
  const first = store.put("/registry/things/a", {
    ...thing("a", "1"),
    spec: { large: ["part"] },
  } as never)!.value as { spec?: unknown } & ReturnType<typeof thing>;
  const second = store.put("/registry/things/a", {
    ...first,
    metadata: { ...first.metadata, labels: { new: "label" } },
  })!.value as typeof first;
  assert.is(second.spec, first.spec);
  assert.is(second.metadata.annotations, first.metadata.annotations);
});

test("history is bounded: the older half goes when the limit is passed", () => {
  const store = new MemoryStore({ historyLimit: 100 });
  for (let i = 0; i < 101; i++) store.put("/registry/things/a", thing("a", String(i)));
  assert.throws(() => store.watch("/registry/", 2, () => {}), /compacted/);
  assert.is(store.range("/registry/", { revision: store.revision - 40 }).entries.length, 1);
});

test("a write costs the same among 100,000 keys as among 1,000", () => {
  const cost = (keys: number) => {
    const store = new MemoryStore();
    for (let i = 0; i < keys; i++) store.put(`/registry/pods/default/${i}`, thing("a", ""));
    const before = process.cpuUsage().user;
    for (let i = 0; i < 20_000; i++)
      store.put(`/registry/pods/default/${i % keys}`, thing("a", "2"));
    return process.cpuUsage().user - before;
  };
  cost(1000); // warm
  const [small, large] = [cost(1000), cost(100_000)];
  assert.ok(large < 6 * small, `${large} µs among 100,000 keys, ${small} µs among 1,000`);
});

test.run();
