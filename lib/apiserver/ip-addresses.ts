/**
 * ClusterIPs as objects: an IPAddress for each one that is taken, made before its Service is
 * written and removed after the Service has let it go, and ServiceCIDRs, which say from where they
 * come. (KEP-1880; kubernetes: pkg/registry/core/service/ipallocator)
 *
 *     kubectl get servicecidr,ipaddress
 *
 * Upstream asks informers, here the store is asked.
 */
import { stampMicro } from "../api/time.js";
import { readNetwork } from "../net/ip.js";
import "../objects/built-in.js";
import { kindInfo } from "../objects/kinds.js";
import {
  allocatorsLabels,
  DEFAULT_SERVICE_CIDR,
  familyLabel,
  familyOfIP,
  isAllocators,
  isOpen,
  type IPAddress,
  type ServiceCIDR,
} from "../objects/service-cidrs.js";
import type { KubeObject, Service } from "../objects/types.js";
import type { Stamps } from "./stamps.js";
import { sharedStores, type AddressObjects, type AddressServer } from "./claims.js";
import { StoredClaims, type ClaimForm } from "./stored-claims.js";

const refersToService = ({ spec }: IPAddress): boolean =>
  !spec?.parentRef?.group && spec?.parentRef?.resource === "services";

function isOf(claim: KubeObject, { metadata: { namespace = "default", name } }: Service): boolean {
  const { spec } = claim as IPAddress;
  return (
    refersToService(claim) &&
    spec?.parentRef?.namespace === namespace &&
    spec.parentRef.name === name
  );
}

/** So long may a request take that is about to write a Service. (repairip.go, gracePeriod) */
const LEAKED_MS = 60_000;
/** The same where its Service is there, with other addresses. */
const WRONG_MS = 5_000;

function make(ip: string, { metadata }: Service, stamps: Stamps): IPAddress {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: {
      name: ip,
      uid: stamps.uid(),
      creationTimestamp: stamps.now(),
      labels: allocatorsLabels[familyOfIP(ip)],
    },
    spec: {
      parentRef: {
        resource: "services",
        namespace: metadata.namespace ?? "default",
        name: metadata.name,
      },
    },
  };
}

/** What a repair tells, in Kubernetes' words. (ipallocator/controller/repairip.go) */
class Form implements ClaimForm {
  readonly make = make;
  readonly isOf = isOf;
  readonly isOurs = isAllocators;
  /** Of each object what was told of it last. */
  readonly #told = new Map<string, string>();

  constructor(private readonly server: AddressServer) {}

  isWhole(claim: KubeObject): boolean {
    const { name, labels } = claim.metadata;
    return isAllocators(claim) && labels?.[familyLabel] === familyOfIP(name);
  }

  grace(claim: KubeObject): number {
    if (!refersToService(claim)) return 0;
    return this.#parentOf(claim) ? WRONG_MS : LEAKED_MS;
  }

