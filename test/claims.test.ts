/** ClusterIPs and NodePorts where several API servers hand them out of one store. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { serviceUnavailable } from "stopover/internal/api/errors";
import { MemoryStore } from "stopover/internal/store/memory";
import type { Store } from "stopover/internal/store/store";
import type { KubeObject, Service } from "stopover/internal/objects/types";
import { newServer, refusal, service } from "./apiserver-harness.js";

const test = suite("claims of numbers");
const portKey = (port: number) => `/registry/ranges/servicenodeports/${port}`;
const ipKey = (ip: string) => `/registry/ipaddresses/${ip}`;

/** One process' way to a store that others write to as well. */
class Shared implements Store {
  readonly immediate = false;
  /** What happens in place of a write. */
  onPut: ((key: string, write: () => void) => void) | undefined;
  onDelete: ((key: string) => void) | undefined;

  constructor(readonly store: MemoryStore) {}

  get revision() {
    return this.store.revision;
  }
  get = (key: string) => this.store.get(key);
  range: Store["range"] = (prefix, options) => this.store.range(prefix, options);
  watch: Store["watch"] = (prefix, revision, on) => this.store.watch(prefix, revision, on);
  compact = (revision: number) => this.store.compact(revision);
  close = () => {};
  put(key: string, value: KubeObject, expected?: number) {
    const write = () => this.store.put(key, value, expected);
    this.onPut?.(key, write);
    return write();
  }
  delete(key: string, expected?: number) {
    this.onDelete?.(key);
    return this.store.delete(key, expected);
  }
}

const wants = (name: string, nodePort: number, clusterIP?: string): Service =>
  service(name, {
    type: "NodePort",
    ports: [{ port: 80, nodePort }],
    ...(clusterIP !== undefined && { clusterIP }),
  });
/** How an API server may hold the store. */
const kinds: [string, (store: MemoryStore) => Store][] = [
  ["in memory", (store) => store],
  ["with claims in it", (store) => new Shared(store)],
];

for (const [what, way] of kinds) {
  const two = () => {
    const store = new MemoryStore();
    return [1, 2].map(() => newServer({ store: way(store) }).client);
  };

  test(`${what}: a number that one server gave is taken on the other, until either lets it go`, () => {
    const [a, b] = two();
    a!.create(wants("a", 30005, "10.96.0.77"));
    for (const client of [a!, b!]) {
      const error = refusal(() => client.create(wants("x", 30005, "10.96.0.77")));
      assert.match(error.message, /10\.96\.0\.77: provided IP is already allocated/);
      assert.match(error.message, /30005: provided port is already allocated/);
    }
    b!.delete("Service", "a");
    a!.create(wants("a", 30005, "10.96.0.77"));
    a!.delete("Service", "a");
    b!.create(wants("b", 30005, "10.96.0.77"));
  });

  test(`${what}: an update on one server frees what the other gave`, () => {
    const [a, b] = two();
    const one = a!.create(wants("a", 30005));
    b!.update({ ...one, spec: { ...one.spec, ports: [{ port: 80, nodePort: 30006 }] } });
    a!.create(wants("b", 30005));
    refusal(() => a!.create(wants("c", 30006)));
    b!.patch("Service", "a", "default", {
      type: "merge",
      body: {
        spec: { type: "ExternalName", externalName: "x.example", ports: null, clusterIP: "" },
      },
    });
    a!.create(wants("c", 30006, one.spec.clusterIP));
  });

  test(`${what}: who is refused takes nothing`, () => {
    const [a, b] = two();
    a!.create(wants("a", 30005));
    refusal(() => b!.create(wants("b", 30005, "10.96.0.78")));
    refusal(() =>
      b!.create(service("c", { type: "NodePort", ports: [{ port: 0, nodePort: 30007 }] })),
    );
    b!.create(wants("d", 30008), { dryRun: true });
    refusal(() => b!.create(wants("a", 30009, "10.96.0.79")));
    a!.create(wants("e", 30007, "10.96.0.78"));
    a!.create(wants("f", 30008, "10.96.0.79"));
    a!.create(wants("g", 30009));
  });
}

/** A server that is killed as soon as it writes a Service. */
function killedWhileCreating(store: MemoryStore, object: Service): void {
  const shared = new Shared(store);
  const { client } = newServer({ store: shared });
  const dead = (key: string) => {
    throw new Error(`killed before ${key}`);
  };
  shared.onPut = (key) => {
    if (!key.startsWith("/registry/services/")) return;
    shared.onDelete = dead;
    dead(key);
  };
  assert.throws(() => client.create(object), /killed before/);
}

