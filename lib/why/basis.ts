/** What the doors of a Service rest on, those that answer included. */
import { takenToAnswer } from "../journey/basis.js";
import type { Basis, Remark } from "../journey/types.js";
import type { Service } from "../objects/types.js";
import type { Way } from "./doors.js";
import type { Objects } from "./objects.js";
import type { World } from "./types.js";

export const basisOf = (
  world: World,
  objects: Objects,
  service: Service,
  ways: readonly Way[],
): Basis => ({
  assumed: [...granted(world, ways), ...outside(world, objects, service)],
  leftOut: unread(world, ways),
});

/** What is taken for granted of the Pods. */
const granted = ({ network }: World, ways: readonly Way[]): Remark[] =>
  ways.flatMap(({ pod, attempts }) =>
    attempts.flatMap(({ goal }): Remark[] => {
      const sandbox = pod === undefined ? undefined : network.sandbox(pod)?.sandbox;
      if (!sandbox || !goal || sandbox.proxy) return [];
      return sandbox
        .assumed(goal.protocol, goal.port)
        .map((granted) => ({ object: `Pod ${pod}`, ...granted }));
    }),
  );

/** Endpoints outside of the cluster, of which nobody knows whether they answer. */
const outside = ({ network }: World, objects: Objects, service: Service): Remark[] =>
  objects
    .slicesOf(service)
    .filter(({ addressType }) => addressType !== "FQDN") // kube-proxy reads none of these
    .flatMap(({ endpoints }) => endpoints)
    .filter(({ targetRef }) => !targetRef)
    .flatMap(({ addresses }) => addresses)
    .flatMap((address) => network.outsideAt(address) ?? [])
    .map(takenToAnswer);

/** What was asked of the load balancers among the doors and is not modelled. */
const unread = ({ network }: World, ways: readonly Way[]): Remark[] => {
  const names = new Set(ways.flatMap(({ door, name }) => (door === "load-balancer" ? [name] : [])));
  if (names.size === 0) return [];
  return [...network.balancers]
    .filter(({ balancer: { hostname, addresses } }) =>
      [hostname, ...addresses].some((name) => name !== undefined && names.has(name)),
    )
    .flatMap(({ balancer }) => balancer.unread ?? []);
};
