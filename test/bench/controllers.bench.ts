// What one Pod's change costs the control plane, by the size of the cluster.
import { deployment, harness, service } from "../control-harness.js";

const seconds = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;

/**
 * Milliseconds of CPU: what one Pod that is deleted, replaced, bound, started and put into its
 * slice costs API server, controllers, scheduler and kubelets. The heartbeats of the same stretch
 * of time are taken off, and the kube-proxies are left out: that each node takes in a change is the
 * node's own work, in life on as many machines.
 */
function costOfOneChange(pods: number, nodes: number, groups: number): number {
  const h = harness({ nodes, clusterCIDRs: ["10.0.0.0/9"], historyLimit: 0 });
  for (let i = 0; i < groups; i++) {
    h.client.create(deployment(`web-${i}`, pods / groups));
    h.client.create(service(`web-${i}`));
  }
  h.clock.settle();
  const victims = h.all("Pod").filter((_, i) => i % Math.floor(pods / 50) === 0);
  let cost = 0;
  for (const { metadata } of victims) {
    const [before, start] = [seconds(), h.clock.now()];
    h.client.delete("Pod", metadata.name, "default");
    h.clock.settle();
    const [after, passed] = [seconds(), h.clock.now() - start];
    h.clock.advance(passed);
    cost += after - before - (seconds() - after);
  }
  return (cost * 1_000) / victims.length;
}

const sizes: [pods: number, nodes: number, groups: number][] = [
  [1_000, 10, 1],
  [10_000, 100, 10],
  [150_000, 5_000, 1_500],
];

export const benches = sizes.map((size) => {
  const [pods, nodes] = size.map((count) => count.toLocaleString("en"));
  return {
    name: `one Pod's change at ${pods} Pods on ${nodes} nodes`,
    large: size[0] > 10_000,
    run: () => `${costOfOneChange(...size).toFixed(2)} ms`,
  };
});
