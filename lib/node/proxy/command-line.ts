/**
 * kube-proxy's command line, as the fields of a KubeProxyConfiguration: Talos, RKE2, AKS and GKE
 * start it with flags, and k3s passes them on from its own.
 *
 *     configurationOfFlags(["kube-proxy", "--proxy-mode=ipvs"]) // { mode: "ipvs" }
 *
 * (cmd/kube-proxy/app/options.go, AddFlags)
 */

/** "a.b": a field in a section of the document. */
type Fields = Record<string, unknown>;
type Reading = { field: string; of: (text: string, before: unknown) => unknown };

const text = (field: string): Reading => ({ field, of: (value) => value });
/** A flag that stands alone is true. */
const flag = (field: string): Reading => ({ field, of: (value) => !/^(false|f|0)$/i.test(value) });
const whole = (field: string): Reading => ({ field, of: Number });
/** Said again, such a flag adds to what it said before. */
const list = (field: string): Reading => ({
  field,
  of: (value, before) => [...((before ?? []) as string[]), ...value.split(",").filter(Boolean)],
});

/** Flag -> the field that it sets. Others change nothing that is modelled. */
const readings = new Map<string, Reading>(
  Object.entries({
    "proxy-mode": text("mode"),
    "cluster-cidr": text("clusterCIDR"),
    "hostname-override": text("hostnameOverride"),
    "detect-local-mode": text("detectLocalMode"),
    "pod-bridge-interface": text("detectLocal.bridgeInterface"),
    "pod-interface-name-prefix": text("detectLocal.interfaceNamePrefix"),
    "nodeport-addresses": list("nodePortAddresses"),
    "masquerade-all": flag("iptables.masqueradeAll"),
    "iptables-masquerade-bit": whole("iptables.masqueradeBit"),
    "iptables-localhost-nodeports": flag("iptables.localhostNodePorts"),
    "conntrack-tcp-be-liberal": flag("conntrack.tcpBeLiberal"),
  }),
);
const switches = new Set([
  "masquerade-all",
  "iptables-localhost-nodeports",
  "conntrack-tcp-be-liberal",
]);

/**
 * What a command line says; undefined where it names a file (--config), in which case kube-proxy
 * ignores the other flags.
 */
export function configurationOfFlags(words: readonly string[]): Fields | undefined {
  const flags = flagsIn(words);
  if (flags.some(([name]) => name === "config")) return undefined;
  const fields: Fields = {};
  for (const [name, value] of flags) {
    const reading = readings.get(name);
    if (!reading || isVariable(value)) continue;
    const [section, inside] = reading.field.split(".") as [string, string?];
    const before = fields[section];
    if (inside === undefined) fields[section] = reading.of(value, before);
    else fields[section] = { ...(before as Fields), [inside]: reading.of(value, undefined) };
  }
  return fields;
}

/** What a shell or the kubelet would put in is not in a dump. */
const isVariable = (value: string): boolean => value.includes("$");

/** Flags of which a variable says the value: ["--proxy-mode=$(MODE)"]. */
export const variableFlags = (words: readonly string[]): string[] =>
  flagsIn(words)
    // as a rule its own Node's name
    .filter(
      ([name, value]) => readings.has(name) && name !== "hostname-override" && isVariable(value),
    )
    .map(([name, value]) => `--${name}=${value}`);

/** "--a=1 --b 2 --c" in one text (of a shell) or in several: [["a", "1"], ["b", "2"], …]. */
function flagsIn(words: readonly string[]): [name: string, value: string][] {
  const parts = words.flatMap((word) => word.split(/\s+/)).map((part) => part.replace(/["']/g, ""));
  return parts.flatMap((part, i): [string, string][] => {
    const [, name, value] = /^--?([a-z][\w-]*)(?:=(.*))?$/.exec(part) ?? [];
    if (name === undefined) return [];
    if (value !== undefined) return [[name, value]];
    const next = parts[i + 1];
    return [[name, switches.has(name) || next === undefined ? "true" : next]];
  });
}

/** Where k3s and RKE2 keep, as JSON, the words that they were started with. */
const startedWith = ["k3s.io/node-args", "rke2.io/node-args"];
/** k3s' own default. (pkg/cli/cmds/server.go) */
const usualRange = "10.42.0.0/16";

/**
 * What k3s tells the kube-proxies within it. `annotations`: of each Node; undefined where none of
 * them runs k3s, or where it starts no kube-proxy.
 */
export function configurationOfK3s(
  annotations: readonly Readonly<Record<string, string>>[],
): Fields | undefined {
  const started = annotations.flatMap((own) => {
    const line = startedWith.map((key) => own[key]).find((each) => each !== undefined);
    return line === undefined ? [] : [wordsIn(line)];
  });
  if (started.length === 0) return undefined;
  const flags = started.flatMap(flagsIn);
  if (flags.some(([name, value]) => name === "disable-kube-proxy" && value !== "false"))
    return undefined;
  const passed = flags
    .filter(([name]) => name === "kube-proxy-arg")
    .map(([, arg]) => `--${arg.replace(/^--/, "")}`);
  const clusterCIDR = flags.find(([name]) => name === "cluster-cidr")?.[1] ?? usualRange;
  return { clusterCIDR, ...configurationOfFlags([...new Set(passed)]) };
}

function wordsIn(json: string): string[] {
  try {
    const words: unknown = JSON.parse(json);
    return Array.isArray(words) ? words.map(String) : [];
  } catch {
    return [];
  }
}
