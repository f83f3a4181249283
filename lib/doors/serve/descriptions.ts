/**
 * What each type and each field of objects/schema.ts is for, in our own words: for kubectl explain.
 */
const text = `
ObjectMeta: What every object carries besides its own content.
  name: Unique among the objects of its kind in the namespace; never changes.
  generateName: A stem, to which the server appends five characters when no name is given.
  namespace: The namespace the object lives in; left out for cluster-scoped kinds.
  uid: Unique over time and space; set by the server.
  resourceVersion: The store's revision of the last write. Send it back to be refused if somebody wrote in between.
  generation: Counts changes of the desired state; set by the server.
  creationTimestamp: When the server created the object.
  deletionTimestamp: When the object will be gone, once its deletion was asked for; set by the server.
  deletionGracePeriodSeconds: Seconds granted for a graceful end; set by the server.
  labels: Names and values that selectors select by.
  annotations: Names and values for tools; nothing selects by them.
  ownerReferences: Whom the object belongs to; it is removed when all of them are.
  finalizers: Who must act before the object is really removed.
OwnerReference: Names an owner in the same namespace.
  apiVersion: The owner's API version.
  kind: The owner's kind.
  name: The owner's name.
  uid: The owner's uid.
  controller: Whether the owner is the controller in charge; at most one is.
  blockOwnerDeletion: Whether a foreground deletion of the owner waits for this object.
LabelSelector: Selects objects by labels; all parts must hold, an empty one selects everything.
  matchLabels: Labels that must have exactly these values.
  matchExpressions: Further conditions on labels.
LabelSelectorRequirement: One condition on a label.
  key: The label.
  operator: In, NotIn, Exists or DoesNotExist.
  values: For In and NotIn.
Condition: One aspect of an object's state.
  type: The aspect.
  status: True, False or Unknown.
  reason: One word why.
  message: A sentence for people.
  lastTransitionTime: When status last changed.
  lastUpdateTime: When the condition was last written.
  lastProbeTime: When it was last looked at.
  lastHeartbeatTime: When it was last confirmed.
  observedGeneration: The generation that the condition speaks of.
DeleteOptions: How to delete.
  gracePeriodSeconds: Seconds for a graceful end; for Pods.
  propagationPolicy: Background, Foreground or Orphan.
  orphanDependents: The old way to say Orphan.
  preconditions: What must hold, else nothing is deleted.
  dryRun: All: do everything but delete.
Preconditions: What must hold before a deletion.
  uid: The object's uid.
  resourceVersion: The object's version.
ObjectReference: Points at an object.
  kind: Its kind.
  namespace: Its namespace.
  name: Its name.
  uid: Its uid.
  apiVersion: Its API version.
  resourceVersion: Its version when it was referred to.
  fieldPath: A part of it, as spec.containers{nginx}.
Namespace: A room for names: objects in different namespaces may have the same name.
  metadata: Standard metadata.
  spec: What is asked for.
  status: How it stands.
NamespaceSpec: What a namespace asks for.
  finalizers: Who must empty the namespace before it goes.
NamespaceStatus: How a namespace stands.
  phase: Active, or Terminating while it is being emptied.
  conditions: What holds up its end.
Node: A machine that runs Pods.
  metadata: Standard metadata.
  spec: What is asked for.
  status: How the machine stands, told by its kubelet and by the cloud.
NodeSpec: What is asked of a node.
  podCIDR: The range that its Pods get addresses from.
  podCIDRs: The same for each IP family; the first equals podCIDR.
  providerID: The machine's name in the cloud, as aws:///zone/instance.
  taints: What keeps Pods away that do not tolerate it.
  unschedulable: Whether new Pods are kept away (kubectl cordon).
Taint: Keeps Pods away that do not tolerate it.
  key: Its name.
  value: Its value.
  effect: NoSchedule, PreferNoSchedule, or NoExecute, which also evicts.
  timeAdded: When it was put there; for NoExecute.
NodeStatus: How a node stands.
  addresses: The addresses of its interfaces, and its names.
  capacity: What the machine has.
  allocatable: What of it Pods may ask for.
  conditions: Ready, and the pressures.
  nodeInfo: Versions of kernel, kubelet and runtime.
NodeAddress: One address of a node.
  type: InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS.
  address: The address.
Pod: One or more containers that run together on a node and share an IP address.
  metadata: Standard metadata.
  spec: What is asked for.
  status: How it stands, told by its kubelet.
PodSpec: What a Pod asks for.
  containers: The containers; at least one.
  initContainers: Containers that run to their end, one by one, before the others start.
  nodeName: The node that runs it; set by the scheduler through the binding.
  nodeSelector: Labels that the node must have.
  tolerations: Taints that the Pod bears with.
  hostNetwork: Whether it uses the node's own network and addresses.
  hostname: Its host name; default: the Pod's name.
  subdomain: Makes its full name hostname.subdomain.namespace.svc.cluster-domain.
  restartPolicy: Always (default), OnFailure or Never.
  terminationGracePeriodSeconds: Seconds between the request to end and the kill; default 30.
  readinessGates: Further conditions that must be True for the Pod to be ready.
  dnsPolicy: ClusterFirst (default), ClusterFirstWithHostNet, Default or None.
  schedulerName: The scheduler in charge; default default-scheduler.
  serviceAccountName: The identity of its processes.
  enableServiceLinks: Whether Services appear in its environment variables; default true.
  securityContext: Settings for all its containers.
Container: One container of a Pod.
  name: Unique within the Pod.
  image: The image to run.
  imagePullPolicy: Always (the default for :latest), IfNotPresent or Never.
  command: What to run instead of the image's entry point.
  args: Its arguments.
  env: Environment variables.
  ports: Ports it listens on. A note for people and for targetPort names: nothing is opened or closed by it.
  resources: What it needs, and what it may use.
  readinessProbe: When it may get traffic.
  livenessProbe: When it must be restarted.
  startupProbe: When it has started, before the other probes begin.
  lifecycle: What to do when it starts and before it ends.
  terminationMessagePath: The file that its last words are read from.
  terminationMessagePolicy: File or FallbackToLogsOnError.
Lifecycle: What to do when a container starts and before it ends.
  postStart: Right after it was started.
  preStop: Before it is told to end.
  stopSignal: The signal that tells it to end.
LifecycleHandler: One of exec, httpGet, sleep, tcpSocket.
  exec: Run a command.
  httpGet: Ask by HTTP.
  sleep: Wait.
  tcpSocket: Open a connection.
SleepAction: Wait.
  seconds: How long.
EnvVar: One environment variable.
  name: Its name.
  value: Its value.
ContainerPort: A port that a container listens on.
  name: For targetPort; at most 15 characters.
  containerPort: The port, 1 to 65535.
  protocol: TCP (default), UDP or SCTP.
  hostPort: A port of the node that leads to it.
  hostIP: The node's address for hostPort.
ResourceRequirements: What a container needs and may use.
  requests: Kept free for it; what the scheduler counts.
  limits: It gets no more.
Probe: A question asked of a container again and again.
  httpGet: Ask by HTTP; 200 to 399 is a yes.
  tcpSocket: Ask by opening a connection.
  exec: Ask by running a command; exit code 0 is a yes.
  initialDelaySeconds: Seconds before the first question.
  timeoutSeconds: Seconds to wait for the answer; default 1.
  periodSeconds: Seconds between questions; default 10.
  successThreshold: Yeses in a row that count as success; default 1.
  failureThreshold: Noes in a row that count as failure; default 3.
HTTPGetAction: An HTTP request.
  path: Default /.
  port: A number, or the name of a container port.
  scheme: HTTP (default) or HTTPS.
  host: Default: the Pod's address.
  httpHeaders: Headers to send.
HTTPHeader: A header.
  name: Its name.
  value: Its value.
TCPSocketAction: A connection.
  port: A number, or the name of a container port.
  host: Default: the Pod's address.
ExecAction: A command.
  command: The command and its arguments.
Toleration: Bears with a taint.
  key: The taint; none: all of them.
  operator: Equal (default) or Exists.
  value: The taint's value, for Equal.
  effect: The taint's effect; none: all of them.
  tolerationSeconds: For NoExecute: how long.
PodReadinessGate: A condition that somebody else sets.
  conditionType: The condition's type.
PodStatus: How a Pod stands.
  phase: Pending, Running, Succeeded, Failed or Unknown.
  podIP: Its address.
  podIPs: Its address in each IP family; the first equals podIP.
  hostIP: Its node's address.
  hostIPs: The same for each IP family.
  conditions: PodScheduled, Initialized, ContainersReady, Ready.
  containerStatuses: How each container stands.
  startTime: When the kubelet took it on.
  reason: One word why.
  message: A sentence for people.
  qosClass: Guaranteed, Burstable or BestEffort, by its resources.
PodIP: An address of a Pod.
  ip: The address.
HostIP: An address of a node.
  ip: The address.
ContainerStatus: How a container stands.
  name: The container.
  ready: Whether its readiness probe says yes.
  started: Whether its startup probe said yes.
  restartCount: How often it was restarted.
  image: The image that runs.
  imageID: Its digest.
  containerID: Its name in the runtime.
  state: What it does now.
  lastState: How it ended the last time.
ContainerState: One of waiting, running, terminated.
  waiting: Not yet running.
  running: Running.
  terminated: Ended.
ContainerStateWaiting: Not yet running.
  reason: One word why.
  message: A sentence for people.
ContainerStateRunning: Running.
  startedAt: Since when.
ContainerStateTerminated: Ended.
  exitCode: How.
  reason: One word why.
  startedAt: When it began.
  finishedAt: When it ended.
PodTemplateSpec: What the Pods look like that a controller makes.
  metadata: Their labels and annotations.
  spec: What they ask for.
Service: One stable name and address for a changing set of Pods.
  metadata: Standard metadata.
  spec: What is asked for.
  status: How it stands: the load balancer's address.
ServiceSpec: What a Service asks for.
  type: ClusterIP (default), NodePort, LoadBalancer, each with what those before it have; or ExternalName.
  selector: The labels of the Pods it leads to. None: somebody else writes its EndpointSlices.
  ports: The ports it offers.
  clusterIP: Its address within the cluster; None: headless. Chosen by the server where left out; never changes.
  clusterIPs: The same for each IP family; the first equals clusterIP.
  ipFamilies: IPv4, IPv6, or both, the main one first.
  ipFamilyPolicy: SingleStack (default), PreferDualStack or RequireDualStack.
  externalIPs: Further addresses that nodes take its traffic on; who brings it to the nodes is the user's matter.
  externalName: For ExternalName: the DNS name it stands for.
  externalTrafficPolicy: For traffic from outside: Cluster (default) uses every endpoint, Local only those on the node it reaches, and keeps the client's address.
  internalTrafficPolicy: For traffic from Pods: Cluster (default) uses every endpoint, Local only those on the same node.
  healthCheckNodePort: For type LoadBalancer with externalTrafficPolicy Local: the NodePort where a node tells whether it has endpoints.
  sessionAffinity: None (default), or ClientIP: one client stays with one endpoint.
  sessionAffinityConfig: How long.
  loadBalancerIP: An address asked of the cloud; deprecated.
  loadBalancerClass: Who provides the load balancer; none: the cloud's service controller.
  loadBalancerSourceRanges: CIDRs of the clients that the load balancer lets in.
  allocateLoadBalancerNodePorts: For type LoadBalancer: whether ports get NodePorts; default true.
  publishNotReadyAddresses: Whether Pods that are not ready count as ready endpoints.
  trafficDistribution: PreferSameZone or its old name PreferClose: prefer endpoints in the client's zone; PreferSameNode: on its node.
SessionAffinityConfig: How a session is kept.
  clientIP: For sessionAffinity ClientIP.
ClientIPConfig: How long a client stays with one endpoint.
  timeoutSeconds: 1 to 86400; default 10800, three hours.
ServicePort: A port that a Service offers.
  name: Needed where there are several; endpoints are matched by it.
  protocol: TCP (default), UDP or SCTP.
  appProtocol: What is spoken, as kubernetes.io/h2c.
  port: The port of the Service, 1 to 65535.
  targetPort: The Pods' port: a number, or the name of a container port; default: the same as port.
  nodePort: The port on every node, for NodePort and LoadBalancer; chosen by the server (30000-32767) where left out.
ServiceStatus: How a Service stands.
  loadBalancer: Where the load balancer is reached.
  conditions: What else is to be said.
LoadBalancerStatus: Where a load balancer is reached.
  ingress: Its entry points; empty while there is none.
LoadBalancerIngress: An entry point.
  ip: Its address, where the cloud gives one.
  hostname: Its DNS name, where the cloud gives that.
  ipMode: VIP: packets reach the node with this address; Proxy: with the node's own.
  ports: How each port stands.
PortStatus: How a port of a load balancer stands.
  port: The port.
  protocol: TCP, UDP or SCTP.
  error: What is wrong with it.
Endpoints: The addresses behind a Service in one object. Deprecated since 1.33: EndpointSlices have taken over.
  metadata: Standard metadata.
  subsets: Addresses that share the same ports.
EndpointSubset: Addresses that share the same ports.
  addresses: Those that are ready.
  notReadyAddresses: Those that are not.
  ports: Their ports.
EndpointAddress: One address behind a Service.
  ip: The address.
  hostname: Its host name.
  nodeName: The node it is on.
  targetRef: The Pod it is.
EndpointPort: A port behind a Service.
  name: The Service port's name.
  port: The number.
  protocol: TCP (default), UDP or SCTP.
  appProtocol: What is spoken.
Event: Something that happened, told for people.
  metadata: Standard metadata.
  involvedObject: Whom it is about.
  reason: One word what.
  message: A sentence.
  type: Normal or Warning.
  count: How often it happened.
  firstTimestamp: The first time.
  lastTimestamp: The last time.
  source: Who tells it.
  reportingComponent: Who tells it.
  reportingInstance: Which copy of it.
EventSource: Who tells of an event.
  component: The component.
  host: The node it is on.
Deployment: Keeps a number of like Pods and rolls out changes to them, by way of ReplicaSets.
  metadata: Standard metadata.
  spec: What is asked for.
  status: How it stands.
DeploymentSpec: What a Deployment asks for.
  replicas: How many Pods; default 1.
  selector: Which Pods are its own; must fit the template's labels; never changes.
  template: What the Pods look like.
  strategy: How a change is rolled out.
  minReadySeconds: Seconds that a new Pod must be ready before it counts as available.
  revisionHistoryLimit: Old ReplicaSets kept for a rollback; default 10.
  progressDeadlineSeconds: Seconds without progress after which the roll-out counts as failed; default 600.
  paused: Whether changes of the template wait.
DeploymentStrategy: How a change is rolled out.
  type: RollingUpdate (default) or Recreate.
  rollingUpdate: For RollingUpdate.
RollingUpdateDeployment: How fast old Pods give way to new ones.
  maxSurge: Pods allowed above the wanted number, or a percentage; default 25%, rounded up.
  maxUnavailable: Pods allowed to be missing, or a percentage; default 25%, rounded down.
DeploymentStatus: How a Deployment stands.
  observedGeneration: The generation that the controller has acted on.
  replicas: Pods there are.
  updatedReplicas: Those of the present template.
  readyReplicas: Those that are ready.
  availableReplicas: Those ready for minReadySeconds.
  unavailableReplicas: Those still missing.
  conditions: Available, Progressing.
ReplicaSet: Keeps a number of like Pods.
  metadata: Standard metadata.
  spec: What is asked for.
  status: How it stands.
ReplicaSetSpec: What a ReplicaSet asks for.
  replicas: How many Pods; default 1.
  selector: Which Pods are its own; never changes.
  template: What the Pods look like.
  minReadySeconds: Seconds that a new Pod must be ready before it counts as available.
ReplicaSetStatus: How a ReplicaSet stands.
  observedGeneration: The generation that the controller has acted on.
  replicas: Pods there are.
  fullyLabeledReplicas: Those with all labels of the template.
  readyReplicas: Those that are ready.
  availableReplicas: Those ready for minReadySeconds.
  conditions: ReplicaFailure.
Scale: The number of replicas of something that has one.
  metadata: Standard metadata.
  spec: What is asked for.
  status: How it stands.
ScaleSpec: What is asked for.
  replicas: How many.
ScaleStatus: How it stands.
  replicas: How many there are.
  selector: Which Pods they are, as kubectl -l takes it.
Lease: A claim with a time limit: who leads, or whether a node is alive.
  metadata: Standard metadata.
  spec: The claim.
LeaseSpec: A claim with a time limit.
  holderIdentity: Who holds it.
  leaseDurationSeconds: Seconds after renewTime in which nobody else may take it.
  acquireTime: Since when this holder has it.
  renewTime: When it was last confirmed.
  leaseTransitions: How often it changed hands.
EndpointSlice: Some of the endpoints of a Service: 100 at most, as a rule.
  metadata: Standard metadata; the label kubernetes.io/service-name names the Service.
  addressType: IPv4, IPv6 or FQDN; never changes.
  endpoints: The endpoints.
  ports: The ports that all of them have.
discovery.EndpointPort: A port behind a Service.
  name: The Service port's name.
  port: The number.
  protocol: TCP (default), UDP or SCTP.
  appProtocol: What is spoken.
Endpoint: What stands behind a Service, as a rule a Pod.
  addresses: Its addresses; consumers use the first.
  conditions: How it stands.
  hostname: Its host name.
  nodeName: The node it is on.
  zone: The zone it is in.
  hints: For whom it is meant.
  targetRef: The Pod it is.
EndpointConditions: How an endpoint stands.
  ready: Whether it may get new connections.
  serving: Whether it answers, be it about to end or not.
  terminating: Whether it is about to end.
EndpointHints: For whom an endpoint is meant.
  forZones: Clients in these zones.
  forNodes: Clients on these nodes.
ForZone: A zone.
  name: Its name.
ForNode: A node.
  name: Its name.
ConfigMapNodeConfigSource: A ConfigMap from which a kubelet once took its configuration.
LocalObjectReference: Names an object in the same namespace.
NodeConfigSource: Where a kubelet once took its configuration from.
`;

const common: Readonly<Record<string, string>> = {
  apiVersion: "The group and version of the kind, as apps/v1.",
  kind: "The kind of the object.",
};

let known: Map<string, string> | undefined;

/** What a type is for, or one of its fields. */
export function describe(type: string, field?: string): string {
  known ??= readText();
  // PodCondition, NodeCondition, … say the same of their fields
  if (!known.has(type) && type.endsWith("Condition")) return describe("Condition", field);
  if (field === undefined) return known.get(type) ?? "";
  return (
    known.get(`${type}.${field}`) ??
    common[field] ??
    "Stopover has no words of its own for this field."
  );
}

function readText(): Map<string, string> {
  const found = new Map<string, string>();
  let type = "";
  for (const line of text.trim().split("\n")) {
    const [name = "", ...words] = line.trim().split(": ");
    if (!line.startsWith(" ")) type = name;
    found.set(line.startsWith(" ") ? `${type}.${name}` : type, words.join(": "));
  }
  return found;
}
