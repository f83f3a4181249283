/**
 * The fields of every kind, in one place. It drives the decoder (decode.ts), and with it what
 * manifests and request bodies may hold; the merge keys of strategic patches; OpenAPI v3 (kubectl
 * apply); and the types in Go's error messages. What each field is for is said to people in
 * doors/serve/descriptions.ts.
 *
 * How to read the table:
 *
 *     # package              the Go package of the types below, the stem of their OpenAPI names
 *     Type                   a type; "discovery.EndpointPort" where two packages have one name
 *       name type            a field
 *       name! type           required
 *       name+ type           not required, and there all the same: Go has a struct, no pointer
 *       name *type           a pointer in Go: 0, "" and false are values of their own, not "unset"
 *       name type@key        strategic patches merge the list by that key; @ alone: as a set
 *       ~ names              kept as they come: Kubernetes looks into them, Stopover does not
 *
 * Types of fields: string, int (int32), int64, bool, time, quantity, intOrString, any, map<…>, []…,
 * or a type of the table.
 */
const table = `
# io.k8s.apimachinery.pkg.apis.meta.v1
ObjectMeta
  name string
  generateName string
  namespace string
  uid string
  resourceVersion string
  generation int64
  creationTimestamp time
  deletionTimestamp time
  deletionGracePeriodSeconds *int64
  labels map<string>
  annotations map<string>
  ownerReferences []OwnerReference@uid
  finalizers []string@
  ~ managedFields selfLink
OwnerReference
  apiVersion! string
  kind! string
  name! string
  uid! string
  controller *bool
  blockOwnerDeletion *bool
LabelSelector
  matchLabels map<string>
  matchExpressions []LabelSelectorRequirement
LabelSelectorRequirement
  key! string
  operator! string
  values []string
Condition
  type! string
  status! string
  reason string
  message string
  lastTransitionTime time
  lastUpdateTime time
  lastProbeTime time
  lastHeartbeatTime time
  observedGeneration int64
DeleteOptions
  gracePeriodSeconds *int64
  propagationPolicy *string
  orphanDependents *bool
  preconditions Preconditions
  dryRun []string
  ~ ignoreStoreReadErrorWithClusterBreakingPotential
Preconditions
  uid *string
  resourceVersion *string
# io.k8s.api.core.v1
ObjectReference
  kind string
  namespace string
  name string
  uid string
  apiVersion string
  resourceVersion string
  fieldPath string
Namespace
  metadata+ ObjectMeta
  spec NamespaceSpec
  status NamespaceStatus
NamespaceSpec
  finalizers []string
NamespaceStatus
  phase string
  conditions []Condition@type
Node
  metadata+ ObjectMeta
  spec+ NodeSpec
  status NodeStatus
NodeSpec
  podCIDR string
  podCIDRs []string@
  providerID string
  taints []Taint
  unschedulable bool
  ~ configSource externalID
Taint
  key! string
  value string
  effect! string
  timeAdded time
NodeStatus
  addresses []NodeAddress@type
  capacity map<quantity>
  allocatable map<quantity>
  conditions []Condition@type
  nodeInfo any
  ~ config daemonEndpoints declaredFeatures features images phase runtimeHandlers volumesAttached volumesInUse
NodeAddress
  type! string
  address! string
Pod
  metadata+ ObjectMeta
  spec+ PodSpec
  status PodStatus
PodSpec
  containers! []Container@name
  initContainers []Container@name
  nodeName string
  nodeSelector map<string>
  tolerations []Toleration
  hostNetwork bool
  hostname string
  subdomain string
  restartPolicy string
  terminationGracePeriodSeconds *int64
  readinessGates []PodReadinessGate
  dnsPolicy string
  schedulerName string
  serviceAccountName string
  enableServiceLinks *bool
  securityContext any
  ~ activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig ephemeralContainers hostAliases hostIPC hostPID hostUsers hostnameOverride imagePullSecrets os overhead preemptionPolicy priority priorityClassName resourceClaims resources runtimeClassName schedulingGates serviceAccount setHostnameAsFQDN shareProcessNamespace topologySpreadConstraints volumes workloadRef
Container
  name! string
  image string
  imagePullPolicy string
  command []string
  args []string
  env []EnvVar@name
  ports []ContainerPort@containerPort
  resources ResourceRequirements
  readinessProbe Probe
  livenessProbe Probe
  startupProbe Probe
  lifecycle Lifecycle
  terminationMessagePath string
  terminationMessagePolicy string
  ~ envFrom resizePolicy restartPolicy restartPolicyRules securityContext stdin stdinOnce tty volumeDevices volumeMounts workingDir
Lifecycle
  postStart LifecycleHandler
  preStop LifecycleHandler
  stopSignal *string
LifecycleHandler
  exec ExecAction
  httpGet HTTPGetAction
  sleep SleepAction
  tcpSocket TCPSocketAction
SleepAction
  seconds! int64
EnvVar
  name! string
  value string
  ~ valueFrom
ContainerPort
  name string
  containerPort! int
  protocol string
  hostPort int
  hostIP string
ResourceRequirements
  requests map<quantity>
  limits map<quantity>
  ~ claims
Probe
  httpGet HTTPGetAction
  tcpSocket TCPSocketAction
  exec ExecAction
  initialDelaySeconds int
  timeoutSeconds int
  periodSeconds int
  successThreshold int
  failureThreshold int
  ~ grpc terminationGracePeriodSeconds
HTTPGetAction
  path string
  port! intOrString
  scheme string
  host string
  httpHeaders []HTTPHeader
HTTPHeader
  name! string
  value! string
TCPSocketAction
  port! intOrString
  host string
ExecAction
  command []string
Toleration
  key string
  operator string
  value string
  effect string
  tolerationSeconds *int64
PodReadinessGate
  conditionType! string
PodStatus
  phase string
  podIP string
  podIPs []PodIP@ip
  hostIP string
  hostIPs []HostIP@ip
  conditions []Condition@type
  containerStatuses []ContainerStatus
  startTime time
  reason string
  message string
  qosClass string
  ~ allocatedResources ephemeralContainerStatuses extendedResourceClaimStatus initContainerStatuses nominatedNodeName observedGeneration resize resourceClaimStatuses resources
PodIP
  ip! string
HostIP
  ip! string
ContainerStatus
  name! string
  ready! bool
  started *bool
  restartCount! int
  image string
  imageID string
  containerID string
  state ContainerState
  lastState ContainerState
  ~ allocatedResources allocatedResourcesStatus resources stopSignal user volumeMounts
ContainerState
  waiting ContainerStateWaiting
  running ContainerStateRunning
  terminated ContainerStateTerminated
ContainerStateWaiting
  reason string
  message string
ContainerStateRunning
  startedAt time
ContainerStateTerminated
  exitCode! int
  reason string
  startedAt time
  finishedAt time
  ~ containerID message signal
PodTemplateSpec
  metadata ObjectMeta
  spec+ PodSpec
Service
  metadata+ ObjectMeta
  spec+ ServiceSpec
  status ServiceStatus
ServiceSpec
  type string
  selector map<string>
  ports []ServicePort@port
  clusterIP string
  clusterIPs []string
  ipFamilies []string
  ipFamilyPolicy *string
  externalIPs []string
  externalName string
  externalTrafficPolicy string
  internalTrafficPolicy *string
  healthCheckNodePort int
  sessionAffinity string
  sessionAffinityConfig SessionAffinityConfig
  loadBalancerIP string
  loadBalancerClass *string
  loadBalancerSourceRanges []string
  allocateLoadBalancerNodePorts *bool
  publishNotReadyAddresses bool
  trafficDistribution *string
SessionAffinityConfig
  clientIP ClientIPConfig
ClientIPConfig
  timeoutSeconds *int
ServicePort
  name string
  protocol string
  appProtocol *string
  port! int
  targetPort intOrString
  nodePort int
ServiceStatus
  loadBalancer LoadBalancerStatus
  conditions []Condition@type
LoadBalancerStatus
  ingress []LoadBalancerIngress
LoadBalancerIngress
  ip string
  hostname string
  ipMode *string
  ports []PortStatus
PortStatus
  port! int
  protocol! string
  error *string
Endpoints
  metadata+ ObjectMeta
  subsets []EndpointSubset
EndpointSubset
  addresses []EndpointAddress
  notReadyAddresses []EndpointAddress
  ports []EndpointPort
EndpointAddress
  ip! string
  hostname string
  nodeName *string
  targetRef ObjectReference
EndpointPort
  name string
  port! int
  protocol string
  appProtocol *string
Event
  metadata! ObjectMeta
  involvedObject! ObjectReference
  reason string
  message string
  type string
  count int
  firstTimestamp time
  lastTimestamp time
  source EventSource
  reportingComponent string
  reportingInstance string
  ~ action eventTime related series
EventSource
  component string
  host string
# io.k8s.api.apps.v1
Deployment
  metadata+ ObjectMeta
  spec+ DeploymentSpec
  status DeploymentStatus
DeploymentSpec
  replicas *int
  selector! *LabelSelector
  template! PodTemplateSpec
  strategy DeploymentStrategy
  minReadySeconds int
  revisionHistoryLimit *int
  progressDeadlineSeconds *int
  paused bool
DeploymentStrategy
  type string
  rollingUpdate RollingUpdateDeployment
RollingUpdateDeployment
  maxSurge *intOrString
  maxUnavailable *intOrString
DeploymentStatus
  observedGeneration int64
  replicas int
  updatedReplicas int
  readyReplicas int
  availableReplicas int
  unavailableReplicas int
  conditions []Condition@type
  ~ collisionCount terminatingReplicas
ReplicaSet
  metadata+ ObjectMeta
  spec+ ReplicaSetSpec
  status ReplicaSetStatus
ReplicaSetSpec
  replicas *int
  selector! *LabelSelector
  template+ PodTemplateSpec
  minReadySeconds int
ReplicaSetStatus
  observedGeneration int64
  replicas! int
  fullyLabeledReplicas int
  readyReplicas int
  availableReplicas int
  conditions []Condition@type
  ~ terminatingReplicas
# io.k8s.api.autoscaling.v1
Scale
  metadata+ ObjectMeta
  spec ScaleSpec
  status ScaleStatus
ScaleSpec
  replicas int
ScaleStatus
  replicas! int
  selector string
# io.k8s.api.coordination.v1
Lease
  metadata+ ObjectMeta
  spec+ LeaseSpec
LeaseSpec
  holderIdentity *string
  leaseDurationSeconds *int
  acquireTime time
  renewTime time
  leaseTransitions *int
  ~ preferredHolder strategy
# io.k8s.api.discovery.v1
EndpointSlice
  metadata+ ObjectMeta
  addressType! string
  endpoints! []Endpoint
  ports []discovery.EndpointPort
discovery.EndpointPort
  name *string
  port *int
  protocol *string
  appProtocol *string
Endpoint
  addresses! []string
  conditions EndpointConditions
  hostname *string
  nodeName *string
  zone *string
  hints EndpointHints
  targetRef ObjectReference
  ~ deprecatedTopology
EndpointConditions
  ready *bool
  serving *bool
  terminating *bool
EndpointHints
  forZones []ForZone
  forNodes []ForNode
ForZone
  name! string
ForNode
  name! string
`;

