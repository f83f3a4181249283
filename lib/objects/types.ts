/**
 * The objects of this story, with Kubernetes' own field names. Every object that the store hands
 * out is deeply frozen and shared by reference. Made by lib/objects/generate out of the API
 * description of Kubernetes v1.35.4 (see NOTICE there); not to be edited.
 */

/** What every object has. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/**
 * One thing that is true, false or unknown of an object, since when and why: `kubectl describe`
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

/** As Kubernetes writes it. */
export type Protocol = "TCP" | "UDP" | "SCTP";
/** As Kubernetes writes it. */
export type IPFamily = "IPv4" | "IPv6";

/** Keeps a number of like Pods and rolls out changes to them, by way of ReplicaSets. */
export interface Deployment extends KubeObject {
  /** What is asked for. */
  spec: DeploymentSpec;
  /** How it stands. */
  status?: DeploymentStatus;
}

/** What a Deployment asks for. */
export interface DeploymentSpec {
  /** How many Pods; default 1. */
  replicas?: number;
  /** Which Pods are its own; must fit the template's labels; never changes. */
  selector?: LabelSelector;
  /** What the Pods look like. */
  template: PodTemplate;
  /** How a change is rolled out. */
  strategy?: DeploymentStrategy;
  /** Seconds that a new Pod must be ready before it counts as available. */
  minReadySeconds?: number;
  /** Old ReplicaSets kept for a rollback; default 10. */
  revisionHistoryLimit?: number;
  /** Whether changes of the template wait. */
  paused?: boolean;
  /** Seconds without progress after which the roll-out counts as failed; default 600. */
  progressDeadlineSeconds?: number;
}

/** How a Deployment stands. */
export interface DeploymentStatus {
  /** The generation that the controller has acted on. */
  observedGeneration?: number;
  /** Pods there are. */
  replicas?: number;
  /** Those of the present template. */
  updatedReplicas?: number;
  /** Those that are ready. */
  readyReplicas?: number;
  /** Those ready for minReadySeconds. */
  availableReplicas?: number;
  /** Those still missing. */
  unavailableReplicas?: number;
  terminatingReplicas?: number;
  /** Available, Progressing. */
  conditions?: Condition[];
  collisionCount?: number;
}

/** How a change is rolled out. */
export interface DeploymentStrategy {
  /** RollingUpdate (default) or Recreate. */
  type?: "RollingUpdate" | "Recreate";
  /** For RollingUpdate. */
  rollingUpdate?: RollingUpdateDeployment;
}

/** Keeps a number of like Pods. */
export interface ReplicaSet extends KubeObject {
  /** What is asked for. */
  spec: ReplicaSetSpec;
  /** How it stands. */
  status?: ReplicaSetStatus;
}

/** What a ReplicaSet asks for. */
export interface ReplicaSetSpec {
  /** How many Pods; default 1. */
  replicas?: number;
  /** Seconds that a new Pod must be ready before it counts as available. */
  minReadySeconds?: number;
  /** Which Pods are its own; never changes. */
  selector?: LabelSelector;
  /** What the Pods look like. */
  template: PodTemplate;
}

/** How a ReplicaSet stands. */
export interface ReplicaSetStatus {
  /** Pods there are. */
  replicas: number;
  /** Those with all labels of the template. */
  fullyLabeledReplicas?: number;
  /** Those that are ready. */
  readyReplicas?: number;
  /** Those ready for minReadySeconds. */
  availableReplicas?: number;
  terminatingReplicas?: number;
  /** The generation that the controller has acted on. */
  observedGeneration?: number;
  /** ReplicaFailure. */
  conditions?: Condition[];
}

/** How fast old Pods give way to new ones. */
export interface RollingUpdateDeployment {
  /** Pods allowed to be missing, or a percentage; default 25%, rounded down. */
  maxUnavailable?: number | string;
  /** Pods allowed above the wanted number, or a percentage; default 25%, rounded up. */
  maxSurge?: number | string;
}

