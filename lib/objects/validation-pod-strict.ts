/**
 * What hardly anybody gets wrong in a Pod: profiles, policies and what belongs to Windows alone,
 * keys within volumes, sums of resources. (kubernetes: pkg/apis/core/validation/validation.go)
 */
import {
  checkOneOf,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import { podResources } from "./pod-resources.js";
import { exact } from "./amounts.js";
import { quantity } from "./quantity.js";
import type { Container, PodSpec } from "./types.js";
import { further, records } from "./validation-pod.js";

type Plain = Record<string, unknown>;
const plain = (value: unknown): Plain => (value ?? {}) as Plain;

// ---- containers -------------------------------------------------------------------------------

const resizable = ["cpu", "memory"];
const onResize = ["NotRequired", "RestartContainer"];

/** (validateResizePolicy) */
function checkResizePolicy(list: unknown, at: string, podRestarts: unknown): FieldError[] {
  const seen = new Set<string>();
  return records<Record<string, string>>(list).flatMap(
    ({ resourceName: resource = "", restartPolicy: policy = "" }, i) => {
      const twice = seen.has(resource);
      seen.add(resource);
      return [
        ...(twice ? [duplicate(`${at}[${i}]`, resource)] : []),
        ...checkOneOf(at, resource, resizable),
        ...checkOneOf(at, policy, onResize),
        ...(podRestarts === "Never" && policy !== "NotRequired"
          ? [invalid(at, policy, "must be 'NotRequired' when `restartPolicy` is 'Never'")]
          : []),
      ];
    },
  );
}

const profiles = ["Localhost", "RuntimeDefault", "Unconfined"];

/** (validateSeccompProfileField, ValidateAppArmorProfileField) */
function checkProfile(profile: unknown, at: string, kind: "seccomp" | "AppArmor"): FieldError[] {
  if (profile === undefined) return [];
  const { type = "", localhostProfile: local } = plain(profile);
  const here = `${at}.localhostProfile`;
  if (type === "Localhost")
    return local ? [] : [required(here, `must be set when ${kind} type is Localhost`)];
  if (!profiles.includes(String(type)))
    return type === ""
      ? [
          required(
            `${at}.type`,
            `type is required when ${kind === "seccomp" ? "seccompProfile" : "appArmorProfile"} is set`,
          ),
        ]
      : [notSupported(`${at}.type`, type, profiles)];
  return local === undefined
    ? []
    : [invalid(here, local, `can only be set when ${kind} type is Localhost`)];
}

function checkContainer(container: Container, at: string, spec: PodSpec): FieldError[] {
  const { resizePolicy, securityContext, volumeMounts } = container as Container & Plain;
  const security = plain(securityContext);
  const here = `${at}.securityContext`;
  return [
    ...records<Plain>(volumeMounts).flatMap(({ mountPropagation: way }) =>
      way === undefined
        ? []
        : checkOneOf(`${at}.volumeMounts.mountPropagation`, String(way), [
            "Bidirectional",
            "HostToContainer",
            "None",
          ]),
    ),
    ...checkResizePolicy(resizePolicy, `${at}.resizePolicy`, spec.restartPolicy),
    ...(security["procMount"] === undefined
      ? []
      : checkOneOf(`${here}.procMount`, String(security["procMount"]), ["Default", "Unmasked"])),
    ...checkProfile(security["seccompProfile"], `${here}.seccompProfile`, "seccomp"),
    ...checkProfile(security["appArmorProfile"], `${here}.appArmorProfile`, "AppArmor"),
  ];
}

/** Huge pages are whole, and claims are the Pod's. */
function checkShares({ resources = {} }: Container, at: string, spec: PodSpec): FieldError[] {
  const { claims, ...lists } = resources as Container["resources"] & { claims?: unknown };
  const own = records<{ name?: string }>((spec as unknown as Plain)["resourceClaims"]);
  const known = [...new Set(own.map(({ name = "" }) => name))];
  const which = known.length > 0 ? `: ${known.join(", ")}` : " which is empty";
  return [
    ...(["limits", "requests"] as const).flatMap((list) =>
      Object.entries(lists[list] ?? {}).flatMap(([name, amount]) =>
        checkPages(name, String(amount), `${at}.${list}[${name}]`),
      ),
    ),
    ...records<{ name?: string }>(claims).flatMap(({ name = "" }, i) =>
      known.includes(name)
        ? []
        : [
            {
              field: `${at}.claims[${i}]`,
              reason: "FieldValueNotFound" as const,
              message: `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${which}`,
            },
          ],
    ),
  ];
}

function checkPages(name: string, amount: string, at: string): FieldError[] {
  const [, size] = /^hugepages-(.+)$/.exec(name) ?? [];
  if (size === undefined || quantity(amount) % quantity(size) === 0) return [];
  return [invalid(at, amount, `${amount} is not positive integer multiple of ${name}`)];
}

// ---- the Pod ------------------------------------------------------------------------------------

const ofLinuxPods =
  "appArmorProfile seLinuxOptions seccompProfile fsGroup fsGroupChangePolicy sysctls shareProcessNamespace runAsUser runAsGroup supplementalGroups supplementalGroupsPolicy".split(
    " ",
  );
const ofLinuxContainers =
  "appArmorProfile seLinuxOptions seccompProfile capabilities readOnlyRootFilesystem privileged allowPrivilegeEscalation procMount runAsUser runAsGroup".split(
    " ",
  );

/** (validateWindows) */
function checkWindows(spec: PodSpec, at: string): FieldError[] {
  const pod = spec as unknown as Plain;
  if (plain(pod["os"])["name"] !== "windows") return [];
  const no = (place: string) => forbidden(place, "cannot be set for a windows pod");
  const all = ["containers", "initContainers", "ephemeralContainers"] as const;
  return [
    ...["hostPID", "hostIPC"].filter((one) => pod[one]).map((one) => no(`${at}.${one}`)),
    ...ofLinuxPods
      .filter((one) => plain(spec.securityContext)[one] !== undefined)
      .map((one) => no(`${at}.securityContext.${one}`)),
    ...all.flatMap((list) =>
      records<Plain>(spec[list]).flatMap(({ securityContext }, i) =>
        ofLinuxContainers
          .filter((one) => plain(securityContext)[one] !== undefined)
          .map((one) => no(`${at}.${list}[${i}].securityContext.${one}`)),
      ),
    ),
  ];
}

/** (validateHostUsers, ValidatePodSecurityContext) */
function checkNamespaces(spec: PodSpec, at: string): FieldError[] {
  const { hostUsers, hostPID, hostIPC, hostNetwork, shareProcessNamespace } =
    spec as unknown as Plain;
  const no = (field: string) => forbidden(`${at}.${field}`, "when `hostUsers` is false");
  const isOwn = hostUsers === false;
  return [
    ...(shareProcessNamespace && hostPID
      ? [
          invalid(
            `${at}.securityContext.shareProcessNamespace`,
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
          ),
        ]
      : []),
    ...(isOwn && hostNetwork ? [no("hostNetwork")] : []),
    ...(isOwn && hostPID ? [no("HostPID")] : []),
    ...(isOwn && hostIPC ? [no("HostIPC")] : []),
  ];
}

function checkSecurity({ securityContext }: PodSpec, at: string): FieldError[] {
  const context = plain(securityContext);
  const names = records<{ name?: string }>(context["sysctls"]).map(({ name = "" }) => name);
  const oneOf = (field: string, known: string[]) =>
    context[field] === undefined ? [] : checkOneOf(`${at}.${field}`, String(context[field]), known);
  return [
    ...names.flatMap((name, i) =>
      name !== "" && names.indexOf(name) < i ? [duplicate(`${at}.sysctls[${i}].name`, name)] : [],
    ),
    ...oneOf("fsGroupChangePolicy", ["Always", "OnRootMismatch"]),
    ...checkProfile(context["seccompProfile"], `${at}.seccompProfile`, "seccomp"),
    ...checkProfile(context["appArmorProfile"], `${at}.appArmorProfile`, "AppArmor"),
    ...oneOf("supplementalGroupsPolicy", ["Merge", "Strict"]),
  ];
}

/** (validatePodResources; KEP-2837) */
function checkSums(spec: PodSpec, at: string): FieldError[] {
  const { resources, containers, initContainers = [] } = spec;
  if (!resources?.requests) return [];
  const asked = podResources({ spec: { containers, initContainers } }, "requests", exact);
  return Object.entries(resources.requests).flatMap(([name, own]) => {
    const sum = asked[name];
    return sum !== undefined && quantity(own) < quantity(sum)
      ? [
          invalid(
            `${at}.requests[${name}]`,
            own,
            `must be greater than or equal to aggregate container requests of ${sum}`,
          ),
        ]
      : [];
  });
}

function checkClaimNames(spec: PodSpec, at: string): FieldError[] {
  const names = records<{ name?: string }>((spec as unknown as Plain)["resourceClaims"]).map(
    ({ name = "" }) => name,
  );
  return names.flatMap((name, i) =>
    names.indexOf(name) < i ? [duplicate(`${at}[${i}].name`, name)] : [],
  );
}

// ---- volumes ------------------------------------------------------------------------------------

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];
const filePaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "metadata.labels",
  "metadata.annotations",
];

