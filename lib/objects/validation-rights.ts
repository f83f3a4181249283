/**
 * What may be asked of roles, and of who has them. Who imports this has the checks. (kubernetes:
 * pkg/apis/rbac/validation)
 */
import {
  checkFormat,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  pathSegment,
  qualifiedName,
  required,
  type FieldError,
} from "./field-errors.js";
import { same } from "./freeze.js";
import type { KubeObject, LabelSelector } from "./types.js";
import { checkSelectorParts } from "./validation-apps.js";
import { byKind } from "./validation.js";

interface Rule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  nonResourceURLs?: string[];
}
interface Role extends KubeObject {
  rules?: Rule[];
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
}

function checkRule(rule: Rule, at: string, isNamespaced: boolean): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], nonResourceURLs: urls = [] } = rule;
  const found =
    verbs.length === 0 ? [required(`${at}.verbs`, "verbs must contain at least one value")] : [];
  if (urls.length > 0) {
    if (isNamespaced)
      found.push(
        invalid(
          `${at}.nonResourceURLs`,
          urls,
          "namespaced rules cannot apply to non-resource URLs",
        ),
      );
    if (apiGroups.length + resources.length > 0)
      found.push(
        invalid(
          `${at}.nonResourceURLs`,
          urls,
          "rules cannot apply to both regular resources and non-resource URLs",
        ),
      );
    return found;
  }
  if (apiGroups.length === 0)
    found.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
  if (resources.length === 0)
    found.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
  return found;
}

const validateRole = ({ rules = [] }: Role): FieldError[] =>
  rules.flatMap((rule, i) => checkRule(rule, `rules[${i}]`, true));