/** A claim with a time limit: who leads, or whether a node is alive. */
export interface Lease extends KubeObject {
  /** The claim. */
  spec: LeaseSpec;
}

/** A claim with a time limit. */
export interface LeaseSpec {
  /** Who holds it. */
  holderIdentity?: string;
  /** Seconds after renewTime in which nobody else may take it. */
  leaseDurationSeconds?: number;
  /** Since when this holder has it. */
  acquireTime?: string;
  /** When it was last confirmed. */
  renewTime?: string;
  /** How often it changed hands. */
  leaseTransitions?: number;
  strategy?: string;
  preferredHolder?: string;
}

/** How long a client stays with one endpoint. */
export interface ClientIPConfig {
  /** 1 to 86400; default 10800, three hours. */
  timeoutSeconds?: number;
}

/** A ConfigMap from which a kubelet once took its configuration. */
export interface ConfigMapNodeConfigSource {
  namespace: string;
  name: string;
  uid?: string;
  resourceVersion?: string;
  kubeletConfigKey: string;
}

/** One container of a Pod. */
export interface Container {
  /** Unique within the Pod. */
  name: string;
  /** The image to run. */
  image?: string;
  /** What to run instead of the image's entry point. */
  command?: string[];
  /** Its arguments. */
  args?: string[];
  workingDir?: string;
  /**
   * Ports it listens on. A note for people and for targetPort names: nothing is opened or closed
   * by it.
   */
  ports?: ContainerPort[];
  envFrom?: unknown[];
  /** Environment variables. */
  env?: EnvVar[];
  /** What it needs, and what it may use. */
  resources?: ResourceRequirements;
  resizePolicy?: unknown[];
  restartPolicy?: string;
  restartPolicyRules?: unknown[];
  volumeMounts?: unknown[];
  volumeDevices?: unknown[];
  /** When it must be restarted. */
  livenessProbe?: Probe;
  /** When it may get traffic. */
  readinessProbe?: Probe;
  /** When it has started, before the other probes begin. */
  startupProbe?: Probe;
  /** What to do when it starts and before it ends. */
  lifecycle?: Lifecycle;
  /** The file that its last words are read from. */
  terminationMessagePath?: string;
  /** File or FallbackToLogsOnError. */
  terminationMessagePolicy?: string;
  /** Always (the default for :latest), IfNotPresent or Never. */
  imagePullPolicy?: string;
  securityContext?: unknown;
  stdin?: boolean;
  stdinOnce?: boolean;
  tty?: boolean;
}

/** A port that a container listens on. */
export interface ContainerPort {
  /** For targetPort; at most 15 characters. */
  name?: string;
  /** A port of the node that leads to it. */
  hostPort?: number;
  /** The port, 1 to 65535. */
  containerPort: number;
  /** TCP (default), UDP or SCTP. */
  protocol?: Protocol;
  /** The node's address for hostPort. */
  hostIP?: string;
}

/** One of waiting, running, terminated. */
export interface ContainerState {
  /** Not yet running. */
  waiting?: ContainerStateWaiting;
  /** Running. */
  running?: ContainerStateRunning;
  /** Ended. */
  terminated?: ContainerStateTerminated;
}

/** Running. */
export interface ContainerStateRunning {
  /** Since when. */
  startedAt?: string;
}

/** Ended. */
export interface ContainerStateTerminated {
  /** How. */
  exitCode: number;
  signal?: number;
  /** One word why. */
  reason?: string;
  message?: string;
  /** When it began. */
  startedAt?: string;
  /** When it ended. */
  finishedAt?: string;
  containerID?: string;
}

/** Not yet running. */
export interface ContainerStateWaiting {
  /** One word why. */
  reason?: string;
  /** A sentence for people. */
  message?: string;
}