test("what a killed server has claimed is free ten seconds later, an address a minute later", () => {
  const store = new MemoryStore();
  killedWhileCreating(store, wants("a", 30005, "10.96.0.77"));
  assert.ok(store.get(portKey(30005)) && store.get(ipKey("10.96.0.77")));
  const { client, clock } = newServer({ store: new Shared(store) });
  clock.advance(9_000);
  refusal(() => client.create(wants("b", 30005)));
  clock.advance(2_000);
  client.create(wants("b", 30005));
  clock.advance(48_000);
  refusal(() => client.create(wants("c", 30006, "10.96.0.77")));
  clock.advance(2_000);
  client.create(wants("c", 30006, "10.96.0.77"));
});

test("and free at once where it was killed some time ago", () => {
  const store = new MemoryStore();
  killedWhileCreating(store, wants("a", 30005, "10.96.0.77"));
  const { client, clock } = newServer({ store: new Shared(store) });
  clock.advance(3_600_000);
  killedWhileCreating(store, wants("c", 30006)); // that one's clock stands at the beginning
  clock.advance(180_000);
  client.create(wants("b", 30006));
  refusal(() => client.create(wants("c", 30006)));
});

test("a claim without a date is given three repairs", () => {
  const store = new MemoryStore();
  const name = "30005";
  store.put(portKey(30005), { apiVersion: "v1", kind: "RangeAllocation", metadata: { name } });
  const { client, clock } = newServer({ store: new Shared(store) });
  for (const wait of [10_000, 240_000]) {
    clock.advance(wait);
    refusal(() => client.create(wants("a", 30005)));
  }
  clock.advance(180_000);
  client.create(wants("a", 30005));
});

test("a number that a Service holds without a claim is claimed for it", () => {
  const store = new MemoryStore();
  const first = newServer({ store: new Shared(store) });
  const { clusterIP } = first.client.create(wants("a", 30005)).spec;
  store.delete(portKey(30005));
  const { metadata, ...rest } = store.get(ipKey(clusterIP!))!.value;
  store.put(ipKey(clusterIP!), { ...rest, metadata, parentRef: {} } as KubeObject);
  const second = newServer({ store: new Shared(store) });
  refusal(() => second.client.create(wants("b", 30005, clusterIP)));
  first.clock.advance(3_600_000);
  refusal(() => first.client.create(wants("b", 30005, clusterIP)));
  first.client.delete("Service", "a");
  first.client.create(wants("b", 30005, clusterIP));
});

test("where nobody knows whether the Service was written, its numbers stay claimed", () => {
  for (const written of [true, false]) {
    const store = new MemoryStore();
    const shared = new Shared(store);
    const { client, clock } = newServer({ store: shared });
    shared.onPut = (key, write) => {
      if (!key.startsWith("/registry/services/")) return;
      if (written) write();
      throw serviceUnavailable("the answer was lost");
    };
    assert.is(refusal(() => client.create(wants("a", 30005))).code, 503);
    shared.onPut = undefined;
    const other = newServer({ store: new Shared(store) }).client;
    for (const one of [client, other]) refusal(() => one.create(wants("b", 30005)));
    clock.advance(60_000);
    if (written) refusal(() => client.create(wants("b", 30005)));
    else client.create(wants("b", 30005));
  }
});

test("who lets a number go late does not take it from its next holder", () => {
  const store = new MemoryStore();
  const [slow, other] = [new Shared(store), new Shared(store)];
  const a = newServer({ store: slow });
  const b = newServer({ store: other });
  a.client.create(wants("a", 30005));
  let late = true;
  slow.onDelete = (key) => {
    if (key !== portKey(30005) || !late) return;
    late = false;
    store.delete(key); // a repair elsewhere was faster,
    b.client.create(wants("b", 30005)); // and the number is given anew
  };
  a.client.delete("Service", "a");
  refusal(() => b.client.create(wants("c", 30005)));
  assert.is(late, false);
});

test("a store that is away is asked again, and what is refused for it is a 503", () => {
  const store = new MemoryStore();
  const shared = new Shared(store);
  const { client, clock } = newServer({ store: shared });
  shared.onPut = shared.onDelete = () => {
    throw serviceUnavailable("etcd is away");
  };
  assert.is(refusal(() => client.create(wants("a", 30005))).code, 503);
  clock.advance(600_000);
  shared.onPut = shared.onDelete = undefined;
  client.create(wants("a", 30005));
});

test.run();
