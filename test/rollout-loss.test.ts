// What a user sees of a rolling update: connections that the rules still send to a Pod that ends.
import { test } from "uvu";
import * as assert from "uvu/assert";
import { aws, createCluster, read } from "stopover";
import { fileURLToPath } from "node:url";

const manifests = fileURLToPath(new URL("../../notebooks/manifests", import.meta.url));
const url = "http://mynginx-app.com:8080/";
const agnhost = "registry.k8s.io/e2e-test-images/agnhost";
const drains = { args: ["netexec", "--http-port=80", "--delay-shutdown=8"] };
const waits = (seconds: number) => ({ lifecycle: { preStop: { sleep: { seconds } } } });

/** The worst share of connections that fail while the image's version changes. */
function worstLoss(image: string, rest: object): number {
  const cluster = createCluster({ nodes: 3, cloud: aws(), seed: 1 });
  const use = (version: string) => {
    const containers = [{ name: "nginx", image: `${image}:${version}`, ...rest }];
    cluster.patch("Deployment", "nginx", { spec: { template: { spec: { containers } } } });
  };
  const lost = () =>
    Object.entries(cluster.shares(url)).reduce(
      (sum, [end, share]) => (end.includes("/") ? sum : sum + share),
      0,
    );
  cluster.apply(read(manifests));
  use("1");
  cluster.settle();
  cluster.advance("1m");
  use("2");
  return Math.max(...cluster.film("4s", () => ({ lost: lost() }), "20ms").map((row) => row.lost));
}

test("nginx closes its socket before the rules forget the Pod: an update refuses connections", () => {
  const loss = worstLoss("nginx", {});
  assert.ok(loss > 0.2 && loss < 0.4, `${loss}`);
});

test("a preStop sleep lets the rules come first", () => {
  assert.is(worstLoss("nginx", waits(5)), 0);
});

test("a sleep of no time is none", () => {
  assert.ok(worstLoss("nginx", waits(0)) > 0.2);
});

test("a server that goes on accepting needs no hook", () => {
  assert.is(worstLoss(agnhost, drains), 0);
});

test.run();
