import { kinds } from "../../objects/kinds.js";
import { describe } from "./descriptions.js";
import { types, type FieldType, type ObjectType } from "../../objects/schema.js";
import { badRequest } from "../../api/errors.js";
import { pathOf, version } from "./openapi.js";

/**
 * The two places where kubectl insists on Protocol Buffers: from 1.32 on, `kubectl create
 * namespace|deployment|service` and `drain` send them; before 1.27, `kubectl apply` and `explain`
 * read OpenAPI v2 in them. Everything else speaks JSON. (k8s.io/apimachinery:
 * pkg/runtime/serializer/protobuf; k8s.io/api: generated.proto; gnostic: openapiv2/OpenAPIv2.proto)
 */
export const bodyType = "application/vnd.kubernetes.protobuf";
/** Asked for with an "@", which is no valid media type, and answered with a dot instead. */
export const openapiV2Type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

// ---- bodies -------------------------------------------------------------------------------------

/** Field numbers of what kubectl sends in this form; a field that is not here is refused. */
const numbers = new Map(
  `
ObjectMeta name=1 generateName=2 namespace=3 selfLink=4 uid=5 resourceVersion=6 generation=7 creationTimestamp=8 deletionTimestamp=9 deletionGracePeriodSeconds=10 labels=11 annotations=12 ownerReferences=13 finalizers=14
DeleteOptions gracePeriodSeconds=1 preconditions=2 orphanDependents=3 propagationPolicy=4 dryRun=5
Preconditions uid=1 resourceVersion=2
OwnerReference kind=1 name=3 uid=4 apiVersion=5 controller=6 blockOwnerDeletion=7
Namespace metadata=1 spec=2 status=3
NamespaceSpec finalizers=1
NamespaceStatus phase=1
Service metadata=1 spec=2 status=3
ServiceSpec ports=1 selector=2 clusterIP=3 type=4 externalIPs=5 sessionAffinity=7 loadBalancerIP=8 loadBalancerSourceRanges=9 externalName=10 externalTrafficPolicy=11 healthCheckNodePort=12 publishNotReadyAddresses=13 sessionAffinityConfig=14 ipFamilyPolicy=17 clusterIPs=18 ipFamilies=19 allocateLoadBalancerNodePorts=20 loadBalancerClass=21 internalTrafficPolicy=22 trafficDistribution=23
SessionAffinityConfig clientIP=1
ClientIPConfig timeoutSeconds=1
ServicePort name=1 protocol=2 port=3 targetPort=4 nodePort=5 appProtocol=6
ServiceStatus loadBalancer=1
LoadBalancerStatus
Deployment metadata=1 spec=2 status=3
DeploymentSpec replicas=1 selector=2 template=3 strategy=4 minReadySeconds=5 revisionHistoryLimit=6 paused=7 progressDeadlineSeconds=9
DeploymentStrategy type=1 rollingUpdate=2
RollingUpdateDeployment maxUnavailable=1 maxSurge=2
DeploymentStatus observedGeneration=1 replicas=2 updatedReplicas=3 availableReplicas=4 unavailableReplicas=5 readyReplicas=7
LabelSelector matchLabels=1 matchExpressions=2
LabelSelectorRequirement key=1 operator=2 values=3
PodTemplateSpec metadata=1 spec=2
PodSpec containers=2 restartPolicy=3 terminationGracePeriodSeconds=4 dnsPolicy=6 nodeSelector=7 serviceAccountName=8 serviceAccount=9 nodeName=10 hostNetwork=11 hostPID=12 hostIPC=13 hostname=16 subdomain=17 schedulerName=19 initContainers=20 priorityClassName=24 shareProcessNamespace=27 runtimeClassName=29 enableServiceLinks=30 preemptionPolicy=31
Container name=1 image=2 command=3 args=4 workingDir=5 ports=6 env=7 resources=8 terminationMessagePath=13 imagePullPolicy=14 stdin=16 stdinOnce=17 tty=18 terminationMessagePolicy=20
ContainerPort name=1 hostPort=2 containerPort=3 protocol=4 hostIP=5
EnvVar name=1 value=2
ResourceRequirements limits=1 requests=2
`
    .trim()
    .split("\n")
    .map((line) => {
      const [type, ...fields] = line.split(" ");
      return [
        type!,
        new Map(
          fields
            .map((field) => field.split("=") as [string, string])
            .map(([name, number]) => [Number(number), name]),
        ),
      ];
    }),
);

const bodies = new Set(["Namespace", "Service", "Deployment", "DeleteOptions"]);

/** Go has pointers where a zero says something; elsewhere its zero values mean "not set". */
const zeroCounts = new Set([
  "DeploymentSpec.replicas",
  "DeploymentSpec.revisionHistoryLimit",
  "ServiceSpec.allocateLoadBalancerNodePorts",
  "PodSpec.terminationGracePeriodSeconds",
  "DeleteOptions.gracePeriodSeconds",
]);

