/**
 * What hardly anybody gets wrong in a Pod: profiles, policies and what belongs to Windows alone,
 * keys within volumes, sums of resources. (kubernetes: pkg/apis/core/validation/validation.go)
 */
import {
  checkFormat,
  checkOneOf,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import { isOfPods, podResources } from "./pod-resources.js";
import { exact } from "./amounts.js";
import { quantity } from "./quantity.js";
import type { Container, PodSpec } from "./types.js";
import { checkDescends, plain, type Plain } from "./validation-pod-fields.js";
import { checkEscalation, checkPodSecurity } from "./validation-pod-rest.js";
import { further, records } from "./validation-pod.js";

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
    return local
      ? kind === "seccomp"
        ? checkDescends(here, String(local))
        : []
      : [required(here, `must be set when ${kind} type is Localhost`)];
  if (!profiles.includes(String(type)))
    return type === ""
      ? [
          required(
            `${at}.type`,
            `type is required when ${kind === "seccomp" ? "seccompProfile" : "appArmorProfile"} is set`,
          ),
        ]
      : [notSupported(`${at}.type`, type, profiles)];
  const value = kind === "seccomp" ? { Type: type, LocalhostProfile: local } : local;
  return local === undefined
    ? []
    : [invalid(here, value, `can only be set when ${kind} type is Localhost`)];
}

function checkContainer(container: Container, at: string, spec: PodSpec): FieldError[] {
  const { resizePolicy, securityContext } = container as Container & Plain;
  const security = plain(securityContext);
  const here = `${at}.securityContext`;
  return [
    ...checkResizePolicy(resizePolicy, `${at}.resizePolicy`, spec.restartPolicy),
    ...(security["procMount"] === undefined
      ? []
      : checkOneOf(`${here}.procMount`, String(security["procMount"]), ["Default", "Unmasked"])),
    ...checkProfile(security["seccompProfile"], `${here}.seccompProfile`, "seccomp"),
    ...checkEscalation(here, securityContext),
    ...checkWindowsOptions(security["windowsOptions"], `${here}.windowsOptions`),
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
    ...(hugeAlone(lists) ? [forbidden(at, "HugePages require cpu or memory")] : []),
    ...records<{ name?: string }>(claims).flatMap(({ name = "" }, i, all) => [
      ...(all.findIndex((one) => one.name === name) < i
        ? [duplicate(`${at}.claims[${i}]`, name)]
        : []),
      ...(known.includes(name)
        ? []
        : [
            {
              field: `${at}.claims[${i}]`,
              reason: "FieldValueNotFound" as const,
              message: `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${which}`,
            },
          ]),
    ]),
  ];
}

function hugeAlone({ limits = {}, requests = {} }: Container["resources"] & object): boolean {
  const names = Object.keys({ ...limits, ...requests });
  return (
    names.some((name) => name.startsWith("hugepages-")) &&
    !names.some((name) => name === "cpu" || name === "memory")
  );
}

function checkPages(name: string, amount: string, at: string): FieldError[] {
  const [, size] = /^hugepages-(.+)$/.exec(name) ?? [];
  if (size === undefined || quantity(amount) % quantity(size) === 0) return [];
  return [invalid(at, amount, `${amount} is not positive integer multiple of ${name}`)];
}

// ---- Windows ------------------------------------------------------------------------------------

const USER_LONGEST = 104; // characters
const DOMAIN_LONGEST = 255;
const SPEC_LONGEST = 64 * 1024; // bytes

/** (validateWindowsSecurityContextOptions) */
function checkWindowsOptions(options: unknown, at: string): FieldError[] {
  const {
    gmsaCredentialSpecName: name,
    gmsaCredentialSpec: credentials,
    runAsUserName: user,
  } = plain(options) as Record<string, string | undefined>;
  const here = `${at}.gmsaCredentialSpec`;
  return [
    ...(name === undefined
      ? []
      : checkFormat(`${at}.gmsaCredentialSpecName`, name, dns1123Subdomain)),
    ...(credentials === ""
      ? [invalid(here, credentials, "gmsaCredentialSpec cannot be an empty string")]
      : []),
    ...((credentials ?? "").length > SPEC_LONGEST
      ? [invalid(here, credentials, "gmsaCredentialSpec size must be under 64 KiB")]
      : []),
    ...(user === undefined
      ? []
      : userProblems(user).map((why) =>
          invalid(`${at}.runAsUserName`, user, `runAsUserName${why}`),
        )),
  ];
}