function validateClusterRole({ rules = [], aggregationRule }: Role): FieldError[] {
  const at = "aggregationRule.clusterRoleSelectors";
  const selectors = aggregationRule?.clusterRoleSelectors ?? [];
  return [
    ...rules.flatMap((rule, i) => checkRule(rule, `rules[${i}]`, false)),
    ...(aggregationRule && selectors.length === 0
      ? [required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil")]
      : []),
    ...selectors.flatMap((selector, i) => {
      const found = checkSelectorParts(`${at}[${i}]`, selector);
      return found.length === 0
        ? []
        : [...found, invalid(`${at}[${i}]`, null, "invalid label selector.")];
    }),
  ];
}

interface Binding extends KubeObject {
  roleRef?: { apiGroup?: string; kind?: string; name?: string };
  subjects?: { kind?: string; name?: string; namespace?: string; apiGroup?: string }[];
}

const GROUP = "rbac.authorization.k8s.io";

const validateBinding =
  (isNamespaced: boolean) =>
  ({ roleRef = {}, subjects = [] }: Binding, old?: Binding): FieldError[] => {
    const { apiGroup = "", kind = "", name = "" } = roleRef;
    const kinds = isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
    return [
      ...(apiGroup === GROUP ? [] : [notSupported("roleRef.apiGroup", apiGroup, [GROUP])]),
      ...(kinds.includes(kind) ? [] : [notSupported("roleRef.kind", kind, kinds)]),
      ...(name === ""
        ? [required("roleRef.name")]
        : checkFormat("roleRef.name", name, pathSegment)),
      ...subjects.flatMap((subject, i) => checkSubject(subject, `subjects[${i}]`, isNamespaced)),
      ...(old && !same(roleRef, old.roleRef)
        ? [
            invalid(
              "roleRef",
              { APIGroup: apiGroup, Kind: kind, Name: name },
              "cannot change roleRef",
            ),
          ]
        : []),
    ];
  };

function checkSubject(
  subject: NonNullable<Binding["subjects"]>[number],
  at: string,
  isNamespaced: boolean,
): FieldError[] {
  const { kind = "", name = "", namespace = "", apiGroup = "" } = subject;
  const found = name === "" ? [required(`${at}.name`)] : [];
  switch (kind) {
    case "ServiceAccount":
      if (name) found.push(...checkFormat(`${at}.name`, name, dns1123Subdomain));
      if (apiGroup) found.push(notSupported(`${at}.apiGroup`, apiGroup, [""]));
      if (!isNamespaced && !namespace) found.push(required(`${at}.namespace`));
      return found;
    case "User":
    case "Group":
      if (apiGroup !== GROUP) found.push(notSupported(`${at}.apiGroup`, apiGroup, [GROUP]));
      return found;
    default:
      found.push(notSupported(`${at}.kind`, kind, ["ServiceAccount", "User", "Group"]));
      return found;
  }
}

// ---- StorageClass -------------------------------------------------------------------------------

interface StorageClass extends KubeObject {
  provisioner?: string;
  parameters?: Record<string, string>;
  reclaimPolicy?: string;
  volumeBindingMode?: string;
  allowedTopologies?: { matchLabelExpressions?: { key?: string; values?: string[] }[] }[];
}

/** (pkg/apis/storage/validation, ValidateStorageClass) */
function validateStorageClass(one: StorageClass, old?: StorageClass): FieldError[] {
  const { provisioner = "", reclaimPolicy = "", volumeBindingMode: mode } = one;
  const policies = ["Delete", "Retain"];
  const modes = ["Immediate", "WaitForFirstConsumer"];
  if (old) return checkUnchanged(one, old);
  return [
    ...(provisioner === "" ? [required("provisioner")] : checkProvisioner(provisioner)),
    ...Object.keys(one.parameters ?? {})
      .filter((key) => key === "")
      .map(() => invalid("parameters", "", "field can not be empty.")),
    ...(reclaimPolicy === "" || policies.includes(reclaimPolicy)
      ? []
      : [notSupported("reclaimPolicy", reclaimPolicy, policies)]),
    ...(mode === undefined
      ? [required("volumeBindingMode")]
      : modes.includes(mode)
        ? []
        : [notSupported("volumeBindingMode", mode, modes)]),
    ...checkTopologies(one.allowedTopologies ?? []),
  ];
}

/** (validateAllowedTopologies, ValidateTopologySelectorTerm) */
const checkTopologies = (terms: NonNullable<StorageClass["allowedTopologies"]>): FieldError[] =>
  terms.flatMap(({ matchLabelExpressions: all = [] }, i) => {
    const at = `allowedTopologies[${i}].matchLabelExpressions`;
    const keys = all.map(({ key = "" }) => key);
    return [
      ...all.flatMap(({ key = "", values = [] }, j) => [
        ...(values.length > 0 ? [] : [required(`${at}[${j}].values`)]),
        ...values.flatMap((value, k) =>
          values.indexOf(value) < k ? [duplicate(`${at}[${j}].values[${k}]`, value)] : [],
        ),
        ...checkFormat(`${at}[${j}].key`, key, qualifiedName),
        ...(keys.indexOf(key) < j ? [duplicate(`${at}[${j}].key`, key)] : []),
      ]),
      ...(terms.slice(0, i).some((other) => sameTerm(other, terms[i]!)) ||
      (all.length === 0 && terms.length > 1)
        ? [duplicate(at, "")]
        : []),
    ];
  });

type Topology = NonNullable<StorageClass["allowedTopologies"]>[number];

/** Whatever order its values have. */
const sameTerm = (a: Topology, b: Topology): boolean => {
  const sets = ({ matchLabelExpressions: all = [] }: Topology) =>
    JSON.stringify(all.map(({ key, values = [] }) => [key, [...values].sort()]).sort());
  return sets(a) === sets(b);
};

const checkProvisioner = (name: string): FieldError[] =>
  checkFormat("provisioner", name.toLowerCase(), qualifiedName);

function checkUnchanged(now: StorageClass, was: StorageClass): FieldError[] {
  return [
    ...(same(now.parameters ?? {}, was.parameters ?? {})
      ? []
      : [forbidden("parameters", "updates to parameters are forbidden.")]),
    ...(now.provisioner === was.provisioner
      ? []
      : [forbidden("provisioner", "updates to provisioner are forbidden.")]),
    ...(now.reclaimPolicy === was.reclaimPolicy
      ? []
      : [forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden.")]),
    ...(now.volumeBindingMode === was.volumeBindingMode
      ? []
      : [invalid("volumeBindingMode", now.volumeBindingMode, "field is immutable")]),
  ];
}

Object.assign(byKind, {
  Role: validateRole,
  ClusterRole: validateClusterRole,
  RoleBinding: validateBinding(true),
  ClusterRoleBinding: validateBinding(false),
  StorageClass: validateStorageClass,
});
