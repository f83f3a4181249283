/**
 * Pod Security admission: a namespace's labels say which Pods it takes. What it only warns of, or
 * writes into an audit log, goes unsaid here. (KEP-2579; pod-security-admission: policy)
 */
import { forbidden, invalid } from "../api/errors.js";
import { invalid as invalidField, type FieldError } from "../objects/field-errors.js";
import { isRecord } from "../objects/freeze.js";
import { kindInfo } from "../objects/kinds.js";
import type { KubeObject, Pod } from "../objects/types.js";
import { records } from "../objects/validation-pod.js";
import { admissionPlugins } from "./admission.js";

type Plain = Record<string, unknown>;
const plain = (value: unknown): Plain => (isRecord(value) ? value : {});

const LABEL = "pod-security.kubernetes.io";
const levels = ["privileged", "baseline", "restricted"];
const LATEST = 35; // the version whose checks these are

// ---- what a check says --------------------------------------------------------------------------

interface Asked {
  spec: Plain;
  annotations: Readonly<Record<string, string>>;
  /** First those that start before the others. */
  containers: Plain[];
  /** Kubernetes' minor version, by whose rules it is looked at. */
  minor: number;
}
/** A reason, and what it is about. */
type Finding = [string, string] | undefined;

interface Check {
  /** By which they are told, one after the other. */
  id: string;
  level: "baseline" | "restricted";
  since?: number;
  /** The check that this one stands in for. */
  instead?: string;
  of: (asked: Asked) => Finding;
}

const quoted = (all: Iterable<string>): string => [...all].map((one) => `"${one}"`).join(", ");
const sorted = (all: Iterable<string>): string[] => [...new Set(all)].sort();
const many = (all: { size?: number; length?: number }, one: string, more = `${one}s`): string =>
  (all.length ?? all.size) === 1 ? one : more;
const context = (one: Plain): Plain => plain(one["securityContext"]);
const nameOf = (one: Plain): string => String((one["name"] as string | undefined) ?? "");

/** Those of the containers that are so, by name. */
const those = ({ containers }: Asked, is: (one: Plain) => boolean): string[] =>
  containers.filter(is).map(nameOf);

const told = (names: string[]): string => `${many(names, "container")} ${quoted(names)}`;

/** Who sets something that he must not: the Pod, or some of its containers. */
const setters = (asked: Asked, bad: (context: Plain) => boolean): string[] => {
  const names = those(asked, (one) => bad(context(one)));
  return [...(bad(context(asked.spec)) ? ["pod"] : []), ...(names.length > 0 ? [told(names)] : [])];
};
const both = (all: string[]): string => all.join(" and ");

/** All values that stand there, sorted. */
const valuesOf = (asked: Asked, read: (context: Plain) => unknown): string[] =>
  sorted(
    [asked.spec, ...asked.containers]
      .map((one) => read(context(one)))
      .filter((value) => value !== undefined)
      .map(String),
  );

const isWindows = ({ spec, minor }: Asked): boolean =>
  minor >= 25 && plain(spec["os"])["name"] === "windows";
const hasOwnUsers = ({ spec, minor }: Asked): boolean => minor >= 35 && spec["hostUsers"] === false;

// ---- baseline -----------------------------------------------------------------------------------

const profileOf = (context: Plain, field: string): unknown => plain(context[field])["type"];
const isUnsafe = (type: unknown): boolean =>
  type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";

function appArmor(asked: Asked): Finding {
  const who = setters(asked, (one) => isUnsafe(profileOf(one, "appArmorProfile")));
  const key = "container.apparmor.security.beta.kubernetes.io/";
  const annotations = Object.entries(asked.annotations)
    .filter(
      ([name, value]) => name.startsWith(key) && !/^$|^runtime\/default$|^localhost\//.test(value),
    )
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .sort();
  const values = [
    ...valuesOf(asked, (one) => {
      const type = profileOf(one, "appArmorProfile");
      return isUnsafe(type) ? type : undefined;
    }),
    ...annotations,
  ];
  if (annotations.length > 0) who.push(many(annotations, "annotation"));
  if (who.length === 0) return undefined;
  return [
    many(values, "forbidden AppArmor profile"),
    `${both(who)} must not set AppArmor profile type to ${quoted(values)}`,
  ];
}

const usual = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);
const capabilities = (one: Plain, list: "add" | "drop"): string[] =>
  (plain(context(one)["capabilities"])[list] as string[] | undefined) ?? [];

