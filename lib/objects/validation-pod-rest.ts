/**
 * What few Pods get wrong, and only a server's clients are told: whom their processes run as, where
 * environments come from, devices and claims. (pkg/apis/core/validation/validation.go)
 */
import {
  checkFormat,
  checkOneOf,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notFound,
  required,
  type FieldError,
} from "./field-errors.js";
import { envName } from "./validation-pod-more.js";
import type { Container, Pod, PodSpec } from "./types.js";
import { byKind } from "./validation.js";
import { plain, type Plain } from "./validation-pod-fields.js";
import { further, records, validatePod } from "./validation-pod.js";

const LARGEST = 2 ** 31 - 1;

const checkId = (at: string, id: unknown): FieldError[] =>
  typeof id === "number" && (id < 0 || id > LARGEST)
    ? [invalid(at, id, `must be between 0 and ${LARGEST}, inclusive`)]
    : [];

// ---- containers ---------------------------------------------------------------------------------

function checkSecurity(at: string, context: unknown): FieldError[] {
  return [
    ...(["runAsUser", "runAsGroup"] as const).flatMap((who) =>
      checkId(`${at}.${who}`, plain(context)[who]),
    ),
  ];
}

/** Who may not become more is not everything already. */
export function checkEscalation(at: string, context: unknown): FieldError[] {
  const { privileged, allowPrivilegeEscalation: allows, capabilities } = plain(context);
  const { add } = plain(capabilities) as { add?: string[] };
  return [
    ...(privileged === true && allows === false
      ? [
          invalid(
            at,
            inGo(plain(context)),
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
          ),
        ]
      : []),
    ...(add?.includes("CAP_SYS_ADMIN") && allows === false
      ? [
          invalid(
            at,
            inGo(plain(context)),
            "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
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
        inGoAs[name] && context[name]
          ? { ...inGoAs[name], ...withCapitals(plain(context[name])) }
          : (context[name] ?? null),
      ]),
  );

/** Fields in their order in Go; what is not said is there, too. */
const inGoAs: Readonly<Record<string, Plain>> = {
  appArmorProfile: { LocalhostProfile: null },
  capabilities: { Add: null, Drop: null },
  seccompProfile: { Type: "", LocalhostProfile: null },
};

const withCapitals = (value: Plain): Plain =>
  Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key[0]!.toUpperCase() + key.slice(1), part]),
  );

const checkEnvFrom = (at: string, sources: unknown): FieldError[] =>
  records<Plain>(sources).flatMap((source, i) => {
    const there = (["configMapRef", "secretRef"] as const).filter((one) => source[one]);
    const { prefix } = source;
    return [
      ...(typeof prefix === "string" && prefix !== ""
        ? checkFormat(`${at}[${i}].prefix`, prefix, envName)
        : []),
      ...there.flatMap((which) => {
        const { name } = plain(source[which]);
        const here = `${at}[${i}].${which}.name`;
        return name ? checkFormat(here, String(name), dns1123Subdomain) : [required(here)];
      }),
      ...(there.length === 0
        ? [invalid(at, "", "must specify one of: `configMapRef` or `secretRef`")]
        : []),
      ...(there.length > 1
        ? [invalid(at, "", "may not have more than one field specified at a time")]
        : []),
    ];
  });

