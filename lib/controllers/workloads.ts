/**
 * The loops that a page's first chunk does without: those that make Pods besides Deployments and
 * ReplicaSets, that furnish and empty namespaces, write Endpoints, or clean up after nodes. Who
 * imports this has them.
 */
import "../objects/built-in.js";
import "./scheduling.js";
import { cronJobController } from "./cronjob.js";
import { daemonSetController } from "./daemonset.js";
import { disruptionController } from "./disruption.js";
import { garbageCollector, kinds as collected } from "./garbage-collector.js";
import { jobController } from "./job.js";
import { moreControllers } from "./manager.js";
import { replicationController } from "./replication-controller.js";
import { actedOn } from "../objects/kinds.js";
import { endpointsController } from "./endpoints.js";
import { namespaceController } from "./namespace.js";
import { nodeTtlController } from "./node-ttl.js";
import { podGarbageCollector } from "./pod-gc.js";
import { taintEvictionController } from "./taint-eviction.js";
import { endpointSliceMirroringController } from "./endpointslice-mirroring.js";
import type { Kind } from "../objects/types.js";
import { rootCACertPublisher, serviceAccountController } from "./service-accounts.js";
import { serviceCIDRController } from "./service-cidrs.js";
import { statefulSetController } from "./statefulset.js";
import { claimProtectionController, volumeProtectionController } from "./volume-protection.js";

const owners = "StatefulSet DaemonSet Job CronJob ReplicationController ControllerRevision";
actedOn.add("PodDisruptionBudget");
for (const kind of owners.split(" ") as Kind[]) {
  collected.push(kind);
  actedOn.add(kind);
}
moreControllers.push(
  {
    name: "endpoint-controller",
    after: "endpointslice-controller",
    make: endpointsController,
  },
  {
    name: "taint-eviction-controller",
    after: "node-controller",
    make: taintEvictionController,
  },
  {
    name: "pod-garbage-collector",
    after: "taint-eviction-controller",
    make: podGarbageCollector,
  },
  { name: "node-ttl-controller", make: nodeTtlController, isSystem: true },
  { name: "generic-garbage-collector", make: garbageCollector },
  { name: "namespace-controller", make: namespaceController },
  { name: "disruption-controller", make: disruptionController },
  { name: "statefulset-controller", make: statefulSetController },
  { name: "daemonset-controller", make: daemonSetController },
  { name: "job-controller", make: jobController },
  { name: "cronjob-controller", make: cronJobController },
  { name: "replication-controller", make: replicationController },
  { name: "endpointslice-mirroring-controller", make: endpointSliceMirroringController },
  {
    name: "persistentvolumeclaim-protection-controller",
    make: claimProtectionController,
    isSystem: true,
  },
  {
    name: "persistentvolume-protection-controller",
    make: volumeProtectionController,
    isSystem: true,
  },
  { name: "serviceaccount-controller", make: serviceAccountController, isSystem: true },
  { name: "service-cidr-controller", make: serviceCIDRController, isSystem: true },
  { name: "root-ca-certificate-publisher-controller", make: rootCACertPublisher, isSystem: true },
);