/**
 * The object in a protobuf body: the magic "k8s\0", then runtime.Unknown with the kind and the
 * object's own bytes.
 */
export function decodeBody(sent: Uint8Array): Record<string, unknown> {
  const body = Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength);
  if (body.length < 4 || body.toString("latin1", 0, 4) !== "k8s\0")
    throw badRequest("the body is no protobuf of Kubernetes: it does not begin with k8s\\0");
  const unknown = new Map(fieldsOf(body.subarray(4)));
  const typeMeta = new Map(fieldsOf(bytes(unknown.get(1))));
  const kind = text(typeMeta.get(2));
  if (!bodies.has(kind))
    throw badRequest(
      `a ${JSON.stringify(kind)} as protobuf is not taken; send it as application/json`,
    );
  return {
    apiVersion: text(typeMeta.get(1)),
    kind,
    ...decodeMessage(kind, bytes(unknown.get(2))),
  };
}

/** What a field holds on the wire: a number, or a length and so many bytes. */
type Content = Buffer | bigint;

/** The fields of a message, in order: number and content. */
function fieldsOf(message: Buffer): [number: number, content: Content][] {
  const fields: [number, Content][] = [];
  for (let at = 0; at < message.length;) {
    const [key, afterKey] = varint(message, at);
    const [value, next] = varint(message, afterKey);
    const [number, wire] = [Number(key >> 3n), Number(key & 7n)];
    if (wire !== 0 && wire !== 2)
      throw badRequest(
        `the protobuf body has a field of wire type ${wire}, which Kubernetes' objects do not use`,
      );
    at = wire === 0 ? next : next + Number(value);
    if (at > message.length) throw badRequest("the protobuf body ends in the middle of a field");
    fields.push([number, wire === 0 ? value : message.subarray(next, at)]);
  }
  return fields;
}

/** Without a sign, as keys and lengths are: a field that has one takes it with `signed`. */
function varint(message: Buffer, start: number): [value: bigint, next: number] {
  let value = 0n;
  for (let at = start, shift = 0n; at < message.length && shift < 70n; at++, shift += 7n) {
    value |= BigInt(message[at]! & 0x7f) << shift;
    if (message[at]! < 0x80) return [BigInt.asUintN(64, value), at + 1];
  }
  throw badRequest("the protobuf body ends in the middle of a number");
}

const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));

/** What has no content is empty, as in Go; a number where bytes belong is refused. */
function bytes(content: Content = Buffer.alloc(0)): Buffer {
  if (Buffer.isBuffer(content)) return content;
  throw badRequest("the protobuf body has a number where a text or an object belongs");
}

function integer(content: Content = 0n): bigint {
  if (!Buffer.isBuffer(content)) return content;
  throw badRequest("the protobuf body has a text or an object where a number belongs");
}

const text = (content: Content | undefined): string => bytes(content).toString("utf8");

function decodeMessage(name: string, message: Buffer): Record<string, unknown> {
  const { fields } = types().get(name)!;
  const result: Record<string, unknown> = {};
  const lists = new Map<string, unknown[]>();
  const maps = new Map<string, Map<string, unknown>>();
  for (const [number, content] of fieldsOf(message)) {
    const key = numbers.get(name)?.get(number);
    if (key === undefined)
      throw badRequest(
        `the protobuf body has field ${number} of ${name}, which is not taken in this form; send it as application/json`,
      );
    const { type } = fields.get(key)!;
    if (type.is === "list") entryIn(lists, key, () => []).push(decodeValue(type.of, content));
    else if (type.is === "map")
      entryIn(maps, key, () => new Map()).set(...decodeEntry(type.of, bytes(content)));
    else {
      const value = decodeValue(type, content);
      const isZero = value === "" || value === 0 || value === false || value === undefined;
      if (!isZero || (value !== undefined && zeroCounts.has(`${name}.${key}`))) result[key] = value;
    }
  }
  for (const [key, list] of lists) result[key] = list;
  for (const [key, map] of maps) result[key] = Object.fromEntries(map);
  return result;
}

function entryIn<T>(map: Map<string, T>, key: string, empty: () => T): T {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = empty()));
  return found;
}

function decodeValue(type: FieldType, content: Content | undefined): unknown {
  switch (type.is) {
    case "object":
      return decodeMessage(type.name, bytes(content));
    case "bool":
      return integer(content) !== 0n;
    case "int":
    case "int64":
      return signed(integer(content));
    case "time":
      return decodeTime(bytes(content));
    case "quantity":
      return text(new Map(fieldsOf(bytes(content))).get(1));
    case "intOrString":
      return decodeIntOrString(bytes(content));
    case "any": // the fields above of this type are texts or booleans
      return typeof content === "bigint" ? content !== 0n : text(content);
    default:
      return text(content);
  }
}

function decodeEntry(type: FieldType, entry: Buffer): [key: string, value: unknown] {
  const parts = new Map(fieldsOf(entry));
  return [text(parts.get(1)), decodeValue(type, parts.get(2))];
}