const noDots = (field: string, path: string): FieldError[] =>
  path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];

function checkFile({ path = "", fieldRef }: Plain, at: string): FieldError[] {
  const from = String(plain(fieldRef)["fieldPath"] ?? "");
  const isKnown = filePaths.includes(from) || /^metadata\.(labels|annotations)\['.+'\]$/.test(from);
  return [
    ...(path === "" ? [required(`${at}.path`)] : noDots(`${at}.path`, String(path))),
    ...(fieldRef === undefined || isKnown
      ? []
      : [
          invalid(
            `${at}.fieldRef.fieldPath`,
            from,
            `error converting fieldPath: field label not supported: ${from}`,
          ),
        ]),
  ];
}

function checkVolume(volume: Plain, at: string): FieldError[] {
  const { downwardAPI, hostPath, emptyDir, nfs } = volume;
  const { path = "", type = "" } = plain(hostPath);
  const size = plain(emptyDir)["sizeLimit"];
  const { server = "", path: share = "" } = plain(nfs);
  return [
    ...records<Plain>(plain(downwardAPI)["items"]).flatMap((one) =>
      checkFile(one, `${at}.downwardAPI`),
    ),
    ...(hostPath
      ? [
          ...noDots(`${at}.hostPath.path`, String(path)),
          ...(hostPathTypes.includes(String(type))
            ? []
            : [notSupported(`${at}.hostPath.type`, type, hostPathTypes)]),
        ]
      : []),
    ...(typeof size === "string" && quantity(size) < 0
      ? [forbidden(`${at}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity")]
      : []),
    ...(nfs && server === "" ? [required(`${at}.nfs.server`)] : []),
    ...(nfs && share === "" ? [required(`${at}.nfs.path`)] : []),
    ...(nfs && share !== "" && !String(share).startsWith("/")
      ? [invalid(`${at}.nfs.path`, share, "must be an absolute path")]
      : []),
  ];
}

const { container, rest, source } = further;
further.source = (volume, at) => [...source(volume, at), ...checkVolume(volume, at)];
further.container = (one, at, spec) => [
  ...container(one, at, spec),
  ...checkShares(one, `${at}.resources`, spec),
  ...checkContainer(one, at, spec),
];
further.rest = (spec, at) => [
  ...(at !== "spec" && (spec.ephemeralContainers ?? []).length > 0
    ? [forbidden(`${at}.ephemeralContainers`, "ephemeral containers not allowed in pod template")]
    : []),
  ...checkNamespaces(spec, at),
  ...checkSecurity(spec, `${at}.securityContext`),
  ...rest(spec, at),
  ...checkWindows(spec, at),
  ...checkClaimNames(spec, `${at}.resourceClaims`),
  ...checkSums(spec, `${at}.resources`),
];