/** How a container stands. */
export interface ContainerStatus {
  /** The container. */
  name: string;
  /** What it does now. */
  state?: ContainerState;
  /** How it ended the last time. */
  lastState?: ContainerState;
  /** Whether its readiness probe says yes. */
  ready: boolean;
  /** How often it was restarted. */
  restartCount: number;
  /** The image that runs. */
  image?: string;
  /** Its digest. */
  imageID?: string;
  /** Its name in the runtime. */
  containerID?: string;
  /** Whether its startup probe said yes. */
  started?: boolean;
  allocatedResources?: Record<string, string>;
  resources?: ResourceRequirements;
  volumeMounts?: unknown[];
  user?: unknown;
  allocatedResourcesStatus?: unknown[];
  stopSignal?: string;
}

/** One address behind a Service. */
export interface EndpointAddress {
  /** The address. */
  ip: string;
  /** Its host name. */
  hostname?: string;
  /** The node it is on. */
  nodeName?: string;
  /** The Pod it is. */
  targetRef?: ObjectReference;
}

/** A port behind a Service. */
export interface EndpointPort {
  /** The Service port's name. */
  name?: string;
  /** The number. */
  port: number;
  /** TCP (default), UDP or SCTP. */
  protocol?: Protocol;
  /** What is spoken. */
  appProtocol?: string;
}

/** Addresses that share the same ports. */
export interface EndpointSubset {
  /** Those that are ready. */
  addresses?: EndpointAddress[];
  /** Those that are not. */
  notReadyAddresses?: EndpointAddress[];
  /** Their ports. */
  ports?: EndpointPort[];
}

/**
 * The addresses behind a Service in one object. Deprecated since 1.33: EndpointSlices have taken
 * over.
 */
export interface Endpoints extends KubeObject {
  /** Addresses that share the same ports. */
  subsets?: EndpointSubset[];
}

/** One environment variable. */
export interface EnvVar {
  /** Its name. */
  name: string;
  /** Its value. */
  value?: string;
  valueFrom?: unknown;
}

/** Something that happened, told for people. */
export interface Event extends KubeObject {
  /** Whom it is about. */
  involvedObject: ObjectReference;
  /** One word what. */
  reason: string;
  /** A sentence. */
  message: string;
  /** Who tells it. */
  source?: EventSource;
  /** The first time. */
  firstTimestamp?: string;
  /** The last time. */
  lastTimestamp?: string;
  /** How often it happened. */
  count?: number;
  /** Normal or Warning. */
  type: "Normal" | "Warning";
  eventTime?: string;
  series?: unknown;
  action?: string;
  related?: ObjectReference;
  /** Who tells it. */
  reportingComponent?: string;
  /** Which copy of it. */
  reportingInstance?: string;
}

/** Who tells of an event. */
export interface EventSource {
  /** The component. */
  component?: string;
  /** The node it is on. */
  host?: string;
}

/** A command. */
export interface ExecAction {
  /** The command and its arguments. */
  command?: string[];
}

/** An HTTP request. */
export interface HTTPGetAction {
  /** Default /. */
  path?: string;
  /** A number, or the name of a container port. */
  port: number | string;
  /** Default: the Pod's address. */
  host?: string;
  /** HTTP (default) or HTTPS. */
  scheme?: string;
  /** Headers to send. */
  httpHeaders?: HTTPHeader[];
}

/** A header. */
export interface HTTPHeader {
  /** Its name. */
  name: string;
  /** Its value. */
  value: string;
}

/** An address of a node. */
export interface HostIP {
  /** The address. */
  ip: string;
}

/** What to do when a container starts and before it ends. */
export interface Lifecycle {
  /** Right after it was started. */
  postStart?: LifecycleHandler;
  /** Before it is told to end. */
  preStop?: LifecycleHandler;
  /** The signal that tells it to end. */
  stopSignal?: string;
}

