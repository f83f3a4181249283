/**
 * The fields of every kind, in one place. It drives the decoder (decode.ts), and with it what
 * manifests and request bodies may hold; the merge keys of strategic patches; OpenAPI v3 (kubectl
 * apply, kubectl explain); and the types in Go's error messages.
 *
 * How to read the table:
 *
 *     # package              the Go package of the types below, the stem of their OpenAPI names
 *     Type: description      a type; "discovery.EndpointPort" where two packages have one name
 *       name type: …         a field
 *       name! type: …        required
 *       name+ type: …        not required, and there all the same: Go has a struct, no pointer
 *       name *type: …        a pointer in Go: 0, "" and false are values of their own, not "unset"
 *       name type@key: …     strategic patches merge the list by that key; @ alone: as a set
 *       ~ names              kept as they come: Kubernetes looks into them, Stopover does not
 *
 * Types of fields: string, int (int32), int64, bool, time, quantity, intOrString, any, map<…>, []…,
 * or a type of the table.
 */
const table = `
# io.k8s.apimachinery.pkg.apis.meta.v1
ObjectMeta: What every object carries besides its own content.
  name string: Unique among the objects of its kind in the namespace; never changes.
  generateName string: A stem, to which the server appends five characters when no name is given.
  namespace string: The namespace the object lives in; left out for cluster-scoped kinds.
  uid string: Unique over time and space; set by the server.
  resourceVersion string: The store's revision of the last write. Send it back to be refused if somebody wrote in between.
  generation int64: Counts changes of the desired state; set by the server.
  creationTimestamp time: When the server created the object.
  deletionTimestamp time: When the object will be gone, once its deletion was asked for; set by the server.
  deletionGracePeriodSeconds *int64: Seconds granted for a graceful end; set by the server.
  labels map<string>: Names and values that selectors select by.
  annotations map<string>: Names and values for tools; nothing selects by them.
  ownerReferences []OwnerReference@uid: Whom the object belongs to; it is removed when all of them are.
  finalizers []string@: Who must act before the object is really removed.
  ~ managedFields selfLink
OwnerReference: Names an owner in the same namespace.
  apiVersion! string: The owner's API version.
  kind! string: The owner's kind.
  name! string: The owner's name.
  uid! string: The owner's uid.
  controller *bool: Whether the owner is the controller in charge; at most one is.
  blockOwnerDeletion *bool: Whether a foreground deletion of the owner waits for this object.
LabelSelector: Selects objects by labels; all parts must hold, an empty one selects everything.
  matchLabels map<string>: Labels that must have exactly these values.
  matchExpressions []LabelSelectorRequirement: Further conditions on labels.
LabelSelectorRequirement: One condition on a label.
  key! string: The label.
  operator! string: In, NotIn, Exists or DoesNotExist.
  values []string: For In and NotIn.
Condition: One aspect of an object's state.
  type! string: The aspect.
  status! string: True, False or Unknown.
  reason string: One word why.
  message string: A sentence for people.
  lastTransitionTime time: When status last changed.
  lastUpdateTime time: When the condition was last written.
  lastProbeTime time: When it was last looked at.
  lastHeartbeatTime time: When it was last confirmed.
  observedGeneration int64: The generation that the condition speaks of.
DeleteOptions: How to delete.
  gracePeriodSeconds *int64: Seconds for a graceful end; for Pods.
  propagationPolicy *string: Background, Foreground or Orphan.
  orphanDependents *bool: The old way to say Orphan.
  preconditions Preconditions: What must hold, else nothing is deleted.
  dryRun []string: All: do everything but delete.
  ~ ignoreStoreReadErrorWithClusterBreakingPotential
Preconditions: What must hold before a deletion.
  uid *string: The object's uid.
  resourceVersion *string: The object's version.
# io.k8s.api.core.v1
ObjectReference: Points at an object.
  kind string: Its kind.
  namespace string: Its namespace.
  name string: Its name.
  uid string: Its uid.
  apiVersion string: Its API version.
  resourceVersion string: Its version when it was referred to.
  fieldPath string: A part of it, as spec.containers{nginx}.
Namespace: A room for names: objects in different namespaces may have the same name.
  metadata+ ObjectMeta: Standard metadata.
  spec NamespaceSpec: What is asked for.
  status NamespaceStatus: How it stands.
NamespaceSpec: What a namespace asks for.
  finalizers []string: Who must empty the namespace before it goes.
NamespaceStatus: How a namespace stands.
  phase string: Active, or Terminating while it is being emptied.
  conditions []Condition@type: What holds up its end.
Node: A machine that runs Pods.
  metadata+ ObjectMeta: Standard metadata.
  spec+ NodeSpec: What is asked for.
  status NodeStatus: How the machine stands, told by its kubelet and by the cloud.
NodeSpec: What is asked of a node.
  podCIDR string: The range that its Pods get addresses from.
  podCIDRs []string@: The same for each IP family; the first equals podCIDR.
  providerID string: The machine's name in the cloud, as aws:///zone/instance.
  taints []Taint: What keeps Pods away that do not tolerate it.
  unschedulable bool: Whether new Pods are kept away (kubectl cordon).
  ~ configSource externalID
Taint: Keeps Pods away that do not tolerate it.
  key! string: Its name.
  value string: Its value.
  effect! string: NoSchedule, PreferNoSchedule, or NoExecute, which also evicts.
  timeAdded time: When it was put there; for NoExecute.
NodeStatus: How a node stands.
  addresses []NodeAddress@type: The addresses of its interfaces, and its names.
  capacity map<quantity>: What the machine has.
  allocatable map<quantity>: What of it Pods may ask for.
  conditions []Condition@type: Ready, and the pressures.
  nodeInfo any: Versions of kernel, kubelet and runtime.
  ~ config daemonEndpoints declaredFeatures features images phase runtimeHandlers volumesAttached volumesInUse
NodeAddress: One address of a node.
  type! string: InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS.
  address! string: The address.
Pod: One or more containers that run together on a node and share an IP address.
  metadata+ ObjectMeta: Standard metadata.
  spec+ PodSpec: What is asked for.
  status PodStatus: How it stands, told by its kubelet.
PodSpec: What a Pod asks for.
  containers! []Container@name: The containers; at least one.
  initContainers []Container@name: Containers that run to their end, one by one, before the others start.
  nodeName string: The node that runs it; set by the scheduler through the binding.
  nodeSelector map<string>: Labels that the node must have.
  tolerations []Toleration: Taints that the Pod bears with.
  hostNetwork bool: Whether it uses the node's own network and addresses.
  hostname string: Its host name; default: the Pod's name.
  subdomain string: Makes its full name hostname.subdomain.namespace.svc.cluster-domain.
  restartPolicy string: Always (default), OnFailure or Never.
  terminationGracePeriodSeconds *int64: Seconds between the request to end and the kill; default 30.
  readinessGates []PodReadinessGate: Further conditions that must be True for the Pod to be ready.
  dnsPolicy string: ClusterFirst (default), ClusterFirstWithHostNet, Default or None.
  schedulerName string: The scheduler in charge; default default-scheduler.
  serviceAccountName string: The identity of its processes.
  enableServiceLinks *bool: Whether Services appear in its environment variables; default true.
  securityContext any: Settings for all its containers.
  ~ activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig ephemeralContainers hostAliases hostIPC hostPID hostUsers hostnameOverride imagePullSecrets os overhead preemptionPolicy priority priorityClassName resourceClaims resources runtimeClassName schedulingGates serviceAccount setHostnameAsFQDN shareProcessNamespace topologySpreadConstraints volumes workloadRef
Container: One container of a Pod.
  name! string: Unique within the Pod.
  image string: The image to run.
  imagePullPolicy string: Always (the default for :latest), IfNotPresent or Never.
  command []string: What to run instead of the image's entry point.
  args []string: Its arguments.
  env []EnvVar@name: Environment variables.
  ports []ContainerPort@containerPort: Ports it listens on. A note for people and for targetPort names: nothing is opened or closed by it.
  resources ResourceRequirements: What it needs, and what it may use.
  readinessProbe Probe: When it may get traffic.
  livenessProbe Probe: When it must be restarted.
  startupProbe Probe: When it has started, before the other probes begin.
  lifecycle Lifecycle: What to do when it starts and before it ends.
  terminationMessagePath string: The file that its last words are read from.
  terminationMessagePolicy string: File or FallbackToLogsOnError.
  ~ envFrom resizePolicy restartPolicy restartPolicyRules securityContext stdin stdinOnce tty volumeDevices volumeMounts workingDir
Lifecycle: What to do when a container starts and before it ends.
  postStart LifecycleHandler: Right after it was started.
  preStop LifecycleHandler: Before it is told to end.
  stopSignal *string: The signal that tells it to end.
LifecycleHandler: One of exec, httpGet, sleep, tcpSocket.
  exec ExecAction: Run a command.
  httpGet HTTPGetAction: Ask by HTTP.
  sleep SleepAction: Wait.
  tcpSocket TCPSocketAction: Open a connection.
SleepAction: Wait.
  seconds! int64: How long.
EnvVar: One environment variable.
  name! string: Its name.
  value string: Its value.
  ~ valueFrom
ContainerPort: A port that a container listens on.
  name string: For targetPort; at most 15 characters.
  containerPort! int: The port, 1 to 65535.
  protocol string: TCP (default), UDP or SCTP.
  hostPort int: A port of the node that leads to it.
  hostIP string: The node's address for hostPort.
ResourceRequirements: What a container needs and may use.
  requests map<quantity>: Kept free for it; what the scheduler counts.
  limits map<quantity>: It gets no more.
  ~ claims
Probe: A question asked of a container again and again.
  httpGet HTTPGetAction: Ask by HTTP; 200 to 399 is a yes.
  tcpSocket TCPSocketAction: Ask by opening a connection.
  exec ExecAction: Ask by running a command; exit code 0 is a yes.
  initialDelaySeconds int: Seconds before the first question.
  timeoutSeconds int: Seconds to wait for the answer; default 1.
  periodSeconds int: Seconds between questions; default 10.
  successThreshold int: Yeses in a row that count as success; default 1.
  failureThreshold int: Noes in a row that count as failure; default 3.
  ~ grpc terminationGracePeriodSeconds
HTTPGetAction: An HTTP request.
  path string: Default /.
  port! intOrString: A number, or the name of a container port.
  scheme string: HTTP (default) or HTTPS.
  host string: Default: the Pod's address.
  httpHeaders []HTTPHeader: Headers to send.
HTTPHeader: A header.
  name! string: Its name.
  value! string: Its value.
TCPSocketAction: A connection.
  port! intOrString: A number, or the name of a container port.
  host string: Default: the Pod's address.
ExecAction: A command.
  command []string: The command and its arguments.
Toleration: Bears with a taint.
  key string: The taint; none: all of them.
  operator string: Equal (default) or Exists.
  value string: The taint's value, for Equal.
  effect string: The taint's effect; none: all of them.
  tolerationSeconds *int64: For NoExecute: how long.
PodReadinessGate: A condition that somebody else sets.
  conditionType! string: The condition's type.
PodStatus: How a Pod stands.
  phase string: Pending, Running, Succeeded, Failed or Unknown.
  podIP string: Its address.
  podIPs []PodIP@ip: Its address in each IP family; the first equals podIP.
  hostIP string: Its node's address.
  hostIPs []HostIP@ip: The same for each IP family.
  conditions []Condition@type: PodScheduled, Initialized, ContainersReady, Ready.
  containerStatuses []ContainerStatus: How each container stands.
  startTime time: When the kubelet took it on.
  reason string: One word why.
  message string: A sentence for people.
  qosClass string: Guaranteed, Burstable or BestEffort, by its resources.
  ~ allocatedResources ephemeralContainerStatuses extendedResourceClaimStatus initContainerStatuses nominatedNodeName observedGeneration resize resourceClaimStatuses resources
PodIP: An address of a Pod.
  ip! string: The address.
HostIP: An address of a node.
  ip! string: The address.
ContainerStatus: How a container stands.
  name! string: The container.
  ready! bool: Whether its readiness probe says yes.
  started *bool: Whether its startup probe said yes.
  restartCount! int: How often it was restarted.
  image string: The image that runs.
  imageID string: Its digest.
  containerID string: Its name in the runtime.
  state ContainerState: What it does now.
  lastState ContainerState: How it ended the last time.
  ~ allocatedResources allocatedResourcesStatus resources stopSignal user volumeMounts
ContainerState: One of waiting, running, terminated.
  waiting ContainerStateWaiting: Not yet running.
  running ContainerStateRunning: Running.
  terminated ContainerStateTerminated: Ended.
ContainerStateWaiting: Not yet running.
  reason string: One word why.
  message string: A sentence for people.
ContainerStateRunning: Running.
  startedAt time: Since when.
ContainerStateTerminated: Ended.
  exitCode! int: How.
  reason string: One word why.
  startedAt time: When it began.
  finishedAt time: When it ended.
  ~ containerID message signal
PodTemplateSpec: What the Pods look like that a controller makes.
  metadata ObjectMeta: Their labels and annotations.
  spec+ PodSpec: What they ask for.
Service: One stable name and address for a changing set of Pods.
  metadata+ ObjectMeta: Standard metadata.
  spec+ ServiceSpec: What is asked for.
  status ServiceStatus: How it stands: the load balancer's address.
ServiceSpec: What a Service asks for.
  type string: ClusterIP (default), NodePort, LoadBalancer, each with what those before it have; or ExternalName.
  selector map<string>: The labels of the Pods it leads to. None: somebody else writes its EndpointSlices.
  ports []ServicePort@port: The ports it offers.
  clusterIP string: Its address within the cluster; None: headless. Chosen by the server where left out; never changes.
  clusterIPs []string: The same for each IP family; the first equals clusterIP.
  ipFamilies []string: IPv4, IPv6, or both, the main one first.
  ipFamilyPolicy *string: SingleStack (default), PreferDualStack or RequireDualStack.
  externalIPs []string: Further addresses that nodes take its traffic on; who brings it to the nodes is the user's matter.
  externalName string: For ExternalName: the DNS name it stands for.
  externalTrafficPolicy string: For traffic from outside: Cluster (default) uses every endpoint, Local only those on the node it reaches, and keeps the client's address.
  internalTrafficPolicy *string: For traffic from Pods: Cluster (default) uses every endpoint, Local only those on the same node.
  healthCheckNodePort int: For type LoadBalancer with externalTrafficPolicy Local: the NodePort where a node tells whether it has endpoints.
  sessionAffinity string: None (default), or ClientIP: one client stays with one endpoint.
  sessionAffinityConfig SessionAffinityConfig: How long.
  loadBalancerIP string: An address asked of the cloud; deprecated.
  loadBalancerClass *string: Who provides the load balancer; none: the cloud's service controller.
  loadBalancerSourceRanges []string: CIDRs of the clients that the load balancer lets in.
  allocateLoadBalancerNodePorts *bool: For type LoadBalancer: whether ports get NodePorts; default true.
  publishNotReadyAddresses bool: Whether Pods that are not ready count as ready endpoints.
  trafficDistribution *string: PreferSameZone or its old name PreferClose: prefer endpoints in the client's zone; PreferSameNode: on its node.
SessionAffinityConfig: How a session is kept.
  clientIP ClientIPConfig: For sessionAffinity ClientIP.
ClientIPConfig: How long a client stays with one endpoint.
  timeoutSeconds *int: 1 to 86400; default 10800, three hours.
ServicePort: A port that a Service offers.
  name string: Needed where there are several; endpoints are matched by it.
  protocol string: TCP (default), UDP or SCTP.
  appProtocol *string: What is spoken, as kubernetes.io/h2c.
  port! int: The port of the Service, 1 to 65535.
  targetPort intOrString: The Pods' port: a number, or the name of a container port; default: the same as port.
  nodePort int: The port on every node, for NodePort and LoadBalancer; chosen by the server (30000-32767) where left out.
ServiceStatus: How a Service stands.
  loadBalancer LoadBalancerStatus: Where the load balancer is reached.
  conditions []Condition@type: What else is to be said.
LoadBalancerStatus: Where a load balancer is reached.
  ingress []LoadBalancerIngress: Its entry points; empty while there is none.
LoadBalancerIngress: An entry point.
  ip string: Its address, where the cloud gives one.
  hostname string: Its DNS name, where the cloud gives that.
  ipMode *string: VIP: packets reach the node with this address; Proxy: with the node's own.
  ports []PortStatus: How each port stands.
PortStatus: How a port of a load balancer stands.
  port! int: The port.
  protocol! string: TCP, UDP or SCTP.
  error *string: What is wrong with it.
Endpoints: The addresses behind a Service in one object. Deprecated since 1.33: EndpointSlices have taken over.
  metadata+ ObjectMeta: Standard metadata.
  subsets []EndpointSubset: Addresses that share the same ports.
EndpointSubset: Addresses that share the same ports.
  addresses []EndpointAddress: Those that are ready.
  notReadyAddresses []EndpointAddress: Those that are not.
  ports []EndpointPort: Their ports.
EndpointAddress: One address behind a Service.
  ip! string: The address.
  hostname string: Its host name.
  nodeName *string: The node it is on.
  targetRef ObjectReference: The Pod it is.
EndpointPort: A port behind a Service.
  name string: The Service port's name.
  port! int: The number.
  protocol string: TCP (default), UDP or SCTP.
  appProtocol *string: What is spoken.
Event: Something that happened, told for people.
  metadata! ObjectMeta: Standard metadata.
  involvedObject! ObjectReference: Whom it is about.
  reason string: One word what.
  message string: A sentence.
  type string: Normal or Warning.
  count int: How often it happened.
  firstTimestamp time: The first time.
  lastTimestamp time: The last time.
  source EventSource: Who tells it.
  reportingComponent string: Who tells it.
  reportingInstance string: Which copy of it.
  ~ action eventTime related series
EventSource: Who tells of an event.
  component string: The component.
  host string: The node it is on.
# io.k8s.api.apps.v1
Deployment: Keeps a number of like Pods and rolls out changes to them, by way of ReplicaSets.
  metadata+ ObjectMeta: Standard metadata.
  spec+ DeploymentSpec: What is asked for.
  status DeploymentStatus: How it stands.
DeploymentSpec: What a Deployment asks for.
  replicas *int: How many Pods; default 1.
  selector! *LabelSelector: Which Pods are its own; must fit the template's labels; never changes.
  template! PodTemplateSpec: What the Pods look like.
  strategy DeploymentStrategy: How a change is rolled out.
  minReadySeconds int: Seconds that a new Pod must be ready before it counts as available.
  revisionHistoryLimit *int: Old ReplicaSets kept for a rollback; default 10.
  progressDeadlineSeconds *int: Seconds without progress after which the roll-out counts as failed; default 600.
  paused bool: Whether changes of the template wait.
DeploymentStrategy: How a change is rolled out.
  type string: RollingUpdate (default) or Recreate.
  rollingUpdate RollingUpdateDeployment: For RollingUpdate.
RollingUpdateDeployment: How fast old Pods give way to new ones.
  maxSurge *intOrString: Pods allowed above the wanted number, or a percentage; default 25%, rounded up.
  maxUnavailable *intOrString: Pods allowed to be missing, or a percentage; default 25%, rounded down.
DeploymentStatus: How a Deployment stands.
  observedGeneration int64: The generation that the controller has acted on.
  replicas int: Pods there are.
  updatedReplicas int: Those of the present template.
  readyReplicas int: Those that are ready.
  availableReplicas int: Those ready for minReadySeconds.
  unavailableReplicas int: Those still missing.
  conditions []Condition@type: Available, Progressing.
  ~ collisionCount terminatingReplicas
ReplicaSet: Keeps a number of like Pods.
  metadata+ ObjectMeta: Standard metadata.
  spec+ ReplicaSetSpec: What is asked for.
  status ReplicaSetStatus: How it stands.
ReplicaSetSpec: What a ReplicaSet asks for.
  replicas *int: How many Pods; default 1.
  selector! *LabelSelector: Which Pods are its own; never changes.
  template+ PodTemplateSpec: What the Pods look like.
  minReadySeconds int: Seconds that a new Pod must be ready before it counts as available.
ReplicaSetStatus: How a ReplicaSet stands.
  observedGeneration int64: The generation that the controller has acted on.
  replicas! int: Pods there are.
  fullyLabeledReplicas int: Those with all labels of the template.
  readyReplicas int: Those that are ready.
  availableReplicas int: Those ready for minReadySeconds.
  conditions []Condition@type: ReplicaFailure.
  ~ terminatingReplicas
# io.k8s.api.autoscaling.v1
Scale: The number of replicas of something that has one.
  metadata+ ObjectMeta: Standard metadata.
  spec ScaleSpec: What is asked for.
  status ScaleStatus: How it stands.
ScaleSpec: What is asked for.
  replicas int: How many.
ScaleStatus: How it stands.
  replicas! int: How many there are.
  selector string: Which Pods they are, as kubectl -l takes it.
# io.k8s.api.coordination.v1
Lease: A claim with a time limit: who leads, or whether a node is alive.
  metadata+ ObjectMeta: Standard metadata.
  spec+ LeaseSpec: The claim.
LeaseSpec: A claim with a time limit.
  holderIdentity *string: Who holds it.
  leaseDurationSeconds *int: Seconds after renewTime in which nobody else may take it.
  acquireTime time: Since when this holder has it.
  renewTime time: When it was last confirmed.
  leaseTransitions *int: How often it changed hands.
  ~ preferredHolder strategy
# io.k8s.api.discovery.v1
EndpointSlice: Some of the endpoints of a Service: 100 at most, as a rule.
  metadata+ ObjectMeta: Standard metadata; the label kubernetes.io/service-name names the Service.
  addressType! string: IPv4, IPv6 or FQDN; never changes.
  endpoints! []Endpoint: The endpoints.
  ports []discovery.EndpointPort: The ports that all of them have.
discovery.EndpointPort: A port behind a Service.
  name *string: The Service port's name.
  port *int: The number.
  protocol *string: TCP (default), UDP or SCTP.
  appProtocol *string: What is spoken.
Endpoint: What stands behind a Service, as a rule a Pod.
  addresses! []string: Its addresses; consumers use the first.
  conditions EndpointConditions: How it stands.
  hostname *string: Its host name.
  nodeName *string: The node it is on.
  zone *string: The zone it is in.
  hints EndpointHints: For whom it is meant.
  targetRef ObjectReference: The Pod it is.
  ~ deprecatedTopology
EndpointConditions: How an endpoint stands.
  ready *bool: Whether it may get new connections.
  serving *bool: Whether it answers, be it about to end or not.
  terminating *bool: Whether it is about to end.
EndpointHints: For whom an endpoint is meant.
  forZones []ForZone: Clients in these zones.
  forNodes []ForNode: Clients on these nodes.
ForZone: A zone.
  name! string: Its name.
ForNode: A node.
  name! string: Its name.
`;

