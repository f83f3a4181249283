/**
 * Keys of a new Pod's own labels stand in its selectors with the values that it has: those that
 * others must have too, or must not. (kubernetes: pkg/registry/core/pod/strategy.go,
 * applyMatchLabelKeysAndMismatchLabelKeys)
 */
import { isRecord } from "../objects/freeze.js";
import type { LabelSelector, Pod, PodSpec } from "../objects/types.js";
import { admissionPlugins } from "./admission.js";

interface Term {
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}
type Labels = Readonly<Record<string, string>>;

function withKeys<T extends Term>(term: T, labels: Labels): T {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  const added = (keys: readonly string[], operator: "In" | "NotIn") =>
    keys
      .filter((key) => labels[key] !== undefined)
      .map((key) => ({ key, operator, values: [labels[key]!] }));
  const more = [...added(matchLabelKeys, "In"), ...added(mismatchLabelKeys, "NotIn")];
  if (!labelSelector || more.length === 0) return term;
  const matchExpressions = [...(labelSelector.matchExpressions ?? []), ...more];
  return { ...term, labelSelector: { ...labelSelector, matchExpressions } };
}

type Weighted = { podAffinityTerm?: Term };
interface Terms {
  requiredDuringSchedulingIgnoredDuringExecution?: Term[];
  preferredDuringSchedulingIgnoredDuringExecution?: Weighted[];
}

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

const affinity = (terms: Terms, labels: Labels): Terms => ({
  ...terms,
  ...(terms[REQUIRED] && { [REQUIRED]: terms[REQUIRED].map((one) => withKeys(one, labels)) }),
  ...(terms[PREFERRED] && {
    [PREFERRED]: terms[PREFERRED].map((one) =>
      one.podAffinityTerm
        ? { ...one, podAffinityTerm: withKeys(one.podAffinityTerm, labels) }
        : one,
    ),
  }),
});

interface Placed {
  affinity?: { podAffinity?: Terms; podAntiAffinity?: Terms };
  topologySpreadConstraints?: Term[];
}

function placed(spec: PodSpec, labels: Labels): PodSpec {
  const { affinity: near, topologySpreadConstraints: spread } = spec as Placed;
  return {
    ...spec,
    ...(isRecord(near) && {
      affinity: {
        ...near,
        ...(near.podAffinity && { podAffinity: affinity(near.podAffinity, labels) }),
        ...(near.podAntiAffinity && { podAntiAffinity: affinity(near.podAntiAffinity, labels) }),
      },
    }),
    ...(spread && { topologySpreadConstraints: spread.map((one) => withKeys(one, labels)) }),
  };
}

const hasKeys = ({ affinity: near, topologySpreadConstraints: spread }: Placed): boolean =>
  (near !== undefined || spread !== undefined) &&
  /"(mis)?matchLabelKeys":\[./i.test(JSON.stringify([near, spread]));

admissionPlugins.push({
  name: "LabelKeys",
  isAlways: true,
  admit: (pod: Pod) => {
    const { spec, metadata } = pod;
    return hasKeys(spec as Placed) ? { ...pod, spec: placed(spec, metadata.labels ?? {}) } : pod;
  },
});