function userProblems(text: string): string[] {
  if (text === "") return [" cannot be an empty string"];
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(text)) return [" cannot contain control characters"];
  const parts = text.split("\\");
  if (parts.length > 2) return [" cannot contain more than one backslash"];
  const [user = "", domain] = parts.reverse();
  const isNamed =
    domain === undefined ||
    /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/.test(domain) ||
    /^(?=.{1,255}$)([a-zA-Z0-9](-?[a-zA-Z0-9])*\.)*[a-zA-Z0-9](-?[a-zA-Z0-9])*$/.test(domain);
  return [
    ...((domain ?? "").length > DOMAIN_LONGEST
      ? ["'s Domain length must be under 256 characters"]
      : []),
    ...(isNamed ? [] : ["'s Domain doesn't match the NetBios nor the DNS format"]),
    ...(user === "" ? ["'s User cannot be empty"] : []),
    ...(user.length > USER_LONGEST
      ? [`'s User length must not be longer than ${USER_LONGEST} characters`]
      : []),
    ...(/^[. ]+$/.test(user) ? ["'s User cannot contain only periods or spaces"] : []),
    ...(/["/\\:;|=,+*?<>@[\]]/.test(user)
      ? [`'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]`]
      : []),
  ];
}

/** (validateWindowsHostProcessPod) */
function checkHostProcesses(spec: PodSpec, at: string): FieldError[] {
  const of = (context: unknown) => plain(plain(context)["windowsOptions"])["hostProcess"];
  const { securityContext, hostNetwork } = spec as unknown as Plain;
  const whole = of(securityContext);
  const lists = ["containers", "initContainers", "ephemeralContainers"] as const;
  const all = lists.flatMap((list) =>
    records<Plain>(spec[list]).map((one, i) => ({
      own: of(one["securityContext"]),
      place: `${at}.${list}[${i}].securityContext.windowsOptions.hostProcess`,
    })),
  );
  const [some] = [all.filter(({ own }) => (own ?? whole) === true).length];
  return [
    ...all
      .filter(({ own }) => whole !== undefined && own !== undefined && own !== whole)
      .map(({ own, place }) =>
        invalid(
          place,
          own,
          `pod hostProcess value must be identical if both are specified, was ${String(whole)}`,
        ),
      ),
    ...(some > 0 && some < all.length
      ? [
          invalid(
            at,
            "",
            "If pod contains any hostProcess containers then all containers must be HostProcess containers",
          ),
        ]
      : []),
    ...(some > 0 && hostNetwork !== true
      ? [
          invalid(
            `${at}.hostNetwork`,
            false,
            "hostNetwork must be true if pod contains any hostProcess containers",
          ),
        ]
      : []),
  ];
}

// ---- the Pod ------------------------------------------------------------------------------------

const ofLinuxPods =
  "appArmorProfile seLinuxOptions seccompProfile fsGroup fsGroupChangePolicy sysctls runAsUser runAsGroup supplementalGroups supplementalGroupsPolicy".split(
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
    ...(pod["shareProcessNamespace"] === undefined ? [] : [no(`${at}.shareProcessNamespace`)]),
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
  const { hostUsers, hostPID, hostIPC, hostNetwork } = spec as unknown as Plain;
  const no = (field: string) => forbidden(`${at}.${field}`, "when `hostUsers` is false");
  const isOwn = hostUsers === false;
  return [
    ...(isOwn && hostNetwork ? [no("hostNetwork")] : []),
    ...(isOwn && hostPID ? [no("HostPID")] : []),
    ...(isOwn && hostIPC ? [no("HostIPC")] : []),
  ];
}