export interface Field {
  name: string;
  type: FieldType;
  required: boolean;
  /** Required, or a struct that is never missing: where it does not come, it is empty. */
  always: boolean;
  /** A pointer in Go: its zero value does not mean "unset". */
  pointer: boolean;
  description: string;
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
  description: string;
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
  let [current, home] = [undefined as unknown as ObjectType, ""];
  for (const line of table.trim().split("\n")) {
    if (line.startsWith("# ")) home = line.slice(2);
    else if (line.startsWith(" "))
      for (const field of parseFields(line.trim())) current.fields.set(field.name, field);
    else {
      const [name = "", ...description] = line.split(": ");
      current = { name, package: home, description: description.join(": "), fields: new Map() };
      if (standalone.includes(name))
        for (const field of header) current.fields.set(field.name, field);
      types.set(name, current);
    }
  }
  return types;
}

/** A line of the table: one field, or several that are kept as they come. */
function parseFields(line: string): Field[] {
  const [declaration = "", ...description] = line.split(": ");
  const words = declaration.split(" ");
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
      description: description.join(": "),
      ...(mergeKey !== undefined && { mergeKey }),
    },
  ];
}

const optional = (name: string, type: FieldType, description: string): Field => ({
  name,
  type,
  required: false,
  always: false,
  pointer: false,
  description,
});
const unread = (name: string): Field =>
  optional(name, { is: "any" }, "Kept as it comes; Stopover does not look into it.");
const header: readonly Field[] = [
  optional("apiVersion", { is: "string" }, "The group and version of the kind, as apps/v1."),
  optional("kind", { is: "string" }, "The kind of the object."),
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