/** Of what cannot be shared a limit is needed, and what is asked for is that much. */
function checkWhole(at: string, { requests = {}, limits = {} }: Container["resources"] & object) {
  const names = Object.keys(requests).filter((name) => /\/|^hugepages-/.test(name));
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

const { container, rest, mounts, volumes } = further;
further.container = (one, at, spec) => [...container(one, at, spec), ...checkContainer(one, at)];
further.mounts = (one, at, spec) => {
  const place = at.replace(/volumeMounts$/, "volumeDevices");
  return [...mounts(one, at, spec), ...checkDevices(one as Container & Plain, place, spec)];
};

/** (ValidateVolumeDevices) */
function checkDevices(container: Container & Plain, at: string, spec: PodSpec): FieldError[] {
  const volumes = new Map(records<Plain>(spec.volumes).map((one) => [one["name"], one]));
  // of one that is mounted twice, the last place counts
  const mounted = new Map(
    records<Plain>(container.volumeMounts).map((one) => [one["name"], one["mountPath"]]),
  );
  const devices = records<{ name?: string; devicePath?: string }>(container["volumeDevices"]);
  return devices.flatMap(({ name = "", devicePath: path = "" }, i) => {
    const here = `${at}[${i}]`;
    const [byName, byPath] = [`${here}.name`, `${here}.devicePath`];
    const volume = volumes.get(name);
    const isClaim = volume?.["persistentVolumeClaim"] ?? volume?.["ephemeral"];
    const before = devices.slice(0, i);
    const not = (is: unknown, field: string, value: string, why: string) =>
      is ? [invalid(field, value, why)] : [];
    const block =
      "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
    return [
      ...(name === "" ? [required(byName)] : []),
      ...not(name && before.some((one) => one.name === name), byName, name, "must be unique"),
      ...(volume ? not(!isClaim, byName, name, block) : [notFound(byName, name)]),
      ...(path === "" ? [required(byPath)] : []),
      ...not(
        before.some((one) => one.devicePath === path),
        byPath,
        path,
        "must be unique",
      ),
      ...not(path.split("/").includes(".."), byPath, path, "can not contain backsteps ('..')"),
      ...not(mounted.has(name), byName, name, "must not already exist in volumeMounts"),
      ...not(
        [...mounted.values()].includes(path),
        byPath,
        path,
        "must not already exist as a path in volumeMounts",
      ),
    ];
  });
}

// ---- the Pod ------------------------------------------------------------------------------------

const sysctl = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

export function checkPodSecurity(at: string, context: unknown): FieldError[] {
  const { supplementalGroups: groups, sysctls, ...rest } = plain(context);
  return [
    ...(["fsGroup", "runAsUser", "runAsGroup"] as const).flatMap((who) =>
      checkId(`${at}.${who}`, rest[who]),
    ),
    ...((groups ?? []) as number[]).flatMap((id, i) =>
      checkId(`${at}.supplementalGroups[${i}]`, id),
    ),
    ...records<{ name?: string }>(sysctls).flatMap(({ name = "" }, i) => {
      const place = `${at}.sysctls[${i}].name`;
      if (name === "") return [required(place)];
      const isTwice = records<{ name?: string }>(sysctls).findIndex((one) => one.name === name) < i;
      if (isTwice) return [duplicate(place, name)];
      return name.length <= 253 && new RegExp(sysctl).test(name)
        ? []
        : [invalid(place, name, `must have at most 253 characters and match regex ${sysctl}`)];
    }),
  ];
}

function checkProjected(spec: PodSpec, at: string): FieldError[] {
  return records<{ projected?: { sources?: unknown } }>(spec.volumes).flatMap(({ projected }, i) =>
    records<{ serviceAccountToken?: object }>(projected?.sources).flatMap(
      ({ serviceAccountToken: token }, j) => {
        const place = `${at}[${i}].projected`;
        const why = "must not be specified when serviceAccountName is not set";
        return [
          ...(token && !spec.serviceAccountName
            ? [forbidden(`${place}.sources[${j}].serviceAccountToken`, why)]
            : []),
        ];
      },
    ),
  );
}

function checkClaims(claims: unknown, at: string): FieldError[] {
  const seen = new Set<unknown>();
  return records<Plain>(claims).flatMap((claim, i) => {
    const { name, resourceClaimName: own, resourceClaimTemplateName: made } = claim;
    const value = {
      Name: name,
      ResourceClaimName: own ?? null,
      ResourceClaimTemplateName: made ?? null,
    };
    const here = `${at}[${i}]`;
    const [first, second] = ["resourceClaimName", "resourceClaimTemplateName"] as const;
    return [
      ...(!name
        ? [required(`${here}.name`)]
        : seen.has(name)
          ? [duplicate(`${here}.name`, name)]
          : checkFormat(`${here}.name`, String(name), dns1123Label)),
      ...(seen.add(name) && own !== undefined && made !== undefined
        ? [invalid(here, value, `at most one of \`${first}\` or \`${second}\` may be specified`)]
        : []),
      ...(own === undefined && made === undefined
        ? [invalid(here, value, `must specify one of: \`${first}\`, \`${second}\``)]
        : []),
      ...[first, second].flatMap((field) =>
        claim[field] === undefined
          ? []
          : checkFormat(`${here}.${field}`, String(claim[field] as string), dns1123Subdomain),
      ),
    ];
  });
}

further.volumes = (spec, at) => [
  ...volumes(spec, at),
  ...checkClaims(
    (spec as PodSpec & { resourceClaims?: unknown }).resourceClaims,
    `${at}.resourceClaims`,
  ),
];
further.rest = (spec, at) => {
  const { serviceAccountName, os } = spec as PodSpec & { os?: { name?: string } };
  return [
    ...checkProjected(spec, `${at}.volumes`),
    ...(serviceAccountName
      ? checkFormat(`${at}.serviceAccountName`, serviceAccountName, dns1123Subdomain)
      : []),
    ...rest(spec, at),
    ...(os ? checkOneOf(`${at}.os`, os.name ?? "", ["linux", "windows"]) : []),
  ];
};

const MIRROR = "kubernetes.io/config.mirror";
const mirrorOf = ({ metadata }: Pod): string | undefined => metadata.annotations?.[MIRROR];

const COST = "controller.kubernetes.io/pod-deletion-cost";

/** (ValidatePodSpecificAnnotations) */
function checkCost({ metadata }: Pod): FieldError[] {
  const cost = metadata.annotations?.[COST];
  const isWhole = cost === undefined || /^(0|-?[1-9]\d{0,9})$/.test(cost);
  return isWhole && Math.abs(Number(cost ?? 0)) <= LARGEST
    ? []
    : [invalid(`metadata.annotations[${COST}]`, cost, "must be a 32bit integer")];
}

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
  ...(pod.metadata === old?.metadata ? [] : checkCost(pod)),
];
