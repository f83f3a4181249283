// The types of the modelled kinds, out of the same table: ../types.ts. What the API description does
// not say, and Stopover's code relies on, is in the lists below.

/** Names that are shorter than Kubernetes' own, or taken: a NodeSpec asks createCluster for a node. */
const names = {
  NodeSpec: "KubeNodeSpec",
  PodTemplateSpec: "PodTemplate",
  "discovery.EndpointPort": "SliceEndpointPort",
};

/** Texts of which there are only these. */
const words = {
  Protocol: ["TCP", "UDP", "SCTP"],
  IPFamily: ["IPv4", "IPv6"],
};

/** What a field is, where the description says "string" or nothing. */
const fields = {
  "ContainerPort.protocol": "Protocol",
  "DeploymentStrategy.type": '"RollingUpdate" | "Recreate"',
  "EndpointPort.protocol": "Protocol",
  "EndpointSlice.addressType": '"IPv4" | "IPv6" | "FQDN"',
  "Event.type": '"Normal" | "Warning"',
  "LabelSelectorRequirement.operator": '"In" | "NotIn" | "Exists" | "DoesNotExist"',
  "LoadBalancerIngress.ipMode": '"VIP" | "Proxy"',
  "NamespaceStatus.phase": '"Active" | "Terminating"',
  "NodeAddress.type": '"InternalIP" | "ExternalIP" | "Hostname" | "InternalDNS" | "ExternalDNS"',
  "NodeStatus.nodeInfo": "Record<string, string>",
  "PodSpec.restartPolicy": '"Always" | "OnFailure" | "Never"',
  "PodSpec.securityContext": "Record<string, unknown>",
  "PodStatus.phase": '"Pending" | "Running" | "Succeeded" | "Failed" | "Unknown"',
  "PodTemplateSpec.metadata": "Partial<ObjectMeta>",
  "PortStatus.protocol": "Protocol",
  "ServicePort.protocol": "Protocol",
  "ServiceSpec.externalTrafficPolicy": '"Cluster" | "Local"',
  "ServiceSpec.internalTrafficPolicy": '"Cluster" | "Local"',
  "ServiceSpec.ipFamilies": "IPFamily[]",
  "ServiceSpec.ipFamilyPolicy": '"SingleStack" | "PreferDualStack" | "RequireDualStack"',
  "ServiceSpec.sessionAffinity": '"None" | "ClientIP"',
  "ServiceSpec.type": '"ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName"',
  "Taint.effect": '"NoSchedule" | "PreferNoSchedule" | "NoExecute"',
  "Toleration.effect": '"" | "NoSchedule" | "PreferNoSchedule" | "NoExecute"',
  "Toleration.operator": '"Exists" | "Equal"',
  "discovery.EndpointPort.protocol": "Protocol",
};

/** Not required, and there in every object that Stopover holds. */
const always = new Set(["Event.message", "Event.reason", "Event.type", "ObjectMeta.name"]);
/** Required, and yet left out by those who write one: the decoder puts "" there. */
const mayLack = new Set(["ContainerStatus.image", "ContainerStatus.imageID", "Namespace.spec"]);

const prelude = `
/** What every object has. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/**
 * One thing that is true, false or unknown of an object, since when and why: \`kubectl describe\`
 * lists them. The kinds' own conditions differ in which times they tell.
 */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  lastProbeTime?: string;
  lastHeartbeatTime?: string;
  observedGeneration?: number;
}
`;

const scalars = {
  string: "string",
  time: "string",
  quantity: "string",
  int: "number",
  int64: "number",
  bool: "boolean",
  intOrString: "number | string",
  any: "unknown",
};

/** A comment, within a hundred characters a line. */
function comment(/** @type {string} */ text, indent = "") {
  const single = `${indent}/** ${text} */`;
  if (single.length <= 100) return single;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (longer.length <= 96 - indent.length) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`].join("\n");
}

function typeText(/** @type {string} */ type) {
  if (type.startsWith("[]")) {
    const item = typeText(type.slice(2));
    return item.includes(" ") ? `(${item})[]` : `${item}[]`;
  }
  if (type.startsWith("map<")) return `Record<string, ${typeText(type.slice(4, -1))}>`;
  if (type.endsWith("Condition")) return "Condition";
  return scalars[type] ?? names[type] ?? type;
}

/**
 * `table`: of the modelled types. `kinds`: those that have a REST resource. `describe`: Stopover's
 * sentence on a type or a field.
 */
export function typesText(table, kinds, describe) {
  const parts = [];
  let open = "";
  const close = () => open && parts.push("}\n");
  for (const line of table.split("\n")) {
    if (line.startsWith("# ")) continue;
    if (!line.startsWith(" ")) {
      close();
      open =
        line.endsWith("Condition") || ["Scale", "ScaleSpec", "ScaleStatus"].includes(line)
          ? ""
          : line;
      if (open) {
        const name = names[line] ?? line;
        const what = describe(line);
        if (what) parts.push(comment(what));
        parts.push(
          `export interface ${name}${kinds.includes(line) ? " extends KubeObject" : ""} {`,
        );
      }
      continue;
    }
    if (!open) continue;
    const [, name, mark, star, type] = /^ {2}([\w$-]+)(!?) (\*?)([^@#]+)/.exec(line);
    const key = `${open}.${name}`;
    if (kinds.includes(open) && ["metadata"].includes(name)) continue;
    const there =
      always.has(key) ||
      (!star &&
        (mark === "!" || name === "spec" || name === "template") &&
        type !== "time" &&
        !mayLack.has(key));
    const what = describe(open, name);
    if (what) parts.push(comment(what, "  "));
    parts.push(`  ${name}${there ? "" : "?"}: ${fields[key] ?? typeText(type)};`);
  }
  close();
  const unions = Object.entries(words).map(
    ([name, all]) =>
      `/** As Kubernetes writes it. */\nexport type ${name} = ${all.map((one) => JSON.stringify(one)).join(" | ")};`,
  );
  const map = kinds.map((kind) => `  ${kind}: ${kind};`).join("\n");
  return [
    prelude,
    unions.join("\n"),
    "",
    ...parts,
    '/** kind -> type: what `get("Service", …)` returns. */',
    `export interface Kinds {\n${map}\n}`,
    "/** The kinds that Stopover knows. */",
    "export type Kind = keyof Kinds;",
    "",
  ].join("\n");
}
