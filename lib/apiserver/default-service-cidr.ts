/**
 * The ServiceCIDR `kubernetes`: kube-apiserver makes it of its --service-cluster-ip-range, and
 * keeps it. (kubernetes: pkg/controlplane/controller/defaultservicecidr)
 */
import type { Client } from "../api/client.js";
import { every, type Clock } from "../api/clock.js";
import { ignoring, isApiError } from "../api/errors.js";
import { stamp } from "../api/time.js";
import { same } from "../objects/freeze.js";
import { DEFAULT_SERVICE_CIDR, readyOf, type ServiceCIDR } from "../objects/service-cidrs.js";
import type { Kind } from "../objects/types.js";
import { duties } from "./admission.js";

/** How often it is looked at. Milliseconds. (DefaultEndpointReconcilerInterval) */
const LOOK_MS = 10_000;

function keepDefaultServiceCIDR(client: Client, clock: Clock, serviceCIDR: string): void {
  const cidrs = serviceCIDR.split(",");
  const keep = (): void => {
    try {
      const there = find(client);
      if (!there) ignoring([409], () => client.create(defaultOf(cidrs)));
      else if (isToBecomeDual(there, cidrs)) client.update({ ...there, spec: { cidrs } });
      const now = find(client);
      if (now) makeReady(client, clock, now, cidrs);
    } catch (error) {
      if (!isApiError(error)) throw error; // the store is away: the next time, then
    }
  };
  keep();
  every(clock, LOOK_MS, keep);
}

const find = (client: Client): ServiceCIDR | undefined =>
  ignoring([404], () => client.get("ServiceCIDR" as Kind, DEFAULT_SERVICE_CIDR) as ServiceCIDR);

const defaultOf = (cidrs: string[]): ServiceCIDR => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  metadata: { name: DEFAULT_SERVICE_CIDR },
  spec: { cidrs },
});

/** Of a cluster that had one family before. */
const isToBecomeDual = ({ spec }: ServiceCIDR, cidrs: readonly string[]): boolean =>
  cidrs.length === 2 && spec?.cidrs?.length === 1 && spec.cidrs[0] === cidrs[0];

/** Who was made with other ranges, is on its way out or has been judged already stays as it is. */
function makeReady(client: Client, clock: Clock, one: ServiceCIDR, cidrs: string[]): void {
  if (one.metadata.deletionTimestamp || readyOf(one) || !same(one.spec?.cidrs, cidrs)) return;
  const ready = {
    type: "Ready",
    status: "True" as const,
    reason: "",
    message: "Kubernetes default Service CIDR is ready",
    lastTransitionTime: stamp(clock.now()),
  };
  client.updateStatus<ServiceCIDR>({ ...one, status: { conditions: [ready] } });
}

duties.push(keepDefaultServiceCIDR);
