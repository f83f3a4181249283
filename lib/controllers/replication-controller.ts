import type { Context, Controller } from "../machinery/controller.js";
import type { Kind, ReplicaSet } from "../objects/types.js";
import { replicaSetController } from "./replicaset.js";

/**
 * What a ReplicaSet was before there were Deployments: the same loop, for a selector that is
 * labels alone. (kubernetes: pkg/controller/replication/conversion.go)
 */
export const replicationController = (context: Context): Controller =>
  replicaSetController(context, {
    name: "replication-controller",
    kind: "ReplicationController" as Kind,
    selectorOf: ({ spec }: ReplicaSet) => ({
      matchLabels: (spec.selector ?? {}) as Record<string, string>,
    }),
    countsTerminating: false,
  });
