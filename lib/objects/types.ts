/**
 * The objects of this story, with Kubernetes' own field names (k8s.io/api: core/v1, apps/v1,
 * discovery/v1, coordination/v1). Only the fields that something in Stopover reads, writes or shows
 * are declared. Every object that the store hands out is deeply frozen and shared by reference; the
 * types say `readonly` where that is cheap to say.
 */
export interface ObjectMeta {
  name: string;
  /** The stem of a server-made name: the API server appends five characters. */
  generateName?: string;
  namespace?: string;
  uid?: string;
  /**
   * The store's revision of the last write to this object, as a decimal string: opaque to clients.
   */
  resourceVersion?: string;
  /** Counts changes of `spec`; status writes leave it alone. */
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  /** Seconds. */
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}

/**
 * Whose an object is: it is removed when its owner goes. `controller`: the one owner that looks
 * after it.
 */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** What every object has. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** Points to another object: an Event's subject, an endpoint's Pod. */
export interface ObjectReference {
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiVersion?: string;
  resourceVersion?: string;
  fieldPath?: string;
}

/**
 * Selects objects by their labels; all that is named must hold, and an empty one selects
 * everything.
 */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: {
    key: string;
    operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    values?: string[];
  }[];
}

/**
 * One thing that is true, false or unknown of an object, since when and why: `kubectl describe`
 * lists them.
 */
export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  lastProbeTime?: string | null;
  lastHeartbeatTime?: string;
  observedGeneration?: number;
}

/** A room for names. (core/v1) */
export interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: { phase?: "Active" | "Terminating" };
}

// ---- Node ---------------------------------------------------------------------------------------

/** What keeps Pods off a Node unless they tolerate it. */
export interface Taint {
  key: string;
  value?: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  timeAdded?: string;
}

/** What lets a Pod stay in spite of a taint; with tolerationSeconds, for so long. */
export interface Toleration {
  key?: string;
  operator?: "Exists" | "Equal";
  value?: string;
  effect?: "" | "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  tolerationSeconds?: number;
}

/** An address of a Node and what kind it is. */
export interface NodeAddress {
  type: "InternalIP" | "ExternalIP" | "Hostname" | "InternalDNS" | "ExternalDNS";
  address: string;
}

/** A machine that runs Pods. (core/v1) */
export interface Node extends KubeObject {
  spec: {
    podCIDR?: string;
    podCIDRs?: string[];
    providerID?: string;
    taints?: Taint[];
    unschedulable?: boolean;
  };
  status?: {
    /** The addresses of the node's interfaces; the first InternalIP is the node IP. */
    addresses?: NodeAddress[];
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    conditions?: Condition[];
    nodeInfo?: Record<string, string>;
  };
}

// ---- Pod ----------------------------------------------------------------------------------------

/**
 * A port that a container says it listens on: documentation in Kubernetes, and what Stopover's
 * containers listen on.
 */
export interface ContainerPort {
  name?: string;
  containerPort: number;
  protocol?: Protocol;
  hostPort?: number;
  hostIP?: string;
}

/** How the kubelet finds out whether a container is ready or alive. Times are in seconds. */
export interface Probe {
  httpGet?: {
    path?: string;
    port: number | string;
    scheme?: string;
    host?: string;
    httpHeaders?: { name: string; value: string }[];
  };
  tcpSocket?: { port: number | string; host?: string };
  exec?: { command?: string[] };
  initialDelaySeconds?: number;
  timeoutSeconds?: number;
  periodSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
}

/** What is done when a container starts or before it ends; one of these. */
export interface LifecycleHandler extends Pick<Probe, "exec" | "httpGet" | "tcpSocket"> {
  sleep?: { seconds: number };
}

/** One process of a Pod, out of an image. */
export interface Container {
  name: string;
  image?: string;
  imagePullPolicy?: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string }[];
  ports?: ContainerPort[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  startupProbe?: Probe;
  /**
   * Of the hooks only preStop.sleep is acted on: seconds between the deletion and the signal to end
   * (KEP-3960).
   */
  lifecycle?: { postStart?: LifecycleHandler; preStop?: LifecycleHandler; stopSignal?: string };
  terminationMessagePath?: string;
  terminationMessagePolicy?: string;
}

/** What a Pod wants: its containers, where it may run, how it ends. */
export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  hostNetwork?: boolean;
  hostname?: string;
  subdomain?: string;
  restartPolicy?: "Always" | "OnFailure" | "Never";
  /** Seconds between the deletion and the kill; 30 by default. */
  terminationGracePeriodSeconds?: number;
  readinessGates?: { conditionType: string }[];
  dnsPolicy?: string;
  schedulerName?: string;
  serviceAccountName?: string;
  enableServiceLinks?: boolean;
  securityContext?: Record<string, unknown>;
}

/** What has become of a container, as the kubelet sees it. */
export interface ContainerStatus {
  name: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  image?: string;
  imageID?: string;
  containerID?: string;
  state?: {
    running?: { startedAt?: string };
    waiting?: { reason?: string; message?: string };
    terminated?: { exitCode: number; reason?: string; startedAt?: string; finishedAt?: string };
  };
  lastState?: ContainerStatus["state"];
}

/** Containers that share one network namespace and so one address. (core/v1) */
export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: {
    phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
    podIP?: string;
    podIPs?: { ip: string }[];
    hostIP?: string;
    hostIPs?: { ip: string }[];
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
    startTime?: string;
    reason?: string;
    message?: string;
    qosClass?: string;
  };
}

