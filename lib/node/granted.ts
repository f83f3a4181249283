/**
 * What a Pod that runs is taken to have got through: fields that can keep it from running, or from
 * being ready, by what an image, a volume or a command does, which no manifest tells.
 */
import type { Container, Pod, Probe } from "../objects/types.js";
import { imageName, isKnownImage } from "./listening.js";

/** The field, and what is taken for granted of it. */
export interface Granted {
  /** "spec.containers[0].readinessProbe" */
  field: string;
  sentence: string;
}

/** Of a Pod that came with a status that tells, out of a dump, nothing is taken for granted. */
export function grantedTo({ spec, status }: Pod): Granted[] {
  if (status?.phase !== undefined && status.phase !== "Pending") return [];
  return [
    ...volumes(spec),
    ...((spec.securityContext as { runAsNonRoot?: boolean } | undefined)?.runAsNonRoot
      ? [asNonRoot("spec.securityContext")]
      : []),
    ...spec.containers.flatMap((container, i) => ofContainer(container, `spec.containers[${i}]`)),
  ];
}

function volumes(spec: Pod["spec"]): Granted[] {
  const { volumes = [] } = spec as {
    volumes?: { persistentVolumeClaim?: { claimName: string } }[];
  };
  return volumes.flatMap(({ persistentVolumeClaim: claim }, i) =>
    claim
      ? {
          field: `spec.volumes[${i}].persistentVolumeClaim`,
          sentence: `the claim ${claim.claimName} is taken to be bound; storage is not modelled`,
        }
      : [],
  );
}

function ofContainer(container: Container, path: string): Granted[] {
  const { imagePullPolicy, lifecycle, securityContext, ...rest } = container as Container & {
    imagePullPolicy?: string;
    securityContext?: { runAsNonRoot?: boolean };
    lifecycle?: { postStart?: object };
  };
  const granted: Granted[] = [];
  if (imagePullPolicy === "Never")
    granted.push({
      field: `${path}.imagePullPolicy`,
      sentence: "is Never: the image is taken to be on the node",
    });
  if (securityContext?.runAsNonRoot) granted.push(asNonRoot(`${path}.securityContext`));
  if (lifecycle?.postStart)
    granted.push({
      field: `${path}.lifecycle.postStart`,
      sentence: "is taken to succeed; where it fails, the container is ended",
    });
  for (const name of ["startupProbe", "readinessProbe", "livenessProbe"] as const) {
    const sentence = ofProbe(rest[name], container);
    if (sentence !== undefined) granted.push({ field: `${path}.${name}`, sentence });
  }
  return granted;
}

const asNonRoot = (path: string): Granted => ({
  field: `${path}.runAsNonRoot`,
  sentence: "the image is taken to run as somebody else than root",
});

/** Images of web servers that find their own front page, and those that find every page. */
const frontPages = new Set(["nginx", "httpd"]);
const allPages = new Set(["whoami", "http-echo", "hello-app", "echoserver"]);

function ofProbe(probe: Probe | undefined, container: Container): string | undefined {
  const { image = "" } = container;
  if (!probe) return undefined;
  const { httpGet, grpc, exec, tcpSocket } = probe as Probe & { grpc?: object; exec?: object };
  if (exec) return "its command is taken to succeed as long as the container runs";
  if (grpc) return "is taken to answer SERVING as long as somebody listens";
  if (tcpSocket?.host) return `${tcpSocket.host} is taken to listen there`;
  const undeclared = undeclaredPort(probe, container);
  if (!httpGet)
    return undeclared === ""
      ? undefined
      : `the process is taken to listen on ${undeclared}, which it does not declare`;
  const { path = "/", scheme, host } = httpGet;
  const name = imageName(image);
  const isOwn = !host && scheme !== "HTTPS";
  if (isOwn && (allPages.has(name) || (path === "/" && frontPages.has(name)))) return undefined;
  const where = `${scheme === "HTTPS" ? " over TLS" : ""}${host ? ` of ${host}` : ""}`;
  return `GET ${path}${where} is taken to answer 200 as long as somebody listens on its port${undeclared && `, ${undeclared}, which the container does not declare`}`;
}

/** A probe's port beside those that its container declares: who wrote it is taken to know. */
function undeclaredPort({ httpGet, tcpSocket }: Probe, { ports = [], image = "" }: Container) {
  const { port, host } = httpGet ?? tcpSocket ?? {};
  const isOther = !ports.some(({ containerPort }) => containerPort === port);
  return typeof port === "number" && !host && isOther && !isKnownImage(image) ? String(port) : "";
}