/** One of exec, httpGet, sleep, tcpSocket. */
export interface LifecycleHandler {
  /** Run a command. */
  exec?: ExecAction;
  /** Ask by HTTP. */
  httpGet?: HTTPGetAction;
  /** Open a connection. */
  tcpSocket?: TCPSocketAction;
  /** Wait. */
  sleep?: SleepAction;
}

/** An entry point. */
export interface LoadBalancerIngress {
  /** Its address, where the cloud gives one. */
  ip?: string;
  /** Its DNS name, where the cloud gives that. */
  hostname?: string;
  /** VIP: packets reach the node with this address; Proxy: with the node's own. */
  ipMode?: "VIP" | "Proxy";
  /** How each port stands. */
  ports?: PortStatus[];
}

/** Where a load balancer is reached. */
export interface LoadBalancerStatus {
  /** Its entry points; empty while there is none. */
  ingress?: LoadBalancerIngress[];
}

/** Names an object in the same namespace. */
export interface LocalObjectReference {
  name?: string;
}

/** A room for names: objects in different namespaces may have the same name. */
export interface Namespace extends KubeObject {
  /** What is asked for. */
  spec?: NamespaceSpec;
  /** How it stands. */
  status?: NamespaceStatus;
}

/** What a namespace asks for. */
export interface NamespaceSpec {
  /** Who must empty the namespace before it goes. */
  finalizers?: string[];
}

/** How a namespace stands. */
export interface NamespaceStatus {
  /** Active, or Terminating while it is being emptied. */
  phase?: "Active" | "Terminating";
  /** What holds up its end. */
  conditions?: Condition[];
}

/** A machine that runs Pods. */
export interface Node extends KubeObject {
  /** What is asked for. */
  spec: KubeNodeSpec;
  /** How the machine stands, told by its kubelet and by the cloud. */
  status?: NodeStatus;
}

/** One address of a node. */
export interface NodeAddress {
  /** InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS. */
  type: "InternalIP" | "ExternalIP" | "Hostname" | "InternalDNS" | "ExternalDNS";
  /** The address. */
  address: string;
}

/** Where a kubelet once took its configuration from. */
export interface NodeConfigSource {
  configMap?: ConfigMapNodeConfigSource;
}

/** What is asked of a node. */
export interface KubeNodeSpec {
  /** The range that its Pods get addresses from. */
  podCIDR?: string;
  /** The same for each IP family; the first equals podCIDR. */
  podCIDRs?: string[];
  /** The machine's name in the cloud, as aws:///zone/instance. */
  providerID?: string;
  /** Whether new Pods are kept away (kubectl cordon). */
  unschedulable?: boolean;
  /** What keeps Pods away that do not tolerate it. */
  taints?: Taint[];
  configSource?: NodeConfigSource;
  externalID?: string;
}

/** How a node stands. */
export interface NodeStatus {
  /** What the machine has. */
  capacity?: Record<string, string>;
  /** What of it Pods may ask for. */
  allocatable?: Record<string, string>;
  phase?: string;
  /** Ready, and the pressures. */
  conditions?: Condition[];
  /** The addresses of its interfaces, and its names. */
  addresses?: NodeAddress[];
  daemonEndpoints?: unknown;
  /** Versions of kernel, kubelet and runtime. */
  nodeInfo?: Record<string, string>;
  images?: unknown[];
  volumesInUse?: string[];
  volumesAttached?: unknown[];
  config?: unknown;
  runtimeHandlers?: unknown[];
  features?: unknown;
  declaredFeatures?: string[];
}

/** Points at an object. */
export interface ObjectReference {
  /** Its kind. */
  kind?: string;
  /** Its namespace. */
  namespace?: string;
  /** Its name. */
  name?: string;
  /** Its uid. */
  uid?: string;
  /** Its API version. */
  apiVersion?: string;
  /** Its version when it was referred to. */
  resourceVersion?: string;
  /** A part of it, as spec.containers{nginx}. */
  fieldPath?: string;
}