/** What a Deployment's or ReplicaSet's Pods are made from. */
export interface PodTemplate {
  metadata?: Partial<ObjectMeta>;
  spec: PodSpec;
}

// ---- workloads ----------------------------------------------------------------------------------

/**
 * Keeps so many Pods of a template running, and replaces them step by step when the template
 * changes. (apps/v1)
 */
export interface Deployment extends KubeObject {
  spec: {
    replicas?: number;
    selector?: LabelSelector;
    template: PodTemplate;
    strategy?: {
      type?: "RollingUpdate" | "Recreate";
      rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string };
    };
    minReadySeconds?: number;
    revisionHistoryLimit?: number;
    progressDeadlineSeconds?: number;
    paused?: boolean;
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    unavailableReplicas?: number;
    conditions?: Condition[];
  };
}

/**
 * Keeps so many Pods of one template running; a Deployment has one for each of its templates.
 * (apps/v1)
 */
export interface ReplicaSet extends KubeObject {
  spec: {
    replicas?: number;
    selector?: LabelSelector;
    template: PodTemplate;
    minReadySeconds?: number;
  };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    fullyLabeledReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
  };
}

// ---- Service and its endpoints ------------------------------------------------------------------

/** A transport protocol, as Kubernetes writes it. */
export type Protocol = "TCP" | "UDP" | "SCTP";
/** An IP family, as Kubernetes writes it. */
export type IPFamily = "IPv4" | "IPv6";

/**
 * A port of a Service: `port` is the Service's own, `targetPort` the Pods', `nodePort` every
 * node's.
 */
export interface ServicePort {
  name?: string;
  protocol?: Protocol;
  appProtocol?: string;
  port: number;
  /** A number, or the name of a container port. */
  targetPort?: number | string;
  nodePort?: number;
}

/** How a load balancer is reached: by an IP or by a hostname. */
export interface LoadBalancerIngress {
  ip?: string;
  hostname?: string;
  /**
   * VIP: nodes see the load balancer's address as destination; Proxy: they do not, and kube-proxy
   * writes no rules for it.
   */
  ipMode?: "VIP" | "Proxy";
  ports?: { port: number; protocol: Protocol; error?: string }[];
}

/** One stable address for many Pods. (core/v1) */
export interface Service extends KubeObject {
  spec: {
    type?: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
    selector?: Record<string, string>;
    ports?: ServicePort[];
    clusterIP?: string;
    clusterIPs?: string[];
    ipFamilies?: IPFamily[];
    ipFamilyPolicy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
    externalIPs?: string[];
    externalName?: string;
    externalTrafficPolicy?: "Cluster" | "Local";
    internalTrafficPolicy?: "Cluster" | "Local";
    healthCheckNodePort?: number;
    sessionAffinity?: "None" | "ClientIP";
    sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
    loadBalancerIP?: string;
    loadBalancerClass?: string;
    loadBalancerSourceRanges?: string[];
    allocateLoadBalancerNodePorts?: boolean;
    publishNotReadyAddresses?: boolean;
    trafficDistribution?: string;
  };
  status?: { loadBalancer?: { ingress?: LoadBalancerIngress[] }; conditions?: Condition[] };
}

/** Deprecated since Kubernetes 1.33 (KEP-4974); kept because the article names it. */
export interface Endpoints extends KubeObject {
  subsets?: {
    addresses?: { ip: string; nodeName?: string; targetRef?: ObjectReference }[];
    notReadyAddresses?: { ip: string; nodeName?: string; targetRef?: ObjectReference }[];
    ports?: { name?: string; port: number; protocol?: Protocol }[];
  }[];
}

/** One address behind a Service, and whether it takes traffic. Without conditions it is ready. */
export interface Endpoint {
  addresses: string[];
  conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
  hostname?: string;
  nodeName?: string;
  zone?: string;
  hints?: { forZones?: { name: string }[]; forNodes?: { name: string }[] };
  targetRef?: ObjectReference;
}

/** Up to 100 of a Service's endpoints; what kube-proxy reads. (discovery.k8s.io/v1) */
export interface EndpointSlice extends KubeObject {
  addressType: "IPv4" | "IPv6" | "FQDN";
  endpoints: Endpoint[];
  ports?: { name?: string; port?: number; protocol?: Protocol; appProtocol?: string }[];
}

// ---- the cluster's own bookkeeping --------------------------------------------------------------

/**
 * Who holds an office, and since when: leader election and node heartbeats. Times are RFC 3339,
 * durations seconds. (coordination.k8s.io/v1)
 */
export interface Lease extends KubeObject {
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

/**
 * Something that happened to an object, told for people: `kubectl describe` lists them. (core/v1)
 */
export interface Event extends KubeObject {
  involvedObject: ObjectReference;
  reason: string;
  message: string;
  type: "Normal" | "Warning";
  count?: number;
  firstTimestamp?: string;
  lastTimestamp?: string;
  source?: { component?: string; host?: string };
  reportingComponent?: string;
  reportingInstance?: string;
}

/** kind -> type: what `get("Service", …)` returns. */
export interface Kinds {
  Namespace: Namespace;
  Node: Node;
  Pod: Pod;
  Deployment: Deployment;
  ReplicaSet: ReplicaSet;
  Service: Service;
  Endpoints: Endpoints;
  EndpointSlice: EndpointSlice;
  Lease: Lease;
  Event: Event;
}
/** The kinds that Stopover knows. */
export type Kind = keyof Kinds;