/** The host's own settings are nobody's in its namespaces. (validateHostSysctl) */
const checkShared = (sysctls: unknown, { hostNetwork, hostIPC }: Plain, at: string) =>
  records<{ name?: string }>(sysctls).flatMap(({ name = "" }, i) => {
    const dotted =
      name.includes("/") && !name.split("/")[0]!.includes(".") ? name.replace(/\//g, ".") : name;
    const isNetwork = dotted.startsWith("net.");
    const isIPC = /^kernel\.(shm|msg|sem$)|^fs\.mqueue\./.test(dotted);
    const which = isNetwork && hostNetwork ? "hostNetwork" : isIPC && hostIPC ? "hostIPC" : "";
    return which === ""
      ? []
      : [invalid(`${at}[${i}].name`, name, `may not be specified when '${which}' is true`)];
  });

function checkSecurity(spec: PodSpec, at: string): FieldError[] {
  const context = plain(spec.securityContext);
  const { hostPID, shareProcessNamespace } = spec as unknown as Plain;
  const oneOf = (field: string, known: string[]) =>
    context[field] === undefined ? [] : checkOneOf(`${at}.${field}`, String(context[field]), known);
  return [
    ...checkPodSecurity(at, context),
    ...checkShared(context["sysctls"], spec as unknown as Plain, `${at}.sysctls`),
    ...(shareProcessNamespace && hostPID
      ? [
          invalid(
            `${at}.shareProcessNamespace`,
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
          ),
        ]
      : []),
    ...oneOf("fsGroupChangePolicy", ["Always", "OnRootMismatch"]),
    ...checkProfile(context["seccompProfile"], `${at}.seccompProfile`, "seccomp"),
    ...checkWindowsOptions(context["windowsOptions"], `${at}.windowsOptions`),
    ...checkProfile(context["appArmorProfile"], `${at}.appArmorProfile`, "AppArmor"),
    ...oneOf("supplementalGroupsPolicy", ["Merge", "Strict"]),
    ...oneOf("seLinuxChangePolicy", ["Recursive"]), // SELinuxMount is off
  ];
}

const ofPods = ["cpu", "hugepages-", "memory"];

/** What a Pod asks for as a whole. (validatePodResources; KEP-2837) */
function checkOwnResources(spec: PodSpec, at: string): FieldError[] {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const known = (list: string, amounts: object) =>
    Object.keys(amounts)
      .filter((name) => !isOfPods(name))
      .map((name) => notSupported(`${at}.${list}[${name}]`, name, ofPods));
  return [
    ...known("limits", limits),
    ...Object.entries(requests).flatMap(([name, request]): FieldError[] => {
      const limit = limits[name];
      const is = (what: string) => [
        invalid(`${at}.requests`, request, `must be ${what} ${name} limit of ${limit}`),
      ];
      const isShared = name === "cpu" || name === "memory";
      return [
        ...known("requests", { [name]: request }),
        ...(limit === undefined
          ? isShared
            ? []
            : [required(`${at}.limits`, "Limit must be set for non overcommitable resources")]
          : !isShared && quantity(request) !== quantity(limit)
            ? is("equal to")
            : quantity(request) > quantity(limit)
              ? is("less than or equal to")
              : []),
      ];
    }),
    ...checkSums(spec, at),
  ];
}

/** (validatePodResourceConsistency) */
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

const { container, rest, placing, hostPorts } = further;
further.placing = (spec, at) => [
  ...checkSecurity(spec, `${at}.securityContext`),
  ...placing(spec, at),
];
further.hostPorts = (spec, at, isPod) => [
  ...checkOwnResources(spec, `${at}.resources`),
  ...hostPorts(spec, at, isPod),
];
further.container = (one, at, spec) => [
  ...container(one, at, spec),
  ...checkShares(one, `${at}.resources`, spec),
  ...checkContainer(one, at, spec),
];
further.rest = (spec, at) => [
  ...(at !== "spec" && (spec.ephemeralContainers ?? []).length > 0
    ? [forbidden(`${at}.ephemeralContainers`, "ephemeral containers not allowed in pod template")]
    : []),
  ...checkHostProcesses(spec, at),
  ...checkNamespaces(spec, at),
  ...rest(spec, at),
  ...checkWindows(spec, at),
];