export interface Field {
  name: string;
  type: FieldType;
  required: boolean;
  /** Required, or a struct that is never missing: where it does not come, it is empty. */
  always: boolean;
  /** A pointer in Go: its zero value does not mean "unset". */
  pointer: boolean;
  /** Strategic patches merge this list: by the key, or as a set (""). */
  mergeKey?: string;
}

export type FieldType =
  | { is: "string" | "int" | "int64" | "bool" | "time" | "quantity" | "intOrString" | "any" }
  | { is: "list"; of: FieldType }
  | { is: "map"; of: FieldType }
  | { is: "object"; name: string };

export interface ObjectType {
  name: string;
  /** io.k8s.api.core.v1 */
  package: string;
  fields: Map<string, Field>;
}

const scalars = new Set([
  "string",
  "int",
  "int64",
  "bool",
  "time",
  "quantity",
  "intOrString",
  "any",
]);

function parseType(text: string): FieldType {
  if (text.startsWith("[]")) return { is: "list", of: parseType(text.slice(2)) };
  if (text.startsWith("map<")) return { is: "map", of: parseType(text.slice(4, -1)) };
  return scalars.has(text) ? ({ is: text } as FieldType) : { is: "object", name: text };
}

/** Those that stand alone in a request or an answer: they say what they are. */
const standalone = [
  "Namespace",
  "Node",
  "Pod",
  "Service",
  "Endpoints",
  "Event",
  "Deployment",
  "ReplicaSet",
  "Lease",
  "EndpointSlice",
  "Scale",
  "DeleteOptions",
];

