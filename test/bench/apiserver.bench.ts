// Issue 4's figures for the API server and its store. `npm run bench` prints them.
import { execFile, spawnSync } from "node:child_process";
import { ApiServer } from "stopover/internal/apiserver/apiserver";
import { serve } from "stopover/internal/doors/serve/http";
import { Random } from "stopover/internal/machinery/random";
import { RealClock } from "stopover/internal/machinery/real-clock";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import { frozen } from "stopover/internal/objects/freeze";
import { readManifests } from "stopover/internal/objects/manifest";
import type { Pod } from "stopover/internal/objects/types";
import { MemoryStore } from "stopover/internal/store/memory";

const spec = frozen<Pod["spec"]>({
  containers: [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }] }],
});
const labels = frozen({ app: "nginx" });
const pod = (i: number): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: `nginx-${i}`, labels },
  spec,
});

/** CPU seconds of this process. */
function cpu(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
const heap = (): number => {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed / 1e6;
};
const create = (count: number): number => {
  const clock = new VirtualClock();
  const client = new ApiServer({ clock, random: new Random(1).next }).client("bench");
  return cpu(() => {
    for (let i = 0; i < count; i++) {
      client.create(pod(i));
      if (i % 500 === 0) clock.settle(); // the watch cache hands its events on
    }
  });
};

export const benches: { name: string; run(): string | Promise<string> }[] = [
  {
    name: "store: 150,000 Pods put, bound, listed",
    run() {
      const before = heap();
      const store = new MemoryStore();
      const seconds = cpu(() => {
        for (let i = 0; i < 150_000; i++) store.put(`/registry/pods/default/nginx-${i}`, pod(i), 0);
        for (let i = 0; i < 150_000; i++) {
          const { key, value, modRevision } = store.get(`/registry/pods/default/nginx-${i}`)!;
          store.put(
            key,
            { ...value, spec: { ...spec, nodeName: `node-${i % 5000}` } } as Pod,
            modRevision,
          );
        }
        store.range("/registry/pods/");
      });
      return `${seconds.toFixed(2)} s of CPU, ${(heap() - before).toFixed(0)} MB`;
    },
  },
  {
    name: "API server: cost of creating a Pod, among 1,000 and among 150,000",
    run() {
      create(20_000); // warm
      const small = Math.min(
        ...[1, 2, 3].map(() => {
          let sum = 0;
          for (let i = 0; i < 20; i++) sum += create(1000);
          return sum / 20_000;
        }),
      );
      const large = create(150_000) / 150_000;
      return `${(small * 1e6).toFixed(1)} µs and ${(large * 1e6).toFixed(1)} µs: ratio ${(large / small).toFixed(2)}`;
    },
  },
  {
    name: "API server: one Pod's change with 5,000 kubelets watching, against one",
    run() {
      const cost = (kubelets: number) => {
        const clock = new VirtualClock();
        const client = new ApiServer({ clock, random: new Random(1).next }).client("bench");
        for (let i = 0; i < 20_000; i++) client.create(pod(i));
        for (let i = 0; i < 20_000; i++)
          client.bind(`nginx-${i}`, undefined, `node-${i % kubelets}`);
        clock.settle();
        const { resourceVersion } = client.list("Pod", { limit: 1 });
        for (let i = 0; i < kubelets; i++)
          client.watch(
            "Pod",
            { resourceVersion, fieldSelector: `spec.nodeName=node-${i}` },
            () => {},
          );
        return (
          cpu(() => {
            for (let i = 0; i < 20_000; i++)
              client.updateStatus({
                ...client.get("Pod", `nginx-${i}`),
                status: { phase: "Running" },
              });
            clock.settle();
          }) / 20_000
        );
      };
      cost(1);
      const [one, many] = [cost(1), cost(5000)];
      return `${(one * 1e6).toFixed(1)} µs and ${(many * 1e6).toFixed(1)} µs: ratio ${(many / one).toFixed(2)}`;
    },
  },
  {
    name: "HTTP: a list of 10,000 Pods as JSON and as a table; kubectl get pods (under 1 s)",
    async run() {
      const apiserver = new ApiServer({ clock: new RealClock(), random: new Random(1).next });
      for (let i = 0; i < 10_000; i++) apiserver.create(pod(i));
      const { url, close } = await serve({ apiserver, port: 0 });
      const timed = async (what: () => Promise<unknown>) => {
        const started = performance.now();
        await what();
        return `${((performance.now() - started) / 1000).toFixed(2)} s`;
      };
      const get = (accept: string) =>
        timed(async () =>
          (await fetch(`${url}/api/v1/pods`, { headers: { accept } })).arrayBuffer(),
        );
      const [json, table] = [
        await get("application/json"),
        await get("application/json;as=Table;v=v1;g=meta.k8s.io"),
      ];
      const kubectl = spawnSync("kubectl", ["version", "--client"]).error
        ? "kubectl is missing"
        : await timed(
            () =>
              new Promise((resolve, reject) =>
                execFile(
                  "kubectl",
                  ["--server", url, "get", "pods"],
                  { maxBuffer: 1e8 },
                  (error) => (error ? reject(new Error(error.message)) : resolve(undefined)),
                ),
              ),
          );
      await close();
      return `${json}, ${table}; kubectl ${kubectl}`;
    },
  },
  {
    name: "manifests: 1,000 Services in one YAML file, read and checked",
    run() {
      const text = Array.from(
        { length: 1000 },
        (_, i) =>
          `apiVersion: v1\nkind: Service\nmetadata:\n  name: s${i}\nspec:\n  selector: {app: nginx}\n  ports:\n  - port: 80\n    targetPort: 8080\n`,
      ).join("---\n");
      return `${cpu(() => void readManifests(text)).toFixed(2)} s of CPU`;
    },
  },
];
