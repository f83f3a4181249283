/**
 * The variables by which a container knows the Services that there are when it begins: two for
 * each, one for each named port, and those of Docker's old links. (kubernetes:
 * pkg/kubelet/envvars/envvars.go; kubelet_pods.go, getServiceEnvVarMap)
 */
import type { Service } from "../../../objects/types.js";

export type Variable = readonly [name: string, value: string];

/** `links`: spec.enableServiceLinks; without, a Pod hears of default/kubernetes alone. */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): Variable[] {
  const found = new Map<string, Service>();
  for (const service of services) {
    const { name, namespace: home = "default" } = service.metadata;
    if (!hasAddress(service)) continue;
    // the first one stays: default/kubernetes is known everywhere
    if (home === "default" && name === "kubernetes") found.set(name, found.get(name) ?? service);
    else if (home === namespace && links) found.set(name, service);
  }
  return [...found.values()].flatMap(variablesOf);
}

const hasAddress = ({ spec: { clusterIP } }: Service): boolean =>
  clusterIP !== undefined && clusterIP !== "" && clusterIP !== "None";

function variablesOf({ metadata, spec }: Service): Variable[] {
  const [prefix, address, ports] = [upper(metadata.name), spec.clusterIP!, spec.ports ?? []];
  const [first] = ports;
  if (!first) return [];
  const host = address.includes(":") ? `[${address}]` : address;
  const url = ({ protocol = "TCP", port }: typeof first): string =>
    `${protocol.toLowerCase()}://${host}:${port}`;
  return [
    [`${prefix}_SERVICE_HOST`, address],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports
      .filter(({ name }) => name)
      .map(({ name, port }): Variable => [`${prefix}_SERVICE_PORT_${upper(name!)}`, String(port)]),
    [`${prefix}_PORT`, url(first)],
    ...ports.flatMap((each): Variable[] => {
      const { protocol = "TCP", port } = each;
      const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
      return [
        [link, url(each)],
        [`${link}_PROTO`, protocol.toLowerCase()],
        [`${link}_PORT`, String(port)],
        [`${link}_ADDR`, address],
      ];
    }),
  ];
}

const upper = (name: string): string => name.replaceAll("-", "_").toUpperCase();
