/**
 * The loops that make Pods besides Deployments and ReplicaSets. Who imports this has them: a page's
 * first chunk, which knows nothing of their kinds, does without.
 */
import "../objects/built-in.js";
import { cronJobController } from "./cronjob.js";
import { daemonSetController } from "./daemonset.js";
import { kinds as collected } from "./garbage-collector.js";
import { jobController } from "./job.js";
import { moreControllers } from "./manager.js";
import { replicationController } from "./replication-controller.js";
import { actedOn } from "../objects/kinds.js";
import type { Kind } from "../objects/types.js";
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
);
