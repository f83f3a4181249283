// What a shell costs: the first prompt, a curl through a Service, ten thousand HTTP requests.
import type { Cluster } from "stopover";
import { helloCluster } from "../shell-harness.js";

/** Milliseconds of CPU. */
async function cpuOf(run: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function expectCode(cluster: Cluster, script: string, code = 0): Promise<string> {
  const { exitCode, stdout, stopped } = await cluster.pod("client").sh(script);
  if (exitCode !== code) throw new Error(`${script}: exit code ${exitCode}, ${stopped ?? stdout}`);
  return stdout;
}

async function firstPrompt(): Promise<string> {
  const cluster = helloCluster({ nodes: 3 });
  const began = performance.now();
  const cpu = await cpuOf(() => expectCode(cluster, "true"));
  const wall = performance.now() - began;
  return `${wall.toFixed(0)} ms, ${cpu.toFixed(0)} ms of CPU (goal: 300), with the shell's own loading`;
}

async function curls(): Promise<string> {
  const cluster = helloCluster({ nodes: 3 });
  const many = 200;
  await expectCode(cluster, "for i in $(seq 50); do curl -s web; done");
  const cpu = await cpuOf(async () => {
    for (let i = 0; i < many; i++) await expectCode(cluster, "curl -s web");
  });
  return `${(cpu / many).toFixed(2)} ms of CPU each (goal: 5)`;
}

async function requests(): Promise<string> {
  const cluster = helloCluster({ nodes: 3 });
  const urls = Array.from({ length: 100 }, () => "http://web/").join(" ");
  const script = `for i in $(seq 10); do curl -s ${urls}; done | wc -l`;
  await expectCode(cluster, script);
  const kept = await cpuOf(async () => {
    for (let i = 0; i < 10; i++)
      if ((await expectCode(cluster, script)).trim() !== "1000")
        throw new Error("answers are lost");
  });
  const alone = "for i in $(seq 1000); do curl -s web; done | wc -l";
  const each = await cpuOf(async () => {
    for (let i = 0; i < 10; i++)
      if ((await expectCode(cluster, alone)).trim() !== "1000") throw new Error("answers are lost");
  });
  return `${(kept / 1_000).toFixed(2)} s of CPU, 100 over each connection (goal: 2); ${(each / 1_000).toFixed(2)} s, a curl and a connection for each`;
}

export const benches = [
  { name: "shell: the first prompt", run: firstPrompt },
  { name: "shell: a curl through a Service", run: curls },
  { name: "shell: 10,000 HTTP requests", run: requests },
];
