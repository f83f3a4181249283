/**
 * What journeys cost, and the article's cluster from nothing. CPU time, the best of three: the
 * machine may be busy.
 */
import { fileURLToPath } from "node:url";
import { aws, createCluster, read, type Cluster } from "stopover";

const manifests = fileURLToPath(new URL("../../../notebooks/manifests", import.meta.url));
const url = "http://mynginx-app.com:8080/";

const seconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const best = (run: () => void): number =>
  Math.min(
    ...[1, 2, 3].map(() => {
      const start = seconds();
      run();
      return seconds() - start;
    }),
  );

function articleCluster(): Cluster {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
  cluster.apply(read([`${manifests}/deployment.yaml`, `${manifests}/service.yaml`]));
  cluster.settle();
  return cluster;
}

const perSecond = (times: number, run: (cluster: Cluster) => void): string => {
  const cluster = articleCluster();
  return `${Math.round(times / best(() => run(cluster))).toLocaleString("en-US")} a second`;
};

export const benches = [
  {
    name: "the article's cluster, from nothing to delivered (warm code)",
    run: () => `${(best(articleCluster) * 1000).toFixed(0)} ms (figure: under 50 ms)`,
  },
  {
    name: "journeys without their steps",
    run: () =>
      `${perSecond(50_000, (cluster) => void cluster.spread(url, 50_000))} (figure: 50,000)`,
  },
  {
    name: "journeys with every step recorded",
    run: () =>
      `${perSecond(10_000, (cluster) => {
        for (let i = 0; i < 10_000; i++) cluster.request(url);
      })} (figure: 10,000)`,
  },
  {
    name: "every way of one request, with exact probabilities",
    run: () =>
      perSecond(200, (cluster) => {
        for (let i = 0; i < 200; i++) cluster.outcomes(url);
      }),
  },
];