  onMissing(ip: string, holder: Service, claim: KubeObject | undefined): void {
    const { namespace, name } = holder.metadata;
    this.#tellHolder(
      holder,
      "ClusterIPNotAllocated",
      claim
        ? `the ClusterIP ${of(ip)}: ${ip} for Service ${namespace}/${name} has a wrong reference; repairing`
        : `Cluster IP ${of(ip)}: ${ip} is not allocated; repairing`,
    );
  }

  onTwice(ip: string, holders: readonly Service[]): void {
    const message = `Cluster IP ${of(ip)}:${ip} was assigned to multiple services; please recreate service`;
    for (const one of holders) this.#tellHolder(one, "ClusterIPAlreadyAllocated", message);
  }

  onUnknown(ip: string, holders: readonly Service[]): void {
    const message = `Cluster IP ${of(ip)}: ${ip} is not within any configured Service CIDR; please recreate service`;
    for (const one of holders) this.#tellHolder(one, "ClusterIPOutOfRange", message);
  }

  #tellHolder(holder: Service, reason: string, message: string): void {
    this.#tell(holder, reason, "ClusterIPAllocation", message);
  }

  onLeft(claim: IPAddress): void {
    const { namespace = "", name = "" } = claim.spec?.parentRef ?? {};
    const ip = claim.metadata.name;
    const tell = (reason: string, message: string): void =>
      this.#tell(claim, reason, "IPAddressAllocation", message);
    if (!refersToService(claim))
      tell(
        "IPAddressNotAllocated",
        `IPAddress ${ip} appears to have been modified, not referencing a Service: cleaning up`,
      );
    else if (this.#parentOf(claim))
      tell(
        "IPAddressWrongReference",
        `IPAddress: ${ip} for Service ${namespace}/${name} has a wrong reference; cleaning up`,
      );
    else
      tell(
        "IPAddressNotAllocated",
        `IPAddress: ${ip} for Service ${namespace}/${name} appears to have leaked: cleaning up`,
      );
  }

  #parentOf({ spec }: IPAddress): KubeObject | undefined {
    const { namespace, name } = spec!.parentRef!;
    return this.server.store.get(`${kindInfo("Service")!.prefix}${namespace}/${name}`)?.value;
  }

  /** Once of each version of an object. Left out: that it is told again every half an hour. */
  #tell(object: KubeObject, reason: string, action: string, message: string): void {
    const { apiVersion, kind, metadata } = object;
    const { uid = "", name, namespace, resourceVersion } = metadata;
    const what = `${resourceVersion} ${reason}`;
    if (this.#told.get(uid) === what) return;
    if (this.#told.size > MOST_TOLD) this.#told.clear();
    this.#told.set(uid, what);
    const now = this.server.clock.now();
    this.server.tell({
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        // an IPv6 address is no part of an Event's name
        name: `${name.replaceAll(":", "-")}.${this.server.stamps.uid().slice(0, 8)}`,
        namespace: namespace ?? "default",
      },
      involvedObject: {
        apiVersion,
        kind,
        name,
        ...(namespace !== undefined && { namespace }),
        uid,
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      type: "Warning",
      reason,
      message,
      action,
      eventTime: stampMicro(now),
      reportingComponent: "ipallocator-repair-controller",
      reportingInstance: "ipallocator-repair-controller-kube-apiserver",
    });
  }
}

const of = (ip: string): string => `[${familyOfIP(ip)}]`;

/** Objects of which it is remembered what was told. */
const MOST_TOLD = 4_096;

/** Claims that know which of them this server has just made. */
class AddressClaims extends StoredClaims {
  readonly made = new Set<string>();

  override take(ip: string, holder: Service): boolean {
    this.made.add(ip); // before the store tells of it
    const isFree = super.take(ip, holder);
    if (!isFree) this.made.delete(ip);
    return isFree;
  }
}

class Addresses implements AddressObjects {
  readonly claims: AddressClaims;

  constructor(private readonly server: AddressServer) {
    const { store, clock, stamps } = server;
    const { prefix } = kindInfo("IPAddress")!;
    this.claims = new AddressClaims(store, clock, stamps, prefix, new Form(server));
    store.watch(prefix, store.revision, (changes) => {
      for (const { type, value } of changes)
        // somebody else's, which a Service may stand behind or not
        if (type === "PUT" && !this.claims.made.delete(value.metadata.name) && isAllocators(value))
          server.repairIn(LEAKED_MS + 1_000);
    });
  }

  follow(on: (ranges: ReadonlyMap<string, boolean>) => void): void {
    const { store, serviceCIDRs } = this.server;
    const { prefix } = kindInfo("ServiceCIDR")!;
    const tell = (): void =>
      on(
        rangesOf(
          serviceCIDRs,
          store.range(prefix).entries.map(({ value }) => value),
        ),
      );
    tell();
    store.watch(prefix, store.revision, tell, tell);
  }
}

/**
 * Range -> whether Services get addresses of it: where one of the ServiceCIDRs says so. The flag's
 * ranges serve until there is the ServiceCIDR that is made of them.
 */
function rangesOf(
  flag: readonly string[],
  objects: readonly ServiceCIDR[],
): ReadonlyMap<string, boolean> {
  const ranges = new Map<string, boolean>();
  if (!objects.some(({ metadata }) => metadata.name === DEFAULT_SERVICE_CIDR))
    for (const cidr of flag) ranges.set(cidr, true);
  const isDefault = ({ metadata }: ServiceCIDR): boolean => metadata.name === DEFAULT_SERVICE_CIDR;
  for (const one of [...objects.filter(isDefault), ...objects.filter((one) => !isDefault(one))])
    for (const cidr of one.spec?.cidrs ?? [])
      if (isUsable(cidr)) ranges.set(cidr, ranges.get(cidr) || isOpen(one));
  return ranges;
}

/** (NewIPAllocator: shorter prefixes of IPv6 have no allocator) */
function isUsable(cidr: string): boolean {
  const range = readNetwork(cidr);
  return range !== undefined && !(range.family === "IPv6" && range.length < 64);
}

sharedStores.addresses = (server) => new Addresses(server);
