/**
 * What may be asked of the containers that kubectl debug adds to a Pod: they come, and stay as they
 * are. (kubernetes: pkg/apis/core/validation, validateEphemeralContainers,
 * ValidatePodEphemeralContainersUpdate)
 */
import { forbidden, notFound, type FieldError } from "../objects/field-errors.js";
import { container } from "../objects/defaulting.js";
import { same } from "../objects/freeze.js";
import type { Container, KubeObject, Pod, PodSpec } from "../objects/types.js";
import { checkContainer, checkNameIsNew, records } from "../objects/validation-pod.js";
import { subresources } from "./subresources.js";

type Ephemeral = NonNullable<PodSpec["ephemeralContainers"]>[number];

/** What such a container cannot have: it is there to look. (allowedEphemeralContainerFields) */
const forbiddenFields = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && Object.keys(value).length > 0;

function problems(now: KubeObject, was: KubeObject): FieldError[] {
  const { spec } = now as Pod;
  const { containers, initContainers = [], ephemeralContainers = [] } = spec;
  const taken = new Set([...containers, ...initContainers].map(({ name }) => name));
  const targets = new Set(taken);
  const found = ephemeralContainers.flatMap((one, i) =>
    checkOne(one, `spec.ephemeralContainers[${i}]`, spec, taken, targets),
  );
  if (found.length > 0) return found;
  const named = new Map(ephemeralContainers.map((one) => [one.name, one]));
  return ((was as Pod).spec.ephemeralContainers ?? []).flatMap((one) => {
    const left = named.get(one.name);
    if (same(left, one)) return [];
    const what = left ? "changed" : "removed";
    return [
      forbidden(
        "spec.ephemeralContainers",
        `existing ephemeral containers ${JSON.stringify(one.name)} may not be ${what}\n`,
      ),
    ];
  });
}

function checkOne(
  one: Ephemeral,
  at: string,
  spec: PodSpec,
  taken: Set<string>,
  targets: ReadonlySet<string>,
): FieldError[] {
  const { targetContainerName: target } = one;
  const container = one as Container;
  const refused = (field: string) =>
    forbidden(`${at}.${field}`, "cannot be set for an Ephemeral Container");
  return [
    ...checkContainer(container, at, spec),
    ...checkNameIsNew(container, taken, at),
    ...(target && !targets.has(target) ? [notFound(`${at}.targetContainerName`, target)] : []),
    ...forbiddenFields.filter((field) => isSet(container[field])).map(refused),
    ...records<Record<string, string>>(container.volumeMounts).flatMap((mount, i) =>
      ["subPath", "subPathExpr"]
        .filter((field) => mount[field])
        .map((field) => refused(`volumeMounts[${i}].${field}`)),
    ),
  ];
}

/**
 * Of the metadata only who wrote what, as with all that has a door of its own: labels, annotations,
 * owners and finalizers stay. (pkg/registry/core/pod/strategy.go, dropNonEphemeralContainerUpdates)
 */
const withEphemeral = (old: Pod, { metadata: { managedFields }, spec }: Pod): Pod => ({
  ...old,
  metadata: { ...old.metadata, ...(managedFields && { managedFields }) },
  spec: {
    ...old.spec,
    ephemeralContainers: (spec.ephemeralContainers ?? []).map((one) => container(one)),
  },
});

subresources.parts["ephemeralcontainers"] = {
  of: (old, wanted) => withEphemeral(old as Pod, wanted as Pod),
  problems,
};
