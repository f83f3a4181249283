/**
 * What a dump tells of kube-proxy's configuration: its flags, a ConfigMap, or what k3s was started
 * with.
 */
import type { Basis } from "./journey/types.js";
import { keyOf } from "./machinery/informer.js";
import {
  configurationOfFlags,
  configurationOfK3s,
  variableFlags,
} from "./node/proxy/command-line.js";
import { knownFields, readConfiguration } from "./node/proxy/configuration.js";
import { isRecord } from "./objects/freeze.js";
import { readYaml } from "./objects/manifest.js";
import { ofKind } from "./objects/of-kind.js";
import type { KubeObject, Node, Pod } from "./objects/types.js";

/** Pods whose process writes a node's rules. */
export const isKubeProxy = ({ metadata }: Pod): boolean =>
  metadata.labels?.["k8s-app"] === "kube-proxy" ||
  metadata.labels?.["component"] === "kube-proxy" ||
  /^kube-proxy-/.test(metadata.name);

/** undefined: it tells nothing. */
export function configurationIn(
  objects: readonly KubeObject[],
  basis: Basis,
): KubeObject | undefined {
  const document = flagsOf(objects, basis) ?? mapped(objects, basis) ?? withinK3s(objects, basis);
  return document && sound(document, basis);
}

/**
 * Without what is not allowed, which is told: other versions allow other things, and a dump is read
 * all the same.
 */
function sound(document: KubeObject, basis: Basis): KubeObject | undefined {
  const problem = problemOf(document);
  if (problem === undefined) return document;
  const tell = (field: string, taken: string): void =>
    void basis.assumed.push({
      object: "kube-proxy",
      field,
      sentence: `${problem.replace(/^KubeProxyConfiguration: /, "")}; ${taken}`,
    });
  for (const name of Object.keys(document)) {
    const rest: KubeObject = { ...document };
    delete rest[name as keyof KubeObject];
    if (problemOf(rest) !== undefined) continue;
    tell(name, "it is taken not to be there");
    return rest;
  }
  tell("", "kube-proxy is taken to run with its defaults");
  return undefined;
}

function problemOf(document: object): string | undefined {
  try {
    return void readConfiguration(document);
  } catch (error) {
    return (error as Error).message;
  }
}

const asDocument = (fields: object): KubeObject =>
  ({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    ...fields,
  }) as KubeObject;

type PodSpecLike = Pick<Pod["spec"], "containers">;
const commandOf = ({ containers }: PodSpecLike): string[] => {
  const own = containers.find(({ name, image = "" }) => `${name} ${image}`.includes("kube-proxy"));
  const values = new Map(own?.env?.map(({ name, value }) => [name, value]));
  const filled = (word: string): string =>
    word.replace(/\$\(([^)]+)\)/g, (whole, name: string) => values.get(name) ?? whole);
  return [...(own?.command ?? []), ...(own?.args ?? [])].map(filled);
};

/** Of kube-proxies that are started with flags, and not with a file. */
function flagsOf(objects: readonly KubeObject[], basis: Basis): KubeObject | undefined {
  type Started = { object: string; nodeName?: string | undefined; words: string[] };
  const pods = ofKind<Pod>(objects, "Pod")
    .filter(isKubeProxy)
    .map((pod): Started => {
      const { nodeName } = pod.spec;
      return { object: `Pod ${keyOf(pod)}`, nodeName, words: commandOf(pod.spec) };
    });
  type DaemonSet = KubeObject & { spec?: { template?: { spec?: PodSpecLike } } };
  const templates = ofKind<DaemonSet>(objects, "DaemonSet")
    .filter(({ metadata }) => metadata.name === "kube-proxy")
    .map(({ metadata, spec }): Started => {
      const words = spec?.template?.spec ? commandOf(spec.template.spec) : [];
      return { object: `DaemonSet ${metadata.namespace}/${metadata.name}`, words };
    });
  const read = (pods.length > 0 ? pods : templates).flatMap(({ object, nodeName, words }) => {
    const fields = configurationOfFlags(words);
    if (!fields) return [];
    // each its own Node's name is no other name
    if (fields["hostnameOverride"] === nodeName) delete fields["hostnameOverride"];
    for (const flag of variableFlags(words)) {
      const sentence = `${flag} is not known, as the dump does not tell the variable: the flag is taken not to be there`;
      basis.assumed.push({ object, field: "spec.containers[0].command", sentence });
    }
    return [{ object, fields, text: JSON.stringify(fields) }];
  });
  const [first] = read;
  if (!first || read.every(({ text }) => text === "{}")) return undefined;
  const other = read.find(({ text }) => text !== first.text);
  if (other) {
    const sentence = `its flags differ from those of ${other.object}; they are taken for those of all kube-proxies`;
    basis.assumed.push({ object: first.object, field: "spec.containers[0].command", sentence });
  }
  return asDocument(first.fields);
}

/** What kubeadm, EKS and others keep in a ConfigMap. */
function mapped(objects: readonly KubeObject[], basis: Basis): KubeObject | undefined {
  for (const map of ofKind<KubeObject & { data?: Record<string, unknown> }>(objects, "ConfigMap")) {
    if (!map.metadata.name.includes("kube-proxy")) continue;
    for (const [key, text] of Object.entries(map.data ?? {})) {
      const found = configurationOf(text, `ConfigMap ${keyOf(map)}, data[${key}]`);
      if (!found) continue;
      const { document, unknown } = knownFields(found);
      for (const field of unknown) {
        const sentence = `kube-proxy's configuration has no field ${field} here: it is taken to change nothing`;
        const where = `data["${key}"]`;
        basis.assumed.push({ object: `ConfigMap ${keyOf(map)}`, field: where, sentence });
      }
      return document;
    }
  }
  return undefined;
}

/** k3s' kube-proxy is a part of its own process. */
function withinK3s(objects: readonly KubeObject[], basis: Basis): KubeObject | undefined {
  const nodes = ofKind<Node>(objects, "Node");
  const fields = configurationOfK3s(nodes.map(({ metadata }) => metadata.annotations ?? {}));
  if (!fields) return undefined;
  basis.assumed.push({
    object: "kube-proxy",
    field: "clusterCIDR",
    sentence: `is a part of k3s, and is taken to run as k3s starts it: clusterCIDR ${String(fields["clusterCIDR"])}, and what its Nodes' annotation node-args says`,
  });
  const [first, ...others] = nodes.flatMap(({ metadata: { name, annotations = {} } }) => {
    const own = configurationOfK3s([annotations]);
    // a server's tells the range, an agent's does not
    return own ? [{ name, text: JSON.stringify({ ...own, clusterCIDR: "" }) }] : [];
  });
  const other = others.find(({ text }) => text !== first?.text);
  if (other)
    basis.assumed.push({
      object: `Node ${first?.name}`,
      field: "metadata.annotations",
      sentence: `its kube-proxy-arg differ from those of Node ${other.name}; all of them together are taken for those of every kube-proxy`,
    });
  return asDocument(fields);
}

function configurationOf(text: unknown, source: string): KubeObject | undefined {
  if (typeof text !== "string" || !text.includes("KubeProxyConfiguration")) return undefined;
  try {
    return readYaml(text, source).find(
      (one): one is KubeObject => isRecord(one) && one["kind"] === "KubeProxyConfiguration",
    );
  } catch {
    return undefined; // a redacted one
  }
}