/** Which added capabilities are not of these. */
function added(asked: Asked, isFine: (name: string) => boolean): string | undefined {
  const names = those(asked, (one) => capabilities(one, "add").some((name) => !isFine(name)));
  const which = asked.containers.flatMap((one) =>
    capabilities(one, "add").filter((name) => !isFine(name)),
  );
  return names.length === 0
    ? undefined
    : `${told(names)} must not include ${quoted(sorted(which))} in securityContext.capabilities.add`;
}

function unusualCapabilities(asked: Asked): Finding {
  const detail = added(asked, (name) => usual.has(name));
  return detail === undefined ? undefined : ["non-default capabilities", detail];
}

function hostNamespaces({ spec }: Asked): Finding {
  const found = ["hostNetwork", "hostPID", "hostIPC"].filter((one) => spec[one] === true);
  return found.length === 0
    ? undefined
    : ["host namespaces", found.map((one) => `${one}=true`).join(", ")];
}

function hostPaths({ spec }: Asked): Finding {
  const names = records(spec["volumes"])
    .filter((one) => one["hostPath"])
    .map(nameOf);
  return names.length === 0
    ? undefined
    : ["hostPath volumes", `${many(names, "volume")} ${quoted(names)}`];
}

function hostPorts(asked: Asked): Finding {
  const of = (one: Plain) => records(one["ports"]).flatMap(({ hostPort }) => hostPort || []);
  const names = those(asked, (one) => of(one).length > 0);
  const ports = sorted(asked.containers.flatMap(of).map(String));
  return names.length === 0
    ? undefined
    : [
        "hostPort",
        `${told(names)} ${many(names, "uses", "use")} ${many(ports, "hostPort")} ${ports.join(", ")}`,
      ];
}

function otherHosts(asked: Asked): Finding {
  const hosts = (handler: unknown) =>
    ["httpGet", "tcpSocket"].flatMap((kind) => plain(plain(handler)[kind])["host"] || []);
  const of = (one: Plain) => {
    const { postStart, preStop } = plain(one["lifecycle"]);
    const { livenessProbe, readinessProbe, startupProbe } = one;
    return [livenessProbe, readinessProbe, startupProbe, postStart, preStop]
      .flatMap(hosts)
      .map(String);
  };
  const names = sorted(those(asked, (one) => of(one).length > 0));
  const found = sorted(asked.containers.flatMap(of));
  const what = "probe or lifecycle host";
  return names.length === 0
    ? undefined
    : [what, `${told(names)} ${many(names, "uses", "use")} ${many(found, what)} ${quoted(found)}`];
}

function privileged(asked: Asked): Finding {
  const names = those(asked, (one) => context(one)["privileged"] === true);
  return names.length === 0
    ? undefined
    : ["privileged", `${told(names)} must not set securityContext.privileged=true`];
}

function procMount(asked: Asked): Finding {
  const of = (one: Plain) => context(one)["procMount"];
  const names = those(asked, (one) => of(one) !== undefined && of(one) !== "Default");
  const types = sorted(asked.containers.flatMap((one) => of(one) ?? []).map(String)).filter(
    (one) => one !== "Default",
  );
  return names.length === 0
    ? undefined
    : ["procMount", `${told(names)} must not set securityContext.procMount to ${quoted(types)}`];
}

function seLinux(asked: Asked): Finding {
  const { minor } = asked;
  const fine = ["", "container_t", "container_init_t", "container_kvm_t"];
  if (minor >= 31) fine.push("container_engine_t");
  const of = (one: Plain) => plain(one["seLinuxOptions"]) as Record<string, string | undefined>;
  const badType = (one: Plain) => !fine.includes(of(one)["type"] ?? "");
  const who = setters(
    asked,
    (one) => badType(one) || Boolean(of(one)["user"]) || Boolean(of(one)["role"]),
  );
  if (who.length === 0) return undefined;
  const types = valuesOf(asked, (one) => (badType(one) ? of(one)["type"] : undefined));
  const sets = (field: string) => valuesOf(asked, (one) => of(one)[field] || undefined).length > 0;
  const data = [
    ...(types.length > 0 ? [`${many(types, "type")} ${quoted(types)}`] : []),
    ...(sets("user") ? ["user may not be set"] : []),
    ...(sets("role") ? ["role may not be set"] : []),
  ];
  return [
    "seLinuxOptions",
    `${both(who)} set forbidden securityContext.seLinuxOptions: ${data.join("; ")}`,
  ];
}

