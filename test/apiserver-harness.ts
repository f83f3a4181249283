// An API server on virtual time, for tests of one room.
import "stopover/internal/apiserver/admission-plugins";
import "stopover/internal/apiserver/more-admission";
import "stopover/internal/apiserver/other-patches";
import "stopover/internal/apiserver/stored-claims";
import "stopover/internal/objects/built-in";
import * as assert from "uvu/assert";
import { ApiServer, type ApiServerOptions } from "stopover/internal/apiserver/apiserver";
import { ApiError } from "stopover/internal/api/errors";
import { Random } from "stopover/internal/machinery/random";
import { VirtualClock } from "stopover/internal/machinery/virtual-clock";
import type { Deployment, KubeObject, Pod, Service } from "stopover/internal/objects/types";

export function newServer(options: Partial<ApiServerOptions> = {}) {
  const clock = new VirtualClock();
  const server = new ApiServer({ clock, random: new Random(1).next, ...options });
  return { clock, server, client: server.client("kubectl") };
}

export const service = (
  name: string,
  spec: Service["spec"] = { ports: [{ port: 80 }] },
  more: Partial<Service["metadata"]> = {},
): Service => ({ apiVersion: "v1", kind: "Service", metadata: { name, ...more }, spec });
export const pod = (
  name: string,
  spec: Partial<Pod["spec"]> = {},
  more: Partial<Pod["metadata"]> = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...more },
  spec: { containers: [{ name: "nginx", image: "nginx" }], ...spec },
});
export const deployment = (name: string, spec: Partial<Deployment["spec"]> = {}): Deployment => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "nginx", image: "nginx" }] },
    },
    ...spec,
  },
});

/** The Status with which a call fails. */
export function refusal(call: () => unknown): ApiError {
  try {
    call();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  assert.unreachable("the call was not refused");
  throw new Error("unreachable");
}

/** "ADDED nginx" for each event that has come. */
export const told = (events: readonly { type: string; object: unknown }[]): string[] =>
  events.map(({ type, object }) => `${type} ${(object as KubeObject).metadata.name}`);
