/**
 * The loops of kinds that a page's first chunk knows nothing of: those that make Pods besides
 * Deployments and ReplicaSets, and those that furnish namespaces. Who imports this has them.
 */
import "../objects/built-in.js";
import { cronJobController } from "./cronjob.js";
import { daemonSetController } from "./daemonset.js";
import { kinds as collected } from "./garbage-collector.js";
import { jobController } from "./job.js";
import { moreControllers } from "./manager.js";
import { replicationController } from "./replication-controller.js";
import { actedOn } from "../objects/kinds.js";
import { endpointSliceMirroringController } from "./endpointslice-mirroring.js";
import type { Kind } from "../objects/types.js";
import { rootCACertPublisher, serviceAccountController } from "./service-accounts.js";
import { statefulSetController } from "./statefulset.js";

const owners = "StatefulSet DaemonSet Job CronJob ReplicationController ControllerRevision";
for (const kind of owners.split(" ") as Kind[]) {
  collected.push(kind);
  actedOn.add(kind);
}
moreControllers.push(
  { name: "statefulset-controller", make: statefulSetController },
  { name: "daemonset-controller", make: daemonSetController },
  { name: "job-controller", make: jobController },
  { name: "cronjob-controller", make: cronJobController },
  { name: "replication-controller", make: replicationController },
  { name: "endpointslice-mirroring-controller", make: endpointSliceMirroringController },
  { name: "serviceaccount-controller", make: serviceAccountController },
  { name: "root-ca-certificate-publisher-controller", make: rootCACertPublisher },
);