function parseTable(): Map<string, ObjectType> {
  const types = new Map<string, ObjectType>();
  let current!: ObjectType;
  let home = "";
  for (const line of table.trim().split("\n")) {
    if (line.startsWith("# ")) home = line.slice(2);
    else if (line.startsWith(" "))
      for (const field of parseFields(line.trim())) current.fields.set(field.name, field);
    else {
      current = { name: line, package: home, fields: new Map() };
      if (standalone.includes(line))
        for (const field of header) current.fields.set(field.name, field);
      types.set(line, current);
    }
  }
  return types;
}

/** A line of the table: one field, or several that are kept as they come. */
function parseFields(line: string): Field[] {
  const words = line.split(" ");
  if (words[0] === "~") return words.slice(1).map(unread);
  const [, name = "", mark] = /^(\w+)([!+]?)$/.exec(words[0]!) ?? [];
  const [, star, type = "", mergeKey] = /^(\*?)([^@]+)(?:@(.*))?$/.exec(words[1]!) ?? [];
  return [
    {
      name,
      type: parseType(type),
      required: mark === "!",
      always: mark !== "" && star === "",
      pointer: star === "*",
      ...(mergeKey !== undefined && { mergeKey }),
    },
  ];
}

const optional = (name: string, type: FieldType): Field => ({
  name,
  type,
  required: false,
  always: false,
  pointer: false,
});
const unread = (name: string): Field => optional(name, { is: "any" });
const header: readonly Field[] = [
  optional("apiVersion", { is: "string" }),
  optional("kind", { is: "string" }),
];

let parsed: Map<string, ObjectType> | undefined;

/** All types by name; those named like a kind are the kinds' own. Parsed when first asked for. */
export const types = (): ReadonlyMap<string, ObjectType> => (parsed ??= parseTable());

/** A type that the table is known to have. */
export function typeOf(name: string): ObjectType {
  const found = types().get(name);
  if (!found) throw new Error(`the table of fields has no type ${name}`);
  return found;
}

/** "EndpointPort", also where the table says of which package. */
export const goName = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** What is needed, in words: "a whole number", "a list of ServicePort". */
export function inWords(type: FieldType): string {
  const words = {
    string: "a text (in quotes where YAML would read something else)",
    time: 'a time like "2024-01-21T05:09:08Z"',
    int: "a whole number (32 bits)",
    int64: "a whole number",
    bool: "true or false",
    quantity: 'a quantity like "500m" or "64Mi"',
    intOrString: "a whole number or a text",
    any: "anything",
  };
  if (type.is === "object")
    return `an object (${[...typeOf(type.name).fields.keys()].slice(0, 6).join(", ")}, …)`;
  if (type.is === "list") return `a list${type.of.is === "object" ? " of objects" : ""}`;
  return type.is === "map" ? "an object of names and values" : words[type.is];
}
