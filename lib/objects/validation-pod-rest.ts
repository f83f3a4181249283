/**
 * What few Pods get wrong, and only a server's clients are told: whom their processes run as, where
 * environments come from, devices and claims. (pkg/apis/core/validation/validation.go)
 */
import {
  checkFormat,
  checkOneOf,
  dns1123Subdomain,
  forbidden,
  invalid,
  notFound,
  required,
  type FieldError,
} from "./field-errors.js";
import type { Container, Pod, PodSpec } from "./types.js";
import { byKind } from "./validation.js";
import { further, records, validatePod } from "./validation-pod.js";

type Plain = Record<string, unknown>;
const plain = (value: unknown): Plain => (value ?? {}) as Plain;

const LARGEST = 2 ** 31 - 1;

const checkId = (at: string, id: unknown): FieldError[] =>
  typeof id === "number" && (id < 0 || id > LARGEST)
    ? [invalid(at, id, `must be between 0 and ${LARGEST}, inclusive`)]
    : [];

// ---- containers ---------------------------------------------------------------------------------

function checkSecurity(at: string, context: unknown): FieldError[] {
  const { privileged, allowPrivilegeEscalation: allows, ...rest } = plain(context);
  return [
    ...(["runAsUser", "runAsGroup"] as const).flatMap((who) => checkId(`${at}.${who}`, rest[who])),
    ...(privileged === true && allows === false
      ? [
          invalid(
            at,
            inGo(plain(context)),
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
          ),
        ]
      : []),
  ];
}

/** As the internal type has it. */
const inGo = (context: Plain): Plain =>
  Object.fromEntries(
    "capabilities privileged seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation procMount seccompProfile appArmorProfile"
      .split(" ")
      .map((name) => [
        name === "seLinuxOptions" ? "SELinuxOptions" : name[0]!.toUpperCase() + name.slice(1),
        name === "appArmorProfile" && context[name]
          ? { LocalhostProfile: null, ...withCapitals(plain(context[name])) }
          : (context[name] ?? null),
      ]),
  );

const withCapitals = (value: Plain): Plain =>
  Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key[0]!.toUpperCase() + key.slice(1), part]),
  );

const checkEnvFrom = (at: string, sources: unknown): FieldError[] =>
  records<Plain>(sources).flatMap(({ configMapRef, secretRef }, i) => {
    if (!configMapRef && !secretRef)
      return [invalid(at, "", "must specify one of: `configMapRef` or `secretRef`")];
    if (configMapRef && secretRef)
      return [invalid(at, "", "may not have more than one field specified at a time")];
    const which = configMapRef ? "configMapRef" : "secretRef";
    return plain(configMapRef ?? secretRef)["name"] ? [] : [required(`${at}[${i}].${which}.name`)];
  });

/** Of what cannot be shared a limit is needed, and what is asked for is that much. */
function checkWhole(at: string, { requests = {}, limits = {} }: Container["resources"] & object) {
  const names = Object.keys(requests).filter((name) => name.includes("/"));
  return names.flatMap((name): FieldError[] => {
    if (limits[name] === undefined)
      return [required(`${at}.limits`, "Limit must be set for non overcommitable resources")];
    return limits[name] === requests[name]
      ? []
      : [
          invalid(
            `${at}.requests`,
            requests[name],
            `must be equal to ${name} limit of ${limits[name]}`,
          ),
        ];
  });
}

function checkContainer(container: Container, at: string): FieldError[] {
  const {
    envFrom,
    securityContext,
    resources = {},
    restartPolicy,
  } = container as Container & Plain;
  return [
    ...checkEnvFrom(`${at}.envFrom`, envFrom),
    ...checkWhole(`${at}.resources`, resources),
    ...checkSecurity(`${at}.securityContext`, securityContext),
    ...(restartPolicy === undefined
      ? []
      : checkOneOf(`${at}.restartPolicy`, restartPolicy, ["Always", "Never", "OnFailure"])),
  ];
}