/** One or more containers that run together on a node and share an IP address. */
export interface Pod extends KubeObject {
  /** What is asked for. */
  spec: PodSpec;
  /** How it stands, told by its kubelet. */
  status?: PodStatus;
}

/** An address of a Pod. */
export interface PodIP {
  /** The address. */
  ip: string;
}

/** A condition that somebody else sets. */
export interface PodReadinessGate {
  /** The condition's type. */
  conditionType: string;
}

/** What a Pod asks for. */
export interface PodSpec {
  volumes?: unknown[];
  /** Containers that run to their end, one by one, before the others start. */
  initContainers?: Container[];
  /** The containers; at least one. */
  containers: Container[];
  /** Added to a Pod that runs, by kubectl debug. (pods/ephemeralcontainers) */
  ephemeralContainers?: (Container & { targetContainerName?: string })[];
  /** Always (default), OnFailure or Never. */
  restartPolicy?: "Always" | "OnFailure" | "Never";
  /** Seconds between the request to end and the kill; default 30. */
  terminationGracePeriodSeconds?: number;
  activeDeadlineSeconds?: number;
  /** ClusterFirst (default), ClusterFirstWithHostNet, Default or None. */
  dnsPolicy?: string;
  /** Labels that the node must have. */
  nodeSelector?: Record<string, string>;
  /** The identity of its processes. */
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  /** The node that runs it; set by the scheduler through the binding. */
  nodeName?: string;
  /** Whether it uses the node's own network and addresses. */
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  shareProcessNamespace?: boolean;
  /** Settings for all its containers. */
  securityContext?: Record<string, unknown>;
  imagePullSecrets?: LocalObjectReference[];
  /** Its host name; default: the Pod's name. */
  hostname?: string;
  /** Makes its full name hostname.subdomain.namespace.svc.cluster-domain. */
  subdomain?: string;
  affinity?: unknown;
  /** The scheduler in charge; default default-scheduler. */
  schedulerName?: string;
  /** Taints that the Pod bears with. */
  tolerations?: Toleration[];
  hostAliases?: unknown[];
  priorityClassName?: string;
  priority?: number;
  dnsConfig?: unknown;
  /** Further conditions that must be True for the Pod to be ready. */
  readinessGates?: PodReadinessGate[];
  runtimeClassName?: string;
  /** Whether Services appear in its environment variables; default true. */
  enableServiceLinks?: boolean;
  preemptionPolicy?: string;
  overhead?: Record<string, string>;
  topologySpreadConstraints?: unknown[];
  setHostnameAsFQDN?: boolean;
  os?: unknown;
  hostUsers?: boolean;
  schedulingGates?: unknown[];
  resourceClaims?: unknown[];
  resources?: ResourceRequirements;
  hostnameOverride?: string;
  workloadRef?: unknown;
}

/** How a Pod stands. */
export interface PodStatus {
  observedGeneration?: number;
  /** Pending, Running, Succeeded, Failed or Unknown. */
  phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  /** PodScheduled, Initialized, ContainersReady, Ready. */
  conditions?: Condition[];
  /** A sentence for people. */
  message?: string;
  /** One word why. */
  reason?: string;
  nominatedNodeName?: string;
  /** Its node's address. */
  hostIP?: string;
  /** The same for each IP family. */
  hostIPs?: HostIP[];
  /** Its address. */
  podIP?: string;
  /** Its address in each IP family; the first equals podIP. */
  podIPs?: PodIP[];
  /** When the kubelet took it on. */
  startTime?: string;
  initContainerStatuses?: ContainerStatus[];
  /** How each container stands. */
  containerStatuses?: ContainerStatus[];
  /** Guaranteed, Burstable or BestEffort, by its resources. */
  qosClass?: string;
  ephemeralContainerStatuses?: ContainerStatus[];
  resize?: string;
  resourceClaimStatuses?: unknown[];
  extendedResourceClaimStatus?: unknown;
  allocatedResources?: Record<string, string>;
  resources?: ResourceRequirements;
}

