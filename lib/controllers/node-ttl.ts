/**
 * Tells kubelets, by an annotation of their nodes, for how many seconds they may remember Secrets
 * and ConfigMaps: the bigger the cluster, the longer. (kubernetes: pkg/controller/ttl)
 */
import { ignoring } from "../api/errors.js";
import { watch, type Context, type Controller } from "../machinery/controller.js";

const TTL = "node.alpha.kubernetes.io/ttl";

/** From so many nodes on, until there are fewer than in the first column. */
const steps = [
  { least: 0, most: 100, seconds: 0 },
  { least: 90, most: 500, seconds: 15 },
  { least: 450, most: 1_000, seconds: 30 },
  { least: 900, most: 2_000, seconds: 60 },
  { least: 1_800, most: 10_000, seconds: 300 },
  { least: 9_000, most: Infinity, seconds: 600 },
];

export function nodeTtlController({ client, informers }: Context): Controller {
  const nodes = informers.of("Node");
  let at = 0;

  /** The step changes late, so that a node that comes and goes does not change it each time. */
  function seconds(): number {
    while (nodes.size > steps[at]!.most) at++;
    while (nodes.size < steps[at]!.least) at--;
    return steps[at]!.seconds;
  }

  function reconcile(name: string): void {
    const node = nodes.get(name);
    const value = String(seconds());
    if (!node || node.metadata.annotations?.[TTL] === value) return;
    const body = { metadata: { annotations: { [TTL]: value } } };
    const written = ignoring([404], () =>
      client.patch("Node", name, undefined, { type: "merge", body }),
    );
    if (written) nodes.learn(written);
  }

  return { name: "node-ttl-controller", reconcile, watches: [watch("Node")] };
}