const { container, rest, mounts } = further;
further.container = (one, at, spec) => [...container(one, at, spec), ...checkContainer(one, at)];
further.mounts = (one, at, spec) => {
  const claims = new Set(records<Plain>(spec.volumes).map(({ name }) => name));
  const devices = records<Plain>((one as unknown as Plain)["volumeDevices"]);
  return [
    ...mounts(one, at, spec),
    ...devices.flatMap(({ name }, i) =>
      claims.has(name) ? [] : [notFound(`${at}.volumeDevices[${i}].name`, name)],
    ),
  ];
};

// ---- the Pod ------------------------------------------------------------------------------------

const sysctl = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

function checkPodSecurity(at: string, context: unknown): FieldError[] {
  const { supplementalGroups: groups, sysctls, ...rest } = plain(context);
  return [
    ...(["runAsUser", "runAsGroup"] as const).flatMap((who) => checkId(`${at}.${who}`, rest[who])),
    ...((groups ?? []) as number[]).flatMap((id, i) =>
      checkId(`${at}.supplementalGroups[${i}]`, id),
    ),
    ...checkId(`${at}.fsGroup`, rest["fsGroup"]),
    ...records<{ name?: string }>(sysctls).flatMap(({ name = "" }, i) => {
      const place = `${at}.sysctls[${i}].name`;
      if (name === "") return [required(place)];
      return name.length <= 253 && new RegExp(sysctl).test(name)
        ? []
        : [invalid(place, name, `must have at most 253 characters and match regex ${sysctl}`)];
    }),
  ];
}

function checkProjected(spec: PodSpec, at: string): FieldError[] {
  return records<{ projected?: { sources?: unknown } }>(spec.volumes).flatMap(({ projected }, i) =>
    records<{ serviceAccountToken?: { path?: string } }>(projected?.sources).flatMap(
      ({ serviceAccountToken: token }, j) => {
        const place = `${at}[${i}].projected`;
        const why = "must not be specified when serviceAccountName is not set";
        return [
          ...(token && !token.path ? [required(`${place}.path`)] : []),
          ...(token && !spec.serviceAccountName
            ? [forbidden(`${place}.sources[${j}].serviceAccountToken`, why)]
            : []),
        ];
      },
    ),
  );
}

function checkClaims(claims: unknown, at: string): FieldError[] {
  return records<Plain>(claims).flatMap((claim, i) => {
    const { name, resourceClaimName: own, resourceClaimTemplateName: made } = claim;
    const value = {
      Name: name,
      ResourceClaimName: own ?? null,
      ResourceClaimTemplateName: made ?? null,
    };
    const either = "`resourceClaimName`, `resourceClaimTemplateName`";
    if (own && made)
      return [invalid(`${at}[${i}]`, value, `at most one of ${either} may be specified`)];
    return own || made ? [] : [invalid(`${at}[${i}]`, value, `must specify one of: ${either}`)];
  });
}

further.rest = (spec, at) => {
  const { serviceAccountName, securityContext, os, resourceClaims } = spec as PodSpec & {
    os?: { name?: string };
    resourceClaims?: unknown;
  };
  return [
    ...checkProjected(spec, `${at}.volumes`),
    ...(serviceAccountName
      ? checkFormat(`${at}.serviceAccountName`, serviceAccountName, dns1123Subdomain)
      : []),
    ...checkPodSecurity(`${at}.securityContext`, securityContext),
    ...checkClaims(resourceClaims, `${at}.resourceClaims`),
    ...rest(spec, at),
    ...(os ? checkOneOf(`${at}.os`, os.name ?? "", ["linux", "windows"]) : []),
  ];
};

const MIRROR = "kubernetes.io/config.mirror";
const mirrorOf = ({ metadata }: Pod): string | undefined => metadata.annotations?.[MIRROR];

byKind["Pod"] = (pod: Pod, old?: Pod): FieldError[] => [
  ...validatePod(pod, old),
  ...(!old && (pod.spec.ephemeralContainers ?? []).length > 0
    ? [forbidden("spec.ephemeralContainers", "cannot be set on create")]
    : []),
  ...(!pod.spec.nodeName && mirrorOf(pod) !== undefined
    ? [
        invalid(
          `metadata.annotations[${MIRROR}]`,
          mirrorOf(pod),
          "must set spec.nodeName if mirror pod annotation is set",
        ),
      ]
    : []),
];
