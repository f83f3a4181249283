/**
 * What may be asked of a Pod's resources while it runs: more or less CPU and memory, in the same
 * class of service. No kubelet here acts on it. (kubernetes: pkg/apis/core/validation,
 * ValidatePodResize; pkg/registry/core/pod/strategy.go, dropNonResizeUpdates)
 */
import { forbidden, invalid, type FieldError } from "../objects/field-errors.js";
import { same } from "../objects/freeze.js";
import { qosClass } from "../objects/pod-resources.js";
import type { Container, KubeObject, Pod } from "../objects/types.js";
import { validatePodSpec } from "../objects/validation-pod.js";
import { subresources } from "./subresources.js";

type Resources = NonNullable<Container["resources"]>;
const lists = ["containers", "initContainers"] as const;

/** Those of the Pod, with the resources that are wanted; as they came where they are others. */
function resized(old: readonly Container[], wanted: readonly Container[]): readonly Container[] {
  if (wanted.some(({ name }, i) => name !== old[i]!.name)) return wanted;
  return wanted.map(({ resources, resizePolicy }, i) => {
    const { resources: _, resizePolicy: __, ...rest } = old[i]!;
    return { ...rest, ...(resizePolicy && { resizePolicy }), resources: resources ?? {} };
  });
}

function withResources(old: Pod, wanted: Pod): Pod {
  if (lists.some((list) => wanted.spec[list]?.length !== old.spec[list]?.length)) return wanted;
  const { finalizers, ownerReferences } = old.metadata;
  const { finalizers: _, ownerReferences: __, ...free } = wanted.metadata;
  const kept = { ...(finalizers && { finalizers }), ...(ownerReferences && { ownerReferences }) };
  const spec = { ...old.spec };
  for (const list of lists)
    if (old.spec[list]) spec[list] = [...resized(old.spec[list], wanted.spec[list]!)];
  return { ...old, metadata: { ...free, ...kept }, spec };
}

function problems(now: KubeObject, was: KubeObject): FieldError[] {
  const [pod, old] = [now as Pod, was as Pod];
  const refused = (why: string) => [forbidden("", why)];
  if (old.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined)
    return refused("static pods cannot be resized");
  if ((old.spec.os as { name?: string } | undefined)?.name === "windows")
    return refused("windows pods cannot be resized");
  const found = validatePodSpec(pod.spec);
  const before = old.status?.qosClass;
  if (before !== qosClass(pod))
    found.push(invalid("spec", before, "Pod QOS Class may not change as a result of resizing"));
  if (old.spec.resources || pod.spec.resources)
    return [
      ...found,
      ...refused(
        "resize of pods with pod-level resources is forbidden when InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled",
      ),
    ];
  const moved = lists.flatMap((list) => orderProblems(pod, old, list));
  if (moved.length > 0) return [...found, ...moved];
  for (const list of ["initContainers", "containers"] as const)
    for (const [i, container] of (old.spec[list] ?? []).entries())
      found.push(...containerProblems(pod.spec[list]![i]!, container, list, i));
  if (found.length > 0) return found;
  return same(withoutAmounts(pod), withoutAmounts(old)) ? [] : [onlyAmounts];
}

const onlyAmounts = forbidden("spec", "only cpu and memory resources are mutable");

function orderProblems(
  { spec }: Pod,
  { spec: old }: Pod,
  list: (typeof lists)[number],
): FieldError[] {
  const [now, was] = [spec[list] ?? [], old[list] ?? []];
  if (now.length !== was.length)
    return [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
  return now.flatMap(({ name }, i) =>
    name === was[i]!.name
      ? []
      : [forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`)],
  );
}

function containerProblems(
  now: Container,
  was: Container,
  list: (typeof lists)[number],
  i: number,
): FieldError[] {
  const isSidecar = was.restartPolicy === "Always";
  if (list === "initContainers" && !isSidecar)
    return same(now, was)
      ? []
      : [forbidden("spec", "resources for non-sidecar init containers are immutable")];
  const lost = (["requests", "limits"] as const).filter((which) =>
    Object.keys(was.resources?.[which] ?? {}).some(
      (name) => now.resources?.[which]?.[name] === undefined,
    ),
  );
  const others = same(withoutAmount(now), withoutAmount(was))
    ? []
    : [
        list === "containers"
          ? onlyAmounts
          : forbidden("spec", "only cpu and memory resources for sidecar containers are mutable"),
      ];
  return [
    ...lost.map((which) =>
      forbidden(`spec.${list}[${i}].resources.${which}`, `resource ${which} cannot be removed`),
    ),
    ...others,
  ];
}

/** But for the CPU and memory that it asks for. */
function withoutAmount(container: Container): object {
  const { resources: { limits, requests, ...others } = {}, ...rest } = container;
  const left = (amounts: Resources["limits"] = {}) =>
    Object.entries(amounts).filter(([name]) => name !== "cpu" && name !== "memory");
  return { ...rest, ...others, limits: left(limits), requests: left(requests) };
}

const withoutAmounts = ({ spec }: Pod): object => ({
  ...spec,
  containers: spec.containers.map(withoutAmount),
  initContainers: spec.initContainers?.map(withoutAmount),
});

subresources.parts["resize"] = {
  of: (old, wanted) => withResources(old as Pod, wanted as Pod),
  problems,
};