/** What the Pods look like that a controller makes. */
export interface PodTemplate {
  /** Their labels and annotations. */
  metadata?: Partial<ObjectMeta>;
  /** What they ask for. */
  spec: PodSpec;
}

/** How a port of a load balancer stands. */
export interface PortStatus {
  /** The port. */
  port: number;
  /** TCP, UDP or SCTP. */
  protocol: Protocol;
  /** What is wrong with it. */
  error?: string;
}

/** A question asked of a container again and again. */
export interface Probe {
  /** Ask by running a command; exit code 0 is a yes. */
  exec?: ExecAction;
  /** Ask by HTTP; 200 to 399 is a yes. */
  httpGet?: HTTPGetAction;
  /** Ask by opening a connection. */
  tcpSocket?: TCPSocketAction;
  grpc?: unknown;
  /** Seconds before the first question. */
  initialDelaySeconds?: number;
  /** Seconds to wait for the answer; default 1. */
  timeoutSeconds?: number;
  /** Seconds between questions; default 10. */
  periodSeconds?: number;
  /** Yeses in a row that count as success; default 1. */
  successThreshold?: number;
  /** Noes in a row that count as failure; default 3. */
  failureThreshold?: number;
  terminationGracePeriodSeconds?: number;
}

/** What a container needs and may use. */
export interface ResourceRequirements {
  /** It gets no more. */
  limits?: Record<string, string>;
  /** Kept free for it; what the scheduler counts. */
  requests?: Record<string, string>;
  claims?: unknown[];
}

/** One stable name and address for a changing set of Pods. */
export interface Service extends KubeObject {
  /** What is asked for. */
  spec: ServiceSpec;
  /** How it stands: the load balancer's address. */
  status?: ServiceStatus;
}

/** A port that a Service offers. */
export interface ServicePort {
  /** Needed where there are several; endpoints are matched by it. */
  name?: string;
  /** TCP (default), UDP or SCTP. */
  protocol?: Protocol;
  /** What is spoken, as kubernetes.io/h2c. */
  appProtocol?: string;
  /** The port of the Service, 1 to 65535. */
  port: number;
  /** The Pods' port: a number, or the name of a container port; default: the same as port. */
  targetPort?: number | string;
  /**
   * The port on every node, for NodePort and LoadBalancer; chosen by the server (30000-32767)
   * where left out.
   */
  nodePort?: number;
}

/** What a Service asks for. */
export interface ServiceSpec {
  /** The ports it offers. */
  ports?: ServicePort[];
  /** The labels of the Pods it leads to. None: somebody else writes its EndpointSlices. */
  selector?: Record<string, string>;
  /**
   * Its address within the cluster; None: headless. Chosen by the server where left out; never
   * changes.
   */
  clusterIP?: string;
  /** The same for each IP family; the first equals clusterIP. */
  clusterIPs?: string[];
  /**
   * ClusterIP (default), NodePort, LoadBalancer, each with what those before it have; or
   * ExternalName.
   */
  type?: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  /**
   * Further addresses that nodes take its traffic on; who brings it to the nodes is the user's
   * matter.
   */
  externalIPs?: string[];
  /** None (default), or ClientIP: one client stays with one endpoint. */
  sessionAffinity?: "None" | "ClientIP";
  /** An address asked of the cloud; deprecated. */
  loadBalancerIP?: string;
  /** CIDRs of the clients that the load balancer lets in. */
  loadBalancerSourceRanges?: string[];
  /** For ExternalName: the DNS name it stands for. */
  externalName?: string;
  /**
   * For traffic from outside: Cluster (default) uses every endpoint, Local only those on the node
   * it reaches, and keeps the client's address.
   */
  externalTrafficPolicy?: "Cluster" | "Local";
  /**
   * For type LoadBalancer with externalTrafficPolicy Local: the NodePort where a node tells
   * whether it has endpoints.
   */
  healthCheckNodePort?: number;
  /** Whether Pods that are not ready count as ready endpoints. */
  publishNotReadyAddresses?: boolean;
  /** How long. */
  sessionAffinityConfig?: SessionAffinityConfig;
  /** IPv4, IPv6, or both, the main one first. */
  ipFamilies?: IPFamily[];
  /** SingleStack (default), PreferDualStack or RequireDualStack. */
  ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  /** For type LoadBalancer: whether ports get NodePorts; default true. */
  allocateLoadBalancerNodePorts?: boolean;
  /** Who provides the load balancer; none: the cloud's service controller. */
  loadBalancerClass?: string;
  /**
   * For traffic from Pods: Cluster (default) uses every endpoint, Local only those on the same
   * node.
   */
  internalTrafficPolicy?: "Cluster" | "Local";
  /**
   * PreferSameZone or its old name PreferClose: prefer endpoints in the client's zone;
   * PreferSameNode: on its node.
   */
  trafficDistribution?: string;
}

