/**
 * Opens new ServiceCIDRs for Services, and lets none go that has the only range of a ClusterIP that
 * is taken. (kubernetes: pkg/controller/servicecidrs/servicecidrs_controller.go)
 */
import { ignoring } from "../api/errors.js";
import { stamp } from "../api/time.js";
import { watch, type Again, type Context, type Controller } from "../machinery/controller.js";
import {
  containing,
  isAllocators,
  overlapping,
  readyOf,
  type IPAddress,
  type ServiceCIDR,
} from "../objects/service-cidrs.js";
import type { Condition, Kind } from "../objects/types.js";
import { informerOf, writeStatus } from "./owned-pods.js";

const finalizer = "networking.k8s.io/service-cidr-finalizer";

/** So long API servers may take to hear that it gives no addresses any more. Milliseconds. */
const DELETION_GRACE_MS = 10_000;

const ready = {
  status: "True",
  reason: "",
  message: "Kubernetes Service CIDR is ready",
} as const;
const inUse = {
  status: "False",
  reason: "Terminating",
  message:
    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
} as const;

export function serviceCIDRController(context: Context): Controller {
  const { client, clock } = context;
  const ranges = informerOf<ServiceCIDR>(context, "ServiceCIDR");
  const addresses = informerOf<IPAddress>(context, "IPAddress");

  function reconcile(name: string): Again | void {
    const one = ranges.get(name);
    if (!one) return;
    const { deletionTimestamp } = one.metadata;
    if (deletionTimestamp === undefined) return open(one);
    if (!mayGo(one)) return tell(one, inUse);
    const wait = Date.parse(deletionTimestamp) + DELETION_GRACE_MS - clock.now();
    if (wait > 0) return wait;
    setFinalizers(one, others(one));
  }

  function open(one: ServiceCIDR): void {
    const isHeld = one.metadata.finalizers?.includes(finalizer);
    const held = isHeld ? one : setFinalizers(one, [...others(one), finalizer]);
    if (held) tell(held, ready);
  }

  /** Whether each of its addresses that is taken has another range. */
  function mayGo(one: ServiceCIDR): boolean {
    const rest = [...ranges.all()].filter((other) => other !== one);
    const cidrs = one.spec?.cidrs ?? [];
    if (cidrs.every((cidr) => containing(rest, cidr).length > 0)) return true;
    for (const ip of addresses.all())
      if (isAllocators(ip) && containing([one], ip.metadata.name).length > 0)
        if (containing(rest, ip.metadata.name).length === 0) return false;
    return true;
  }

  function tell(one: ServiceCIDR, said: typeof ready | typeof inUse): void {
    const before = readyOf(one);
    if (before?.status === said.status && before.message === said.message) return;
    const condition: Condition = {
      type: "Ready",
      ...said,
      lastTransitionTime:
        before?.status === said.status ? before.lastTransitionTime! : stamp(clock.now()),
    };
    const rest = one.status?.conditions?.filter(({ type }) => type !== "Ready") ?? [];
    writeStatus(context, ranges, one, { conditions: [...rest, condition] });
  }

  /** Undefined where somebody was faster: the watch tells of it. */
  function setFinalizers(one: ServiceCIDR, finalizers: string[]): ServiceCIDR | undefined {
    const metadata = { ...one.metadata, finalizers };
    const written = ignoring([404, 409], () => client.update<ServiceCIDR>({ ...one, metadata }));
    if (written && finalizers.length > 0) ranges.learn(written);
    return written;
  }

  return {
    name: "service-cidr-controller",
    reconcile,
    describe: (name) => `ServiceCIDR ${name}`,
    watches: [
      watch("ServiceCIDR" as Kind, (name, object) =>
        object ? [name, ...overlapping(ranges.all(), object as ServiceCIDR)] : [name],
      ),
      // one that comes, or goes, may keep a range or let it go
      watch("IPAddress" as Kind, (ip, object, before) =>
        object && before ? [] : holders(ip, (object ?? before) as IPAddress),
      ),
    ],
  };

  function holders(ip: string, object: IPAddress): string[] {
    // asked at each Service that comes or goes: as a rule nobody is on its way out
    const leaving = [...ranges.all()].filter(({ metadata }) => metadata.deletionTimestamp);
    if (leaving.length === 0 || !isAllocators(object)) return [];
    return containing(leaving, ip).map(({ metadata }) => metadata.name);
  }
}

const others = ({ metadata }: ServiceCIDR): string[] =>
  (metadata.finalizers ?? []).filter((one) => one !== finalizer);
