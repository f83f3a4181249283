/**
 * What may be asked of the containers that kubectl debug adds to a Pod: they come, and stay as they
 * are. (kubernetes: pkg/apis/core/validation, validateEphemeralContainers,
 * ValidatePodEphemeralContainersUpdate)
 */
import {
  checkFormat,
  checkOneOf,
  dns1123Label,
  duplicate,
  forbidden,
  notFound,
  required,
  type FieldError,
} from "../objects/field-errors.js";
import { container } from "../objects/defaulting.js";
import { same } from "../objects/freeze.js";
import type { KubeObject, Pod, PodSpec } from "../objects/types.js";
import { subresources } from "./subresources.js";

type Ephemeral = NonNullable<PodSpec["ephemeralContainers"]>[number];

/** What such a container cannot have: it is there to look. */
const forbiddenFields = [
  "ports",
  "resources",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resizePolicy",
] as const;

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== null && Object.keys(value).length > 0;

function problems(now: KubeObject, was: KubeObject): FieldError[] {
  const { containers, initContainers = [], ephemeralContainers = [] } = (now as Pod).spec;
  const taken = new Set([...containers, ...initContainers].map(({ name }) => name));
  const targets = new Set(taken);
  const found = ephemeralContainers.flatMap((one, i) =>
    checkOne(one, `spec.ephemeralContainers[${i}]`, taken, targets),
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
  container: Ephemeral,
  at: string,
  taken: Set<string>,
  targets: ReadonlySet<string>,
): FieldError[] {
  const { name, image = "", targetContainerName: target, imagePullPolicy } = container;
  const twice = taken.has(name);
  taken.add(name);
  return [
    ...(name ? checkFormat(`${at}.name`, name, dns1123Label) : [required(`${at}.name`)]),
    ...(twice ? [duplicate(`${at}.name`, name)] : []),
    ...(image === "" ? [required(`${at}.image`)] : []),
    ...checkOneOf(`${at}.imagePullPolicy`, imagePullPolicy, ["Always", "IfNotPresent", "Never"]),
    ...forbiddenFields
      .filter((field) => isSet((container as unknown as Record<string, unknown>)[field]))
      .map((field) => forbidden(`${at}.${field}`, "cannot be set for an Ephemeral Container")),
    ...(target && !targets.has(target) ? [notFound(`${at}.targetContainerName`, target)] : []),
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
    ephemeralContainers: (spec.ephemeralContainers ?? []).map((one) => container(one, false)),
  },
});

subresources.ephemeral = {
  of: (old, wanted) => withEphemeral(old as Pod, wanted as Pod),
  problems,
};