/** How a Service stands. */
export interface ServiceStatus {
  /** Where the load balancer is reached. */
  loadBalancer?: LoadBalancerStatus;
  /** What else is to be said. */
  conditions?: Condition[];
}

/** How a session is kept. */
export interface SessionAffinityConfig {
  /** For sessionAffinity ClientIP. */
  clientIP?: ClientIPConfig;
}

/** Wait. */
export interface SleepAction {
  /** How long. */
  seconds: number;
}

/** A connection. */
export interface TCPSocketAction {
  /** A number, or the name of a container port. */
  port: number | string;
  /** Default: the Pod's address. */
  host?: string;
}

/** Keeps Pods away that do not tolerate it. */
export interface Taint {
  /** Its name. */
  key: string;
  /** Its value. */
  value?: string;
  /** NoSchedule, PreferNoSchedule, or NoExecute, which also evicts. */
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** When it was put there; for NoExecute. */
  timeAdded?: string;
}

/** Bears with a taint. */
export interface Toleration {
  /** The taint; none: all of them. */
  key?: string;
  /** Equal (default) or Exists. */
  operator?: "Exists" | "Equal";
  /** The taint's value, for Equal. */
  value?: string;
  /** The taint's effect; none: all of them. */
  effect?: "" | "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** For NoExecute: how long. */
  tolerationSeconds?: number;
}

/** What stands behind a Service, as a rule a Pod. */
export interface Endpoint {
  /** Its addresses; consumers use the first. */
  addresses: string[];
  /** How it stands. */
  conditions?: EndpointConditions;
  /** Its host name. */
  hostname?: string;
  /** The Pod it is. */
  targetRef?: ObjectReference;
  deprecatedTopology?: Record<string, string>;
  /** The node it is on. */
  nodeName?: string;
  /** The zone it is in. */
  zone?: string;
  /** For whom it is meant. */
  hints?: EndpointHints;
}

/** How an endpoint stands. */
export interface EndpointConditions {
  /** Whether it may get new connections. */
  ready?: boolean;
  /** Whether it answers, be it about to end or not. */
  serving?: boolean;
  /** Whether it is about to end. */
  terminating?: boolean;
}

/** For whom an endpoint is meant. */
export interface EndpointHints {
  /** Clients in these zones. */
  forZones?: ForZone[];
  /** Clients on these nodes. */
  forNodes?: ForNode[];
}

/** A port behind a Service. */
export interface SliceEndpointPort {
  /** The Service port's name. */
  name?: string;
  /** TCP (default), UDP or SCTP. */
  protocol?: Protocol;
  /** The number. */
  port?: number;
  /** What is spoken. */
  appProtocol?: string;
}