function seccomp(asked: Asked): Finding {
  const who = setters(asked, (one) => isUnsafe(profileOf(one, "seccompProfile")));
  const values = valuesOf(asked, (one) => profileOf(one, "seccompProfile")).filter(isUnsafe);
  return who.length === 0
    ? undefined
    : [
        "seccompProfile",
        `${both(who)} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
      ];
}

/** Settings of the kernel that are a Pod's own, by the version that took them for that. */
const safeSysctls: readonly [number, string][] = [
  [
    0,
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_unprivileged_port_start",
  ],
  [27, "net.ipv4.ip_local_reserved_ports"],
  [
    29,
    "net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes",
  ],
  [32, "net.ipv4.tcp_rmem net.ipv4.tcp_wmem"],
];

function sysctls({ spec, minor }: Asked): Finding {
  const safe = safeSysctls.flatMap(([since, names]) => (minor >= since ? names.split(" ") : []));
  const names = records(context(spec)["sysctls"])
    .map(nameOf)
    .filter((name) => !safe.includes(name));
  return names.length === 0 ? undefined : ["forbidden sysctls", names.join(", ")];
}

function hostProcess(asked: Asked): Finding {
  const who = setters(asked, (one) => plain(one["windowsOptions"])["hostProcess"] === true);
  return who.length === 0
    ? undefined
    : ["hostProcess", `${both(who)} must not set securityContext.windowsOptions.hostProcess=true`];
}

// ---- restricted ---------------------------------------------------------------------------------

function escalation(asked: Asked): Finding {
  const names = those(asked, (one) => context(one)["allowPrivilegeEscalation"] !== false);
  return names.length === 0 || isWindows(asked)
    ? undefined
    : [
        "allowPrivilegeEscalation != false",
        `${told(names)} must set securityContext.allowPrivilegeEscalation=false`,
      ];
}

function droppedCapabilities(asked: Asked): Finding {
  if (isWindows(asked)) return undefined;
  const keeping = those(asked, (one) => !capabilities(one, "drop").includes("ALL"));
  const adding = added(asked, (name) => name === "NET_BIND_SERVICE");
  const details = [
    ...(keeping.length > 0
      ? [`${told(keeping)} must set securityContext.capabilities.drop=["ALL"]`]
      : []),
    ...(adding === undefined ? [] : [adding]),
  ];
  return details.length === 0 ? undefined : ["unrestricted capabilities", details.join("; ")];
}

const volumeTypes = new Set(
  "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split(
    " ",
  ),
);

function volumes({ spec }: Asked): Finding {
  const typeOf = (one: Plain) => Object.keys(one).find((key) => key !== "name") ?? "unknown";
  const bad = records(spec["volumes"]).filter((one) => !volumeTypes.has(typeOf(one)));
  const types = sorted(bad.map(typeOf));
  return bad.length === 0
    ? undefined
    : [
        "restricted volume types",
        `${many(bad, "volume")} ${quoted(bad.map(nameOf))} ${many(bad, "uses", "use")} ${many(types, "restricted volume type")} ${quoted(types)}`,
      ];
}

function nonRoot(asked: Asked): Finding {
  if (hasOwnUsers(asked)) return undefined;
  const reason = "runAsNonRoot != true";
  const who = setters(asked, (one) => one["runAsNonRoot"] === false);
  if (who.length > 0)
    return [reason, `${both(who)} must not set securityContext.runAsNonRoot=false`];
  const names = those(asked, (one) => context(one)["runAsNonRoot"] === undefined);
  return names.length === 0 || context(asked.spec)["runAsNonRoot"] === true
    ? undefined
    : [reason, `pod or ${told(names)} must set securityContext.runAsNonRoot=true`];
}

function userZero(asked: Asked): Finding {
  const who = setters(asked, (one) => one["runAsUser"] === 0);
  return who.length === 0 || hasOwnUsers(asked)
    ? undefined
    : ["runAsUser=0", `${both(who)} must not set runAsUser=0`];
}

function someSeccomp(asked: Asked): Finding {
  if (isWindows(asked)) return undefined;
  const bad = seccomp(asked);
  if (bad) return bad;
  const names = those(asked, (one) => profileOf(context(one), "seccompProfile") === undefined);
  return names.length === 0 || profileOf(context(asked.spec), "seccompProfile") !== undefined
    ? undefined
    : [
        "seccompProfile",
        `pod or ${told(names)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      ];
}

/** In the order in which they are told. */
const checks: readonly Check[] = [
  { id: "allowPrivilegeEscalation", level: "restricted", since: 8, of: escalation },
  { id: "appArmorProfile", level: "baseline", of: appArmor },
  { id: "capabilities", level: "baseline", of: unusualCapabilities },
  {
    id: "capabilities_restricted",
    level: "restricted",
    since: 22,
    instead: "capabilities",
    of: droppedCapabilities,
  },
  { id: "hostNamespaces", level: "baseline", of: hostNamespaces },
  { id: "hostPathVolumes", level: "baseline", of: hostPaths },
  { id: "hostPorts", level: "baseline", of: hostPorts },
  { id: "hostProbes", level: "baseline", since: 34, of: otherHosts },
  { id: "privileged", level: "baseline", of: privileged },
  {
    id: "procMount",
    level: "baseline",
    of: (asked) => (hasOwnUsers(asked) ? undefined : procMount(asked)),
  },
  {
    id: "procMount_restricted",
    level: "restricted",
    since: 35,
    instead: "procMount",
    of: procMount,
  },
  { id: "restrictedVolumes", level: "restricted", instead: "hostPathVolumes", of: volumes },
  { id: "runAsNonRoot", level: "restricted", of: nonRoot },
  { id: "runAsUser", level: "restricted", since: 23, of: userZero },
  { id: "seLinuxOptions", level: "baseline", of: seLinux },
  { id: "seccompProfile", level: "baseline", since: 19, of: seccomp },
  {
    id: "seccompProfile_restricted",
    level: "restricted",
    since: 19,
    instead: "seccompProfile",
    of: someSeccomp,
  },
  { id: "sysctls", level: "baseline", of: sysctls },
  { id: "windowsHostProcess", level: "baseline", of: hostProcess },
];

function findings(level: string, { spec, annotations, minor }: Omit<Asked, "containers">) {
  const lists = ["initContainers", "containers", "ephemeralContainers"];
  const containers = lists.flatMap((list) => records(spec[list]));
  const asked = { spec, annotations, containers, minor };
  const meant = checks.filter(
    (one) => (one.level === "baseline" || level === "restricted") && minor >= (one.since ?? 0),
  );
  const replaced = new Set(meant.map(({ instead }) => instead));
  return meant
    .filter(({ id }) => !replaced.has(id))
    .flatMap(({ of }) => {
      const found = of(asked);
      return found ? [`${found[0]} (${found[1]})`] : [];
    });
}

// ---- the plug-in --------------------------------------------------------------------------------

/** "v1.30" -> 30; "latest": the newest that is known. */
const minorOf = (version: string): number | undefined =>
  version === "latest"
    ? LATEST
    : /^v1\.(0|[1-9]\d*)$/.test(version)
      ? Number(version.slice(3))
      : undefined;

function policyOf({ metadata }: KubeObject): { level: string; version: string; minor: number } {
  const {
    [`${LABEL}/enforce`]: said = "privileged",
    [`${LABEL}/enforce-version`]: version = "latest",
  } = metadata.labels ?? {};
  // what cannot be read is taken for the strictest, and the newest
  const minor = minorOf(version);
  return {
    level: levels.includes(said) ? said : "restricted",
    version: minor === undefined ? "latest" : version,
    minor: Math.min(minor ?? LATEST, LATEST),
  };
}

function labelProblems({ metadata }: KubeObject): FieldError[] {
  const labels = metadata.labels ?? {};
  return ["enforce", "audit", "warn"].flatMap((mode) =>
    (["", "-version"] as const).flatMap((part) => {
      const key = `${LABEL}/${mode}${part}`;
      const value = labels[key];
      const isFine =
        value === undefined ||
        (part === "" ? levels.includes(value) : minorOf(value) !== undefined);
      const why =
        part === "" ? `must be one of ${levels.join(", ")}` : 'must be "latest" or "v1.x"';
      return isFine ? [] : [invalidField(`metadata.labels[${key}]`, value, why)];
    }),
  );
}

admissionPlugins.push({
  name: "PodSecurity",
  isAlways: true,
  check(object, server, { info, old, under }) {
    if (info.key === "Namespace" && under === undefined) {
      const known = new Set(old ? labelProblems(old).map(({ field }) => field) : []);
      const problems = labelProblems(object).filter(({ field }) => !known.has(field));
      if (problems.length > 0) throw invalid(info, object.metadata.name, problems);
    }
    if (info.key !== "Pod" || (old && under !== "ephemeralcontainers")) return;
    const { metadata, spec } = object as Pod;
    const namespace = server.find("Namespace", metadata.namespace ?? "default");
    if (!namespace) return;
    const { level, version, minor } = policyOf(namespace);
    if (level === "privileged") return;
    const { annotations = {} } = metadata;
    const found = findings(level, { spec: spec as unknown as Plain, annotations, minor });
    if (found.length > 0)
      throw forbidden(
        kindInfo("Pod")!,
        metadata.name,
        `violates PodSecurity "${level}:${version}": ${found.join(", ")}`,
      );
  },
});