function decodeIntOrString(message: Buffer): number | string {
  const parts = new Map(fieldsOf(message));
  return integer(parts.get(1)) === 1n ? text(parts.get(3)) : signed(integer(parts.get(2)));
}

function decodeTime(message: Buffer): string | undefined {
  const seconds = new Map(fieldsOf(message)).get(1);
  if (seconds === undefined) return undefined;
  const time = new Date(signed(integer(seconds)) * 1000);
  if (Number.isNaN(time.getTime()))
    throw badRequest("the protobuf body has a time that no calendar knows");
  return time.toISOString().slice(0, 19) + "Z";
}

// ---- OpenAPI v2 ---------------------------------------------------------------------------------

function encoded(number: number, content: Buffer | string): Buffer {
  const data = typeof content === "string" ? Buffer.from(content) : content;
  return Buffer.concat([encodedVarint((number << 3) | 2), encodedVarint(data.length), data]);
}

function encodedVarint(value: number): Buffer {
  const parts: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) parts.push((value & 0x7f) | 0x80);
  return Buffer.from([...parts, value]);
}

const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);
const named = (number: number, name: string, value: Buffer): Buffer =>
  encoded(number, message(encoded(1, name), encoded(2, value)));
/** A vendor extension: its value is YAML, of which JSON is a part. */
const extension = (number: number, name: string, value: unknown): Buffer =>
  named(number, name, encoded(2, JSON.stringify(value)));

let document: Buffer | undefined;

/**
 * openapi.v2.Document: definitions of all types, and the PATCH paths, in which old kubectl looks
 * for dryRun.
 */
export function openapiV2(): Buffer {
  const definitions = [...types().values()].map((type) =>
    named(1, `${type.package}.${type.name}`, definition(type)),
  );
  return (document ??= message(
    encoded(1, "2.0"),
    encoded(2, message(encoded(1, "Stopover"), encoded(2, version.gitVersion))),
    encoded(
      8,
      message(
        ...kinds.map(({ apiVersion, namespaced, plural, group, kind }) =>
          named(
            2,
            `/${pathOf(apiVersion)}/${namespaced ? "namespaces/{namespace}/" : ""}${plural}/{name}`,
            encoded(8, patchOperation({ group, version: apiVersion.split("/").pop()!, kind })),
          ),
        ),
      ),
    ),
    encoded(9, message(...definitions)),
  ));
}

function patchOperation(gvk: object): Buffer {
  const parameter = (name: string) =>
    encoded(
      8,
      encoded(
        1,
        encoded(
          2,
          encoded(3, message(encoded(3, "query"), encoded(4, name), encoded(6, "string"))),
        ),
      ),
    );
  return message(
    parameter("dryRun"),
    parameter("fieldManager"),
    extension(13, "x-kubernetes-group-version-kind", gvk),
  );
}

function definition(type: ObjectType): Buffer {
  const fields = [...type.fields.values()];
  const info = kinds.find(({ kind }) => kind === type.name);
  return message(
    encoded(4, describe(type.name)),
    ...fields.filter(({ required }) => required).map(({ name }) => encoded(19, name)),
    encoded(22, encoded(1, "object")),
    encoded(
      25,
      message(
        ...fields.map(({ name, type: fieldType, mergeKey }) =>
          named(
            1,
            name,
            message(
              schemaMessage(fieldType),
              ...(fieldType.is === "object" ? [] : [encoded(4, describe(type.name, name))]),
              ...(mergeKey === undefined
                ? []
                : [extension(31, "x-kubernetes-patch-strategy", "merge")]),
              ...(mergeKey ? [extension(31, "x-kubernetes-patch-merge-key", mergeKey)] : []),
            ),
          ),
        ),
      ),
    ),
    ...(info
      ? [
          extension(31, "x-kubernetes-group-version-kind", [
            { group: info.group, kind: info.kind, version: info.apiVersion.split("/").pop() },
          ]),
        ]
      : []),
  );
}

function schemaMessage(type: FieldType): Buffer {
  const primitive = (name: string, format?: string) =>
    message(...(format ? [encoded(2, format)] : []), encoded(22, encoded(1, name)));
  switch (type.is) {
    case "object":
      return encoded(1, `#/definitions/${types().get(type.name)!.package}.${type.name}`);
    case "list":
      return message(primitive("array"), encoded(23, encoded(1, schemaMessage(type.of))));
    case "map":
      return message(primitive("object"), encoded(21, encoded(1, schemaMessage(type.of))));
    case "int":
      return primitive("integer", "int32");
    case "int64":
      return primitive("integer", "int64");
    case "bool":
      return primitive("boolean");
    case "time":
      return primitive("string", "date-time");
    case "intOrString":
      return primitive("string", "int-or-string");
    case "any":
      return Buffer.alloc(0);
    default:
      return primitive("string");
  }
}