/** Some of the endpoints of a Service: 100 at most, as a rule. */
export interface EndpointSlice extends KubeObject {
  /** IPv4, IPv6 or FQDN; never changes. */
  addressType: "IPv4" | "IPv6" | "FQDN";
  /** The endpoints. */
  endpoints: Endpoint[];
  /** The ports that all of them have. */
  ports?: SliceEndpointPort[];
}

/** A node. */
export interface ForNode {
  /** Its name. */
  name: string;
}

/** A zone. */
export interface ForZone {
  /** Its name. */
  name: string;
}

/** How to delete. */
export interface DeleteOptions {
  /** Seconds for a graceful end; for Pods. */
  gracePeriodSeconds?: number;
  /** What must hold, else nothing is deleted. */
  preconditions?: Preconditions;
  /** The old way to say Orphan. */
  orphanDependents?: boolean;
  /** Background, Foreground or Orphan. */
  propagationPolicy?: string;
  /** All: do everything but delete. */
  dryRun?: string[];
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean;
}

/** Selects objects by labels; all parts must hold, an empty one selects everything. */
export interface LabelSelector {
  /** Labels that must have exactly these values. */
  matchLabels?: Record<string, string>;
  /** Further conditions on labels. */
  matchExpressions?: LabelSelectorRequirement[];
}

/** One condition on a label. */
export interface LabelSelectorRequirement {
  /** The label. */
  key: string;
  /** In, NotIn, Exists or DoesNotExist. */
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  /** For In and NotIn. */
  values?: string[];
}

/** What every object carries besides its own content. */
export interface ObjectMeta {
  /** Unique among the objects of its kind in the namespace; never changes. */
  name: string;
  /** A stem, to which the server appends five characters when no name is given. */
  generateName?: string;
  /** The namespace the object lives in; left out for cluster-scoped kinds. */
  namespace?: string;
  selfLink?: string;
  /** Unique over time and space; set by the server. */
  uid?: string;
  /**
   * The store's revision of the last write. Send it back to be refused if somebody wrote in
   * between.
   */
  resourceVersion?: string;
  /** Counts changes of the desired state; set by the server. */
  generation?: number;
  /** When the server created the object. */
  creationTimestamp?: string;
  /** When the object will be gone, once its deletion was asked for; set by the server. */
  deletionTimestamp?: string;
  /** Seconds granted for a graceful end; set by the server. */
  deletionGracePeriodSeconds?: number;
  /** Names and values that selectors select by. */
  labels?: Record<string, string>;
  /** Names and values for tools; nothing selects by them. */
  annotations?: Record<string, string>;
  /** Whom the object belongs to; it is removed when all of them are. */
  ownerReferences?: OwnerReference[];
  /** Who must act before the object is really removed. */
  finalizers?: string[];
  managedFields?: unknown[];
}

/** Names an owner in the same namespace. */
export interface OwnerReference {
  /** The owner's API version. */
  apiVersion: string;
  /** The owner's kind. */
  kind: string;
  /** The owner's name. */
  name: string;
  /** The owner's uid. */
  uid: string;
  /** Whether the owner is the controller in charge; at most one is. */
  controller?: boolean;
  /** Whether a foreground deletion of the owner waits for this object. */
  blockOwnerDeletion?: boolean;
}

/** What must hold before a deletion. */
export interface Preconditions {
  /** The object's uid. */
  uid?: string;
  /** The object's version. */
  resourceVersion?: string;
}

/** kind -> type: what `get("Service", …)` returns. */
export interface Kinds {
  Endpoints: Endpoints;
  Event: Event;
  Namespace: Namespace;
  Node: Node;
  Pod: Pod;
  Service: Service;
  Deployment: Deployment;
  ReplicaSet: ReplicaSet;
  Lease: Lease;
  EndpointSlice: EndpointSlice;
}
/** The kinds that Stopover knows. */
export type Kind = keyof Kinds;
