// What may be asked of a running Pod's resources (its sub-resource `resize`).
import { test } from "uvu";
import * as assert from "uvu/assert";
import "stopover/internal/apiserver/resize";
import { subresources } from "stopover/internal/apiserver/subresources";
import type { Container, KubeObject, Pod } from "stopover/internal/objects/types";
import { newServer, pod } from "./apiserver-harness.js";

type Resources = NonNullable<Container["resources"]>;
const { of, problems } = subresources.parts["resize"]!;

/** What is said of a Pod whose container had one and is to have the other. */
function said(old: Resources, wanted: Resources): string[] {
  const { client } = newServer();
  const resourceClaims = [{ name: "gpu", resourceClaimName: "gpu" }];
  const { spec } = pod("web");
  const withResources = (made: Container, resources: Resources): Partial<Pod["spec"]> => ({
    containers: [{ ...made, resources }],
  });
  const first = { ...withResources(spec.containers[0]!, old), resourceClaims };
  const was = client.create(pod("web", first as Partial<Pod["spec"]>));
  const more = withResources(was.spec.containers[0]!, wanted);
  const now = { ...was, spec: { ...was.spec, ...more } } as KubeObject;
  const found = problems(of(was, now), was);
  return found.map(({ field, message }) => `${field}: ${message}`);
}

const half = { requests: { cpu: "500m" } };
const all = { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } };
const claimed = { ...half, claims: [{ name: "gpu" }] };
for (const [title, old, wanted, expected] of [
  ["more CPU", half, { requests: { cpu: "1" } }, ""],
  ["no CPU any more", half, {}, "spec.containers[0].resources.requests"],
  ["memory besides", half, { requests: { cpu: "1", memory: "1Gi" } }, ""],
  ["a limit to what had none", half, { ...half, limits: { cpu: "1" } }, ""],
  ["another resource", half, { ...half, limits: { "a.b/c": "1" } }, "only cpu and memory"],
  ["a claim", half, claimed, "only cpu and memory"],
  ["a claim no more", claimed, half, "only cpu and memory"],
  ["what makes it another class", all, { ...all, limits: { cpu: "1" } }, "Pod QOS Class"],
] as const)
  test(`resize: ${title}`, () => {
    const found = said(old, wanted).join("\n");
    if (expected === "") assert.is(found, "");
    else assert.match(found, expected);
  });

test.run();
