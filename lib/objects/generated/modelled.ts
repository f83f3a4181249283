/**
 * The kinds that Stopover models, and their fields. Made by lib/objects/generate out of
 * the API description of Kubernetes v1.35.4 (see NOTICE there); not to be edited.
 */

/** Group and version, kind, plural, scope, other names, what it is in, sub-resources. */
export const kindTable = `
v1 Endpoints endpoints namespaced short=ep
v1 Event events namespaced short=ev
v1 Namespace namespaces cluster short=ns under=finalize,status
v1 Node nodes cluster short=no under=proxy,status
v1 Pod pods namespaced short=po in=all under=attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status
v1 Service services namespaced short=svc in=all under=proxy,status
apps/v1 Deployment deployments namespaced short=deploy in=all under=scale,status
apps/v1 ReplicaSet replicasets namespaced short=rs in=all under=scale,status
coordination.k8s.io/v1 Lease leases namespaced
discovery.k8s.io/v1 EndpointSlice endpointslices namespaced
`;

/** How to read it: schema.ts. */
export const typeTable = `
# io.k8s.api.apps.v1
Deployment
  metadata ObjectMeta
  spec DeploymentSpec
  status DeploymentStatus
DeploymentCondition
  type! string
  status! string
  lastUpdateTime time
  lastTransitionTime time
  reason string
  message string
DeploymentSpec
  replicas *int
  selector! *LabelSelector
  template! PodTemplateSpec
  strategy DeploymentStrategy
  minReadySeconds int
  revisionHistoryLimit *int
  paused bool
  progressDeadlineSeconds *int
DeploymentStatus
  observedGeneration int64
  replicas int
  updatedReplicas int
  readyReplicas int
  availableReplicas int
  unavailableReplicas int
  terminatingReplicas *int
  conditions []DeploymentCondition@type#type
  collisionCount *int
DeploymentStrategy
  type string
  rollingUpdate *RollingUpdateDeployment
ReplicaSet
  metadata ObjectMeta
  spec ReplicaSetSpec
  status ReplicaSetStatus
ReplicaSetCondition
  type! string
  status! string
  lastTransitionTime time
  reason string
  message string
ReplicaSetSpec
  replicas *int
  minReadySeconds int
  selector! *LabelSelector
  template PodTemplateSpec
ReplicaSetStatus
  replicas! int
  fullyLabeledReplicas int
  readyReplicas int
  availableReplicas int
  terminatingReplicas *int
  observedGeneration int64
  conditions []ReplicaSetCondition@type#type
RollingUpdateDeployment
  maxUnavailable *intOrString
  maxSurge *intOrString
# io.k8s.api.autoscaling.v1
Scale
  metadata ObjectMeta
  spec ScaleSpec
  status ScaleStatus
ScaleSpec
  replicas int
ScaleStatus
  replicas! int
  selector string
# io.k8s.api.coordination.v1
Lease
  metadata ObjectMeta
  spec LeaseSpec
LeaseSpec
  holderIdentity *string
  leaseDurationSeconds *int
  acquireTime *time
  renewTime *time
  leaseTransitions *int
  strategy *string
  preferredHolder *string
# io.k8s.api.core.v1
ClientIPConfig
  timeoutSeconds *int
ConfigMapNodeConfigSource
  namespace! string
  name! string
  uid string
  resourceVersion string
  kubeletConfigKey! string
Container
  name! string
  image string
  command []string
  args []string
  workingDir string
  ports []ContainerPort@containerPort#containerPort,protocol
  envFrom []core.v1.EnvFromSource
  env []EnvVar@name#name
  resources ResourceRequirements
  resizePolicy []core.v1.ContainerResizePolicy
  restartPolicy *string
  restartPolicyRules []core.v1.ContainerRestartRule
  volumeMounts []core.v1.VolumeMount@mountPath#mountPath
  volumeDevices []core.v1.VolumeDevice@devicePath#devicePath
  livenessProbe *Probe
  readinessProbe *Probe
  startupProbe *Probe
  lifecycle *Lifecycle
  terminationMessagePath string
  terminationMessagePolicy string
  imagePullPolicy string
  securityContext *core.v1.SecurityContext
  stdin bool
  stdinOnce bool
  tty bool
ContainerPort
  name string
  hostPort int
  containerPort! int
  protocol string
  hostIP string
ContainerState
  waiting *ContainerStateWaiting
  running *ContainerStateRunning
  terminated *ContainerStateTerminated
ContainerStateRunning
  startedAt time
ContainerStateTerminated
  exitCode! int
  signal int
  reason string
  message string
  startedAt time
  finishedAt time
  containerID string
ContainerStateWaiting
  reason string
  message string
ContainerStatus
  name! string
  state ContainerState
  lastState ContainerState
  ready! bool
  restartCount! int
  image! string
  imageID! string
  containerID string
  started *bool
  allocatedResources map<quantity>
  resources *ResourceRequirements
  volumeMounts []core.v1.VolumeMountStatus@mountPath#mountPath
  user *core.v1.ContainerUser
  allocatedResourcesStatus []core.v1.ResourceStatus@name#name
  stopSignal *string
EndpointAddress
  ip! string
  hostname string
  nodeName *string
  targetRef *ObjectReference
EndpointPort
  name string
  port! int
  protocol string
  appProtocol *string
EndpointSubset
  addresses []EndpointAddress
  notReadyAddresses []EndpointAddress
  ports []EndpointPort
Endpoints
  metadata ObjectMeta
  subsets []EndpointSubset
EnvVar
  name! string
  value string
  valueFrom *core.v1.EnvVarSource
Event
  metadata! ObjectMeta
  involvedObject! ObjectReference
  reason string
  message string
  source EventSource
  firstTimestamp time
  lastTimestamp time
  count int
  type string
  eventTime time
  series *core.v1.EventSeries
  action string
  related *ObjectReference
  reportingComponent string
  reportingInstance string
EventSource
  component string
  host string
ExecAction
  command []string
HTTPGetAction
  path string
  port! intOrString
  host string
  scheme string
  httpHeaders []HTTPHeader
HTTPHeader
  name! string
  value! string
HostIP
  ip! string
Lifecycle
  postStart *LifecycleHandler
  preStop *LifecycleHandler
  stopSignal *string
LifecycleHandler
  exec *ExecAction
  httpGet *HTTPGetAction
  tcpSocket *TCPSocketAction
  sleep *SleepAction
LoadBalancerIngress
  ip string
  hostname string
  ipMode *string
  ports []PortStatus
LoadBalancerStatus
  ingress []LoadBalancerIngress
LocalObjectReference
  name string
Namespace
  metadata ObjectMeta
  spec NamespaceSpec
  status NamespaceStatus
NamespaceCondition
  type! string
  status! string
  lastTransitionTime time
  reason string
  message string
NamespaceSpec
  finalizers []string
NamespaceStatus
  phase string
  conditions []NamespaceCondition@type#type
Node
  metadata ObjectMeta
  spec NodeSpec
  status NodeStatus
NodeAddress
  type! string
  address! string
NodeCondition
  type! string
  status! string
  lastHeartbeatTime time
  lastTransitionTime time
  reason string
  message string
NodeConfigSource
  configMap *ConfigMapNodeConfigSource
NodeSpec
  podCIDR string
  podCIDRs []string@#
  providerID string
  unschedulable bool
  taints []Taint
  configSource *NodeConfigSource
  externalID string
NodeStatus
  capacity map<quantity>
  allocatable map<quantity>
  phase string
  conditions []NodeCondition@type#type
  addresses []NodeAddress@type#type
  daemonEndpoints core.v1.NodeDaemonEndpoints
  nodeInfo core.v1.NodeSystemInfo
  images []core.v1.ContainerImage
  volumesInUse []string
  volumesAttached []core.v1.AttachedVolume
  config *core.v1.NodeConfigStatus
  runtimeHandlers []core.v1.NodeRuntimeHandler
  features *core.v1.NodeFeatures
  declaredFeatures []string
ObjectReference
  kind string
  namespace string
  name string
  uid string
  apiVersion string
  resourceVersion string
  fieldPath string
Pod
  metadata ObjectMeta
  spec PodSpec
  status PodStatus
PodCondition
  type! string
  observedGeneration int64
  status! string
  lastProbeTime time
  lastTransitionTime time
  reason string
  message string
PodIP
  ip! string
PodReadinessGate
  conditionType! string
PodSpec
  volumes []core.v1.Volume@name#name
  initContainers []Container@name#name
  containers! []Container@name#name
  ephemeralContainers []core.v1.EphemeralContainer@name#name
  restartPolicy string
  terminationGracePeriodSeconds *int64
  activeDeadlineSeconds *int64
  dnsPolicy string
  nodeSelector map<string>
  serviceAccountName string
  serviceAccount string
  automountServiceAccountToken *bool
  nodeName string
  hostNetwork bool
  hostPID bool
  hostIPC bool
  shareProcessNamespace *bool
  securityContext *core.v1.PodSecurityContext
  imagePullSecrets []LocalObjectReference@name#name
  hostname string
  subdomain string
  affinity *core.v1.Affinity
  schedulerName string
  tolerations []Toleration
  hostAliases []core.v1.HostAlias@ip#ip
  priorityClassName string
  priority *int
  dnsConfig *core.v1.PodDNSConfig
  readinessGates []PodReadinessGate
  runtimeClassName *string
  enableServiceLinks *bool
  preemptionPolicy *string
  overhead map<quantity>
  topologySpreadConstraints []core.v1.TopologySpreadConstraint@topologyKey#topologyKey,whenUnsatisfiable
  setHostnameAsFQDN *bool
  os *core.v1.PodOS
  hostUsers *bool
  schedulingGates []core.v1.PodSchedulingGate@name#name
  resourceClaims []core.v1.PodResourceClaim@name#name
  resources *ResourceRequirements
  hostnameOverride *string
  workloadRef *core.v1.WorkloadReference
PodStatus
  observedGeneration int64
  phase string
  conditions []PodCondition@type#type
  message string
  reason string
  nominatedNodeName string
  hostIP string
  hostIPs []HostIP@ip
  podIP string
  podIPs []PodIP@ip#ip
  startTime *time
  initContainerStatuses []ContainerStatus
  containerStatuses []ContainerStatus
  qosClass string
  ephemeralContainerStatuses []ContainerStatus
  resize string
  resourceClaimStatuses []core.v1.PodResourceClaimStatus@name#name
  extendedResourceClaimStatus *core.v1.PodExtendedResourceClaimStatus
  allocatedResources map<quantity>
  resources *ResourceRequirements
PodTemplateSpec
  metadata ObjectMeta
  spec PodSpec
PortStatus
  port! int
  protocol! string
  error *string
Probe
  exec *ExecAction
  httpGet *HTTPGetAction
  tcpSocket *TCPSocketAction
  grpc *core.v1.GRPCAction
  initialDelaySeconds int
  timeoutSeconds int
  periodSeconds int
  successThreshold int
  failureThreshold int
  terminationGracePeriodSeconds *int64
ResourceRequirements
  limits map<quantity>
  requests map<quantity>
  claims []core.v1.ResourceClaim#name
Service
  metadata ObjectMeta
  spec ServiceSpec
  status ServiceStatus
ServicePort
  name string
  protocol string
  appProtocol *string
  port! int
  targetPort intOrString
  nodePort int
ServiceSpec
  ports []ServicePort@port#port,protocol
  selector map<string>
  clusterIP string
  clusterIPs []string
  type string
  externalIPs []string
  sessionAffinity string
  loadBalancerIP string
  loadBalancerSourceRanges []string
  externalName string
  externalTrafficPolicy string
  healthCheckNodePort int
  publishNotReadyAddresses bool
  sessionAffinityConfig *SessionAffinityConfig
  ipFamilies []string
  ipFamilyPolicy *string
  allocateLoadBalancerNodePorts *bool
  loadBalancerClass *string
  internalTrafficPolicy *string
  trafficDistribution *string
ServiceStatus
  loadBalancer LoadBalancerStatus
  conditions []Condition@type#type
SessionAffinityConfig
  clientIP *ClientIPConfig
SleepAction
  seconds! int64
TCPSocketAction
  port! intOrString
  host string
Taint
  key! string
  value string
  effect! string
  timeAdded *time
Toleration
  key string
  operator string
  value string
  effect string
  tolerationSeconds *int64
# io.k8s.api.discovery.v1
Endpoint
  addresses! []string#
  conditions EndpointConditions
  hostname *string
  targetRef *ObjectReference
  deprecatedTopology map<string>
  nodeName *string
  zone *string
  hints *EndpointHints
EndpointConditions
  ready *bool
  serving *bool
  terminating *bool
EndpointHints
  forZones []ForZone
  forNodes []ForNode
discovery.EndpointPort
  name *string
  protocol *string
  port *int
  appProtocol *string
EndpointSlice
  metadata ObjectMeta
  addressType! string
  endpoints! []Endpoint
  ports []discovery.EndpointPort
ForNode
  name! string
ForZone
  name! string
# io.k8s.apimachinery.pkg.apis.meta.v1
Condition
  type! string
  status! string
  observedGeneration int64
  lastTransitionTime! time
  reason! string
  message! string
DeleteOptions
  gracePeriodSeconds *int64
  preconditions *Preconditions
  orphanDependents *bool
  propagationPolicy *string
  dryRun []string
  ignoreStoreReadErrorWithClusterBreakingPotential *bool
LabelSelector
  matchLabels map<string>
  matchExpressions []LabelSelectorRequirement
LabelSelectorRequirement
  key! string
  operator! string
  values []string
ObjectMeta
  name string
  generateName string
  namespace string
  selfLink string
  uid string
  resourceVersion string
  generation int64
  creationTimestamp time
  deletionTimestamp *time
  deletionGracePeriodSeconds *int64
  labels map<string>
  annotations map<string>
  ownerReferences []OwnerReference@uid#uid
  finalizers []string@#
  managedFields []any
OwnerReference
  apiVersion! string
  kind! string
  name! string
  uid! string
  controller *bool
  blockOwnerDeletion *bool
Preconditions
  uid *string
  resourceVersion *string
`;
