/**
 * All other built-in kinds of Kubernetes, and their fields. Made by lib/objects/generate out of
 * the API description of Kubernetes v1.35.4 (see NOTICE there); not to be edited.
 */

/** As in modelled.ts. */
export const otherKinds = `
v1 Binding bindings namespaced
v1 ComponentStatus componentstatuses cluster short=cs
v1 ConfigMap configmaps namespaced short=cm
v1 LimitRange limitranges namespaced short=limits
v1 PersistentVolumeClaim persistentvolumeclaims namespaced short=pvc under=status
v1 PersistentVolume persistentvolumes cluster short=pv under=status
v1 PodTemplate podtemplates namespaced
v1 ReplicationController replicationcontrollers namespaced short=rc in=all under=scale,status
v1 ResourceQuota resourcequotas namespaced short=quota under=status
v1 Secret secrets namespaced
v1 ServiceAccount serviceaccounts namespaced short=sa under=token
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations cluster in=api-extensions
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies cluster in=api-extensions under=status
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings cluster in=api-extensions
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations cluster in=api-extensions
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions cluster short=crd,crds in=api-extensions under=status
apiregistration.k8s.io/v1 APIService apiservices cluster in=api-extensions under=status
apps/v1 ControllerRevision controllerrevisions namespaced
apps/v1 DaemonSet daemonsets namespaced short=ds in=all under=status
apps/v1 StatefulSet statefulsets namespaced short=sts in=all under=scale,status
authentication.k8s.io/v1 SelfSubjectReview selfsubjectreviews cluster
authentication.k8s.io/v1 TokenReview tokenreviews cluster
authorization.k8s.io/v1 LocalSubjectAccessReview localsubjectaccessreviews namespaced
authorization.k8s.io/v1 SelfSubjectAccessReview selfsubjectaccessreviews cluster
authorization.k8s.io/v1 SelfSubjectRulesReview selfsubjectrulesreviews cluster
authorization.k8s.io/v1 SubjectAccessReview subjectaccessreviews cluster
autoscaling/v1 HorizontalPodAutoscaler horizontalpodautoscalers namespaced short=hpa in=all under=status
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers namespaced short=hpa in=all under=status
batch/v1 CronJob cronjobs namespaced short=cj in=all under=status
batch/v1 Job jobs namespaced in=all under=status
certificates.k8s.io/v1 CertificateSigningRequest certificatesigningrequests cluster short=csr under=approval,status
events.k8s.io/v1 Event events namespaced short=ev
flowcontrol.apiserver.k8s.io/v1 FlowSchema flowschemas cluster under=status
flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration prioritylevelconfigurations cluster under=status
networking.k8s.io/v1 IngressClass ingressclasses cluster
networking.k8s.io/v1 Ingress ingresses namespaced short=ing under=status
networking.k8s.io/v1 IPAddress ipaddresses cluster short=ip
networking.k8s.io/v1 NetworkPolicy networkpolicies namespaced short=netpol
networking.k8s.io/v1 ServiceCIDR servicecidrs cluster under=status
node.k8s.io/v1 RuntimeClass runtimeclasses cluster
policy/v1 PodDisruptionBudget poddisruptionbudgets namespaced short=pdb under=status
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings cluster
rbac.authorization.k8s.io/v1 ClusterRole clusterroles cluster
rbac.authorization.k8s.io/v1 RoleBinding rolebindings namespaced
rbac.authorization.k8s.io/v1 Role roles namespaced
resource.k8s.io/v1 DeviceClass deviceclasses cluster
resource.k8s.io/v1 ResourceClaim resourceclaims namespaced under=status
resource.k8s.io/v1 ResourceClaimTemplate resourceclaimtemplates namespaced
resource.k8s.io/v1 ResourceSlice resourceslices cluster
scheduling.k8s.io/v1 PriorityClass priorityclasses cluster short=pc
storage.k8s.io/v1 CSIDriver csidrivers cluster
storage.k8s.io/v1 CSINode csinodes cluster
storage.k8s.io/v1 CSIStorageCapacity csistoragecapacities namespaced
storage.k8s.io/v1 StorageClass storageclasses cluster short=sc
storage.k8s.io/v1 VolumeAttachment volumeattachments cluster under=status
storage.k8s.io/v1 VolumeAttributesClass volumeattributesclasses cluster short=vac
`;

/** As in columns.ts. */
export const otherColumns = `
ComponentStatus: Name, Status, Message, Error
ConfigMap: Name, Data, Age
PersistentVolumeClaim: Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, +VolumeMode
PersistentVolume: Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, +VolumeMode
PodTemplate: Name, Containers, Images, Pod Labels
ReplicationController: Name, Desired:integer, Current:integer, Ready:integer, Age, +Containers, +Images, +Selector
ResourceQuota: Name, Request, Limit, Age
Secret: Name, Type, Data, Age
ServiceAccount: Name, Age
MutatingWebhookConfiguration: Name, Webhooks:integer, Age
ValidatingAdmissionPolicy: Name, Validations:integer, ParamKind, Age
ValidatingAdmissionPolicyBinding: Name, PolicyName, ParamRef, Age
ValidatingWebhookConfiguration: Name, Webhooks:integer, Age
ControllerRevision: Name, Controller, Revision, Age
DaemonSet: Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector, Age, +Containers, +Images, +Selector
StatefulSet: Name, Ready, Age, +Containers, +Images
HorizontalPodAutoscaler: Name, Reference, Targets, MinPods, MaxPods, Replicas, Age
HorizontalPodAutoscaler: Name, Reference, Targets, MinPods, MaxPods, Replicas, Age
CronJob: Name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, +Containers, +Images, +Selector
Job: Name, Status, Completions, Duration, Age, +Containers, +Images, +Selector
CertificateSigningRequest: Name, Age, SignerName, Requestor, RequestedDuration, Condition
Event: Last Seen, Type, Reason, Object, +Subobject, +Source, Message, +First Seen, +Count, +Name
FlowSchema: Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL
PriorityLevelConfiguration: Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age
IngressClass: Name, Controller, Parameters, Age
Ingress: Name, Class, Hosts, Address, Ports, Age
IPAddress: Name, ParentRef
NetworkPolicy: Name, Pod-Selector, Age
ServiceCIDR: Name, CIDRs, Age
IPAddress: Name, ParentRef
ServiceCIDR: Name, CIDRs, Age
RuntimeClass: Name, Handler, Age
PodDisruptionBudget: Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age
ClusterRoleBinding: Name, Role, Age, +Users, +Groups, +ServiceAccounts
RoleBinding: Name, Role, Age, +Users, +Groups, +ServiceAccounts
DeviceClass: Name, Age
ResourceClaim: Name, State, Age
ResourceClaimTemplate: Name, Age
ResourceSlice: Name, Node, Driver, Pool, Age
DeviceClass: Name, Age
ResourceClaim: Name, State, Age
ResourceClaimTemplate: Name, Age
ResourceSlice: Name, Node, Driver, Pool, Age
DeviceClass: Name, Age
ResourceClaim: Name, State, Age
ResourceClaimTemplate: Name, Age
ResourceSlice: Name, Node, Driver, Pool, Age
PriorityClass: Name, Value:integer, Global-Default:boolean, Age, PreemptionPolicy
CSIDriver: Name, AttachRequired:boolean, PodInfoOnMount:boolean, StorageCapacity:boolean, TokenRequests, RequiresRepublish:boolean, Modes, Age
CSINode: Name, Drivers:integer, Age
CSIStorageCapacity: Name, StorageClassName, Capacity
StorageClass: Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age
VolumeAttachment: Name, Attacher, PV, Node, Attached:boolean, Age
VolumeAttributesClass: Name, DriverName, Age
VolumeAttributesClass: Name, DriverName, Age
`;

/** As in modelled.ts. */
export const otherTypes = `
# io.k8s.api.admissionregistration.v1
admissionregistration.v1.AuditAnnotation
  key! string
  valueExpression! string
admissionregistration.v1.ExpressionWarning
  fieldRef! string
  warning! string
admissionregistration.v1.MatchCondition
  name! string
  expression! string
admissionregistration.v1.MatchResources
  namespaceSelector *LabelSelector
  objectSelector *LabelSelector
  resourceRules []admissionregistration.v1.NamedRuleWithOperations
  excludeResourceRules []admissionregistration.v1.NamedRuleWithOperations
  matchPolicy *string
admissionregistration.v1.MutatingWebhook
  name! string
  clientConfig! admissionregistration.v1.WebhookClientConfig
  rules []admissionregistration.v1.RuleWithOperations
  failurePolicy *string
  matchPolicy *string
  namespaceSelector *LabelSelector
  objectSelector *LabelSelector
  sideEffects! *string
  timeoutSeconds *int
  admissionReviewVersions! []string
  reinvocationPolicy *string
  matchConditions []admissionregistration.v1.MatchCondition@name#name
admissionregistration.v1.MutatingWebhookConfiguration
  metadata ObjectMeta
  webhooks []admissionregistration.v1.MutatingWebhook@name#name
admissionregistration.v1.NamedRuleWithOperations
  resourceNames []string
  operations []string
  apiGroups []string
  apiVersions []string
  resources []string
  scope *string
admissionregistration.v1.ParamKind
  apiVersion string
  kind string
admissionregistration.v1.ParamRef
  name string
  namespace string
  selector *LabelSelector
  parameterNotFoundAction *string
admissionregistration.v1.RuleWithOperations
  operations []string
  apiGroups []string
  apiVersions []string
  resources []string
  scope *string
admissionregistration.v1.ServiceReference
  namespace! string
  name! string
  path *string
  port *int
admissionregistration.v1.TypeChecking
  expressionWarnings []admissionregistration.v1.ExpressionWarning
admissionregistration.v1.ValidatingAdmissionPolicy
  metadata ObjectMeta
  spec admissionregistration.v1.ValidatingAdmissionPolicySpec
  status admissionregistration.v1.ValidatingAdmissionPolicyStatus
admissionregistration.v1.ValidatingAdmissionPolicyBinding
  metadata ObjectMeta
  spec admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec
  policyName string
  paramRef *admissionregistration.v1.ParamRef
  matchResources *admissionregistration.v1.MatchResources
  validationActions []string#
admissionregistration.v1.ValidatingAdmissionPolicySpec
  paramKind *admissionregistration.v1.ParamKind
  matchConstraints *admissionregistration.v1.MatchResources
  validations []admissionregistration.v1.Validation
  failurePolicy *string
  auditAnnotations []admissionregistration.v1.AuditAnnotation
  matchConditions []admissionregistration.v1.MatchCondition@name#name
  variables []admissionregistration.v1.Variable@name#name
admissionregistration.v1.ValidatingAdmissionPolicyStatus
  observedGeneration int64
  typeChecking *admissionregistration.v1.TypeChecking
  conditions []Condition#type
admissionregistration.v1.ValidatingWebhook
  name! string
  clientConfig! admissionregistration.v1.WebhookClientConfig
  rules []admissionregistration.v1.RuleWithOperations
  failurePolicy *string
  matchPolicy *string
  namespaceSelector *LabelSelector
  objectSelector *LabelSelector
  sideEffects! *string
  timeoutSeconds *int
  admissionReviewVersions! []string
  matchConditions []admissionregistration.v1.MatchCondition@name#name
admissionregistration.v1.ValidatingWebhookConfiguration
  metadata ObjectMeta
  webhooks []admissionregistration.v1.ValidatingWebhook@name#name
admissionregistration.v1.Validation
  expression! string
  message string
  reason *string
  messageExpression string
admissionregistration.v1.Variable
  name! string
  expression! string
admissionregistration.v1.WebhookClientConfig
  url *string
  service *admissionregistration.v1.ServiceReference
  caBundle string
# io.k8s.api.apps.v1
apps.v1.ControllerRevision
  metadata ObjectMeta
  data pkg.runtime.RawExtension
  revision! int64
apps.v1.DaemonSet
  metadata ObjectMeta
  spec apps.v1.DaemonSetSpec
  status apps.v1.DaemonSetStatus
apps.v1.DaemonSetCondition
  type! string
  status! string
  lastTransitionTime time
  reason string
  message string
apps.v1.DaemonSetSpec
  selector! *LabelSelector
  template! PodTemplateSpec
  updateStrategy apps.v1.DaemonSetUpdateStrategy
  minReadySeconds int
  revisionHistoryLimit *int
apps.v1.DaemonSetStatus
  currentNumberScheduled! int
  numberMisscheduled! int
  desiredNumberScheduled! int
  numberReady! int
  observedGeneration int64
  updatedNumberScheduled int
  numberAvailable int
  numberUnavailable int
  collisionCount *int
  conditions []apps.v1.DaemonSetCondition@type#type
apps.v1.DaemonSetUpdateStrategy
  type string
  rollingUpdate *apps.v1.RollingUpdateDaemonSet
apps.v1.RollingUpdateDaemonSet
  maxUnavailable *intOrString
  maxSurge *intOrString
apps.v1.RollingUpdateStatefulSetStrategy
  partition *int
  maxUnavailable *intOrString
apps.v1.StatefulSet
  metadata ObjectMeta
  spec apps.v1.StatefulSetSpec
  status apps.v1.StatefulSetStatus
apps.v1.StatefulSetCondition
  type! string
  status! string
  lastTransitionTime time
  reason string
  message string
apps.v1.StatefulSetOrdinals
  start int
apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy
  whenDeleted string
  whenScaled string
apps.v1.StatefulSetSpec
  replicas *int
  selector! *LabelSelector
  template! PodTemplateSpec
  volumeClaimTemplates []core.v1.PersistentVolumeClaim
  serviceName string
  podManagementPolicy string
  updateStrategy apps.v1.StatefulSetUpdateStrategy
  revisionHistoryLimit *int
  minReadySeconds int
  persistentVolumeClaimRetentionPolicy *apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy
  ordinals *apps.v1.StatefulSetOrdinals
apps.v1.StatefulSetStatus
  observedGeneration int64
  replicas! int
  readyReplicas int
  currentReplicas int
  updatedReplicas int
  currentRevision string
  updateRevision string
  collisionCount *int
  conditions []apps.v1.StatefulSetCondition@type#type
  availableReplicas int
apps.v1.StatefulSetUpdateStrategy
  type string
  rollingUpdate *apps.v1.RollingUpdateStatefulSetStrategy
# io.k8s.api.authentication.v1
authentication.v1.BoundObjectReference
  kind string
  apiVersion string
  name string
  uid string
authentication.v1.SelfSubjectReview
  metadata ObjectMeta
  status authentication.v1.SelfSubjectReviewStatus
authentication.v1.SelfSubjectReviewStatus
  userInfo authentication.v1.UserInfo
authentication.v1.TokenRequest
  kind string
  apiVersion string
  metadata ObjectMeta
  spec! authentication.v1.TokenRequestSpec
  status authentication.v1.TokenRequestStatus
authentication.v1.TokenRequestSpec
  audiences! []string
  expirationSeconds *int64
  boundObjectRef *authentication.v1.BoundObjectReference
authentication.v1.TokenRequestStatus
  token! string
  expirationTimestamp! time
authentication.v1.TokenReview
  metadata ObjectMeta
  spec! authentication.v1.TokenReviewSpec
  status authentication.v1.TokenReviewStatus
authentication.v1.TokenReviewSpec
  token string
  audiences []string
authentication.v1.TokenReviewStatus
  authenticated bool
  user authentication.v1.UserInfo
  audiences []string
  error string
authentication.v1.UserInfo
  username string
  uid string
  groups []string
  extra map<[]string>
# io.k8s.api.authorization.v1
authorization.v1.FieldSelectorAttributes
  rawSelector string
  requirements []meta.v1.FieldSelectorRequirement
authorization.v1.LabelSelectorAttributes
  rawSelector string
  requirements []LabelSelectorRequirement
authorization.v1.LocalSubjectAccessReview
  metadata ObjectMeta
  spec! authorization.v1.SubjectAccessReviewSpec
  status authorization.v1.SubjectAccessReviewStatus
authorization.v1.NonResourceAttributes
  path string
  verb string
authorization.v1.NonResourceRule
  verbs! []string
  nonResourceURLs []string
authorization.v1.ResourceAttributes
  namespace string
  verb string
  group string
  version string
  resource string
  subresource string
  name string
  fieldSelector *authorization.v1.FieldSelectorAttributes
  labelSelector *authorization.v1.LabelSelectorAttributes
authorization.v1.ResourceRule
  verbs! []string
  apiGroups []string
  resources []string
  resourceNames []string
authorization.v1.SelfSubjectAccessReview
  metadata ObjectMeta
  spec! authorization.v1.SelfSubjectAccessReviewSpec
  status authorization.v1.SubjectAccessReviewStatus
authorization.v1.SelfSubjectAccessReviewSpec
  resourceAttributes *authorization.v1.ResourceAttributes
  nonResourceAttributes *authorization.v1.NonResourceAttributes
authorization.v1.SelfSubjectRulesReview
  metadata ObjectMeta
  spec! authorization.v1.SelfSubjectRulesReviewSpec
  status authorization.v1.SubjectRulesReviewStatus
authorization.v1.SelfSubjectRulesReviewSpec
  namespace string
authorization.v1.SubjectAccessReview
  metadata ObjectMeta
  spec! authorization.v1.SubjectAccessReviewSpec
  status authorization.v1.SubjectAccessReviewStatus
authorization.v1.SubjectAccessReviewSpec
  resourceAttributes *authorization.v1.ResourceAttributes
  nonResourceAttributes *authorization.v1.NonResourceAttributes
  user string
  groups []string
  extra map<[]string>
  uid string
authorization.v1.SubjectAccessReviewStatus
  allowed! bool
  denied bool
  reason string
  evaluationError string
authorization.v1.SubjectRulesReviewStatus
  resourceRules! []authorization.v1.ResourceRule
  nonResourceRules! []authorization.v1.NonResourceRule
  incomplete! bool
  evaluationError string
# io.k8s.api.autoscaling.v1
autoscaling.v1.CrossVersionObjectReference
  kind! string
  name! string
  apiVersion string
autoscaling.v1.HorizontalPodAutoscaler
  metadata ObjectMeta
  spec autoscaling.v1.HorizontalPodAutoscalerSpec
  status autoscaling.v1.HorizontalPodAutoscalerStatus
autoscaling.v1.HorizontalPodAutoscalerSpec
  scaleTargetRef! autoscaling.v1.CrossVersionObjectReference
  minReplicas *int
  maxReplicas! int
  targetCPUUtilizationPercentage *int
autoscaling.v1.HorizontalPodAutoscalerStatus
  observedGeneration *int64
  lastScaleTime *time
  currentReplicas! int
  desiredReplicas! int
  currentCPUUtilizationPercentage *int
# io.k8s.api.autoscaling.v2
autoscaling.v2.ContainerResourceMetricSource
  name! string
  target! autoscaling.v2.MetricTarget
  container! string
autoscaling.v2.ContainerResourceMetricStatus
  name! string
  current! autoscaling.v2.MetricValueStatus
  container! string
autoscaling.v2.CrossVersionObjectReference
  kind! string
  name! string
  apiVersion string
autoscaling.v2.ExternalMetricSource
  metric! autoscaling.v2.MetricIdentifier
  target! autoscaling.v2.MetricTarget
autoscaling.v2.ExternalMetricStatus
  metric! autoscaling.v2.MetricIdentifier
  current! autoscaling.v2.MetricValueStatus
autoscaling.v2.HPAScalingPolicy
  type! string
  value! int
  periodSeconds! int
autoscaling.v2.HPAScalingRules
  stabilizationWindowSeconds *int
  selectPolicy *string
  policies []autoscaling.v2.HPAScalingPolicy
  tolerance *quantity
autoscaling.v2.HorizontalPodAutoscaler
  metadata ObjectMeta
  spec autoscaling.v2.HorizontalPodAutoscalerSpec
  status autoscaling.v2.HorizontalPodAutoscalerStatus
autoscaling.v2.HorizontalPodAutoscalerBehavior
  scaleUp *autoscaling.v2.HPAScalingRules
  scaleDown *autoscaling.v2.HPAScalingRules
autoscaling.v2.HorizontalPodAutoscalerCondition
  type! string
  status! string
  lastTransitionTime time
  reason string
  message string
autoscaling.v2.HorizontalPodAutoscalerSpec
  scaleTargetRef! autoscaling.v2.CrossVersionObjectReference
  minReplicas *int
  maxReplicas! int
  metrics []autoscaling.v2.MetricSpec
  behavior *autoscaling.v2.HorizontalPodAutoscalerBehavior
autoscaling.v2.HorizontalPodAutoscalerStatus
  observedGeneration *int64
  lastScaleTime *time
  currentReplicas int
  desiredReplicas! int
  currentMetrics []autoscaling.v2.MetricStatus
  conditions []autoscaling.v2.HorizontalPodAutoscalerCondition@type#type
autoscaling.v2.MetricIdentifier
  name! string
  selector *LabelSelector
autoscaling.v2.MetricSpec
  type! string
  object *autoscaling.v2.ObjectMetricSource
  pods *autoscaling.v2.PodsMetricSource
  resource *autoscaling.v2.ResourceMetricSource
  containerResource *autoscaling.v2.ContainerResourceMetricSource
  external *autoscaling.v2.ExternalMetricSource
autoscaling.v2.MetricStatus
  type! string
  object *autoscaling.v2.ObjectMetricStatus
  pods *autoscaling.v2.PodsMetricStatus
  resource *autoscaling.v2.ResourceMetricStatus
  containerResource *autoscaling.v2.ContainerResourceMetricStatus
  external *autoscaling.v2.ExternalMetricStatus
autoscaling.v2.MetricTarget
  type! string
  value *quantity
  averageValue *quantity
  averageUtilization *int
autoscaling.v2.MetricValueStatus
  value *quantity
  averageValue *quantity
  averageUtilization *int
autoscaling.v2.ObjectMetricSource
  describedObject! autoscaling.v2.CrossVersionObjectReference
  target! autoscaling.v2.MetricTarget
  metric! autoscaling.v2.MetricIdentifier
autoscaling.v2.ObjectMetricStatus
  metric! autoscaling.v2.MetricIdentifier
  current! autoscaling.v2.MetricValueStatus
  describedObject! autoscaling.v2.CrossVersionObjectReference
autoscaling.v2.PodsMetricSource
  metric! autoscaling.v2.MetricIdentifier
  target! autoscaling.v2.MetricTarget
autoscaling.v2.PodsMetricStatus
  metric! autoscaling.v2.MetricIdentifier
  current! autoscaling.v2.MetricValueStatus
autoscaling.v2.ResourceMetricSource
  name! string
  target! autoscaling.v2.MetricTarget
autoscaling.v2.ResourceMetricStatus
  name! string
  current! autoscaling.v2.MetricValueStatus
# io.k8s.api.batch.v1
batch.v1.CronJob
  metadata ObjectMeta
  spec batch.v1.CronJobSpec
  status batch.v1.CronJobStatus
batch.v1.CronJobSpec
  schedule! string
  timeZone *string
  startingDeadlineSeconds *int64
  concurrencyPolicy string
  suspend *bool
  jobTemplate! batch.v1.JobTemplateSpec
  successfulJobsHistoryLimit *int
  failedJobsHistoryLimit *int
batch.v1.CronJobStatus
  active []ObjectReference
  lastScheduleTime *time
  lastSuccessfulTime *time
batch.v1.Job
  metadata ObjectMeta
  spec batch.v1.JobSpec
  status batch.v1.JobStatus
batch.v1.JobCondition
  type! string
  status! string
  lastProbeTime time
  lastTransitionTime time
  reason string
  message string
batch.v1.JobSpec
  parallelism *int
  completions *int
  activeDeadlineSeconds *int64
  podFailurePolicy *batch.v1.PodFailurePolicy
  successPolicy *batch.v1.SuccessPolicy
  backoffLimit *int
  backoffLimitPerIndex *int
  maxFailedIndexes *int
  selector *LabelSelector
  manualSelector *bool
  template! PodTemplateSpec
  ttlSecondsAfterFinished *int
  completionMode *string
  suspend *bool
  podReplacementPolicy *string
  managedBy *string
batch.v1.JobStatus
  conditions []batch.v1.JobCondition@type
  startTime *time
  completionTime *time
  active int
  succeeded int
  failed int
  terminating *int
  completedIndexes string
  failedIndexes *string
  uncountedTerminatedPods *batch.v1.UncountedTerminatedPods
  ready *int
batch.v1.JobTemplateSpec
  metadata ObjectMeta
  spec batch.v1.JobSpec
batch.v1.PodFailurePolicy
  rules! []batch.v1.PodFailurePolicyRule
batch.v1.PodFailurePolicyOnExitCodesRequirement
  containerName *string
  operator! string
  values! []int#
batch.v1.PodFailurePolicyOnPodConditionsPattern
  type! string
  status string
batch.v1.PodFailurePolicyRule
  action! string
  onExitCodes *batch.v1.PodFailurePolicyOnExitCodesRequirement
  onPodConditions []batch.v1.PodFailurePolicyOnPodConditionsPattern
batch.v1.SuccessPolicy
  rules! []batch.v1.SuccessPolicyRule
batch.v1.SuccessPolicyRule
  succeededIndexes *string
  succeededCount *int
batch.v1.UncountedTerminatedPods
  succeeded []string#
  failed []string#
# io.k8s.api.certificates.v1
certificates.v1.CertificateSigningRequest
  metadata ObjectMeta
  spec! certificates.v1.CertificateSigningRequestSpec
  status certificates.v1.CertificateSigningRequestStatus
certificates.v1.CertificateSigningRequestCondition
  type! string
  status! string
  reason string
  message string
  lastUpdateTime time
  lastTransitionTime time
certificates.v1.CertificateSigningRequestSpec
  request! string
  signerName! string
  expirationSeconds *int
  usages []string
  username string
  uid string
  groups []string
  extra map<[]string>
certificates.v1.CertificateSigningRequestStatus
  conditions []certificates.v1.CertificateSigningRequestCondition#type
  certificate string
# io.k8s.api.core.v1
core.v1.AWSElasticBlockStoreVolumeSource
  volumeID! string
  fsType string
  partition int
  readOnly bool
core.v1.Affinity
  nodeAffinity *core.v1.NodeAffinity
  podAffinity *core.v1.PodAffinity
  podAntiAffinity *core.v1.PodAntiAffinity
core.v1.AppArmorProfile
  type! string
  localhostProfile *string
core.v1.AttachedVolume
  name! string
  devicePath! string
core.v1.AzureDiskVolumeSource
  diskName! string
  diskURI! string
  cachingMode *string
  fsType *string
  readOnly *bool
  kind *string
core.v1.AzureFilePersistentVolumeSource
  secretName! string
  shareName! string
  readOnly bool
  secretNamespace *string
core.v1.AzureFileVolumeSource
  secretName! string
  shareName! string
  readOnly bool
core.v1.Binding
  metadata ObjectMeta
  target! ObjectReference
core.v1.CSIPersistentVolumeSource
  driver! string
  volumeHandle! string
  readOnly bool
  fsType string
  volumeAttributes map<string>
  controllerPublishSecretRef *core.v1.SecretReference
  nodeStageSecretRef *core.v1.SecretReference
  nodePublishSecretRef *core.v1.SecretReference
  controllerExpandSecretRef *core.v1.SecretReference
  nodeExpandSecretRef *core.v1.SecretReference
core.v1.CSIVolumeSource
  driver! string
  readOnly *bool
  fsType *string
  volumeAttributes map<string>
  nodePublishSecretRef *LocalObjectReference
core.v1.Capabilities
  add []string
  drop []string
core.v1.CephFSPersistentVolumeSource
  monitors! []string
  path string
  user string
  secretFile string
  secretRef *core.v1.SecretReference
  readOnly bool
core.v1.CephFSVolumeSource
  monitors! []string
  path string
  user string
  secretFile string
  secretRef *LocalObjectReference
  readOnly bool
core.v1.CinderPersistentVolumeSource
  volumeID! string
  fsType string
  readOnly bool
  secretRef *core.v1.SecretReference
core.v1.CinderVolumeSource
  volumeID! string
  fsType string
  readOnly bool
  secretRef *LocalObjectReference
core.v1.ClusterTrustBundleProjection
  name *string
  signerName *string
  labelSelector *LabelSelector
  optional *bool
  path! string
core.v1.ComponentCondition
  type! string
  status! string
  message string
  error string
core.v1.ComponentStatus
  metadata ObjectMeta
  conditions []core.v1.ComponentCondition@type#type
core.v1.ConfigMap
  metadata ObjectMeta
  immutable *bool
  data map<string>
  binaryData map<string>
core.v1.ConfigMapEnvSource
  name string
  optional *bool
core.v1.ConfigMapKeySelector
  name string
  key! string
  optional *bool
core.v1.ConfigMapProjection
  name string
  items []core.v1.KeyToPath
  optional *bool
core.v1.ConfigMapVolumeSource
  name string
  items []core.v1.KeyToPath
  defaultMode *int
  optional *bool
core.v1.ContainerExtendedResourceRequest
  containerName! string
  resourceName! string
  requestName! string
core.v1.ContainerImage
  names []string
  sizeBytes int64
core.v1.ContainerResizePolicy
  resourceName! string
  restartPolicy! string
core.v1.ContainerRestartRule
  action! string
  exitCodes *core.v1.ContainerRestartRuleOnExitCodes
core.v1.ContainerRestartRuleOnExitCodes
  operator! string
  values []int#
core.v1.ContainerUser
  linux *core.v1.LinuxContainerUser
core.v1.DaemonEndpoint
  Port! int
core.v1.DownwardAPIProjection
  items []core.v1.DownwardAPIVolumeFile
core.v1.DownwardAPIVolumeFile
  path! string
  fieldRef *core.v1.ObjectFieldSelector
  resourceFieldRef *core.v1.ResourceFieldSelector
  mode *int
core.v1.DownwardAPIVolumeSource
  items []core.v1.DownwardAPIVolumeFile
  defaultMode *int
core.v1.EmptyDirVolumeSource
  medium string
  sizeLimit *quantity
core.v1.EnvFromSource
  prefix string
  configMapRef *core.v1.ConfigMapEnvSource
  secretRef *core.v1.SecretEnvSource
core.v1.EnvVarSource
  fieldRef *core.v1.ObjectFieldSelector
  resourceFieldRef *core.v1.ResourceFieldSelector
  configMapKeyRef *core.v1.ConfigMapKeySelector
  secretKeyRef *core.v1.SecretKeySelector
  fileKeyRef *core.v1.FileKeySelector
core.v1.EphemeralContainer
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
  targetContainerName string
core.v1.EphemeralVolumeSource
  volumeClaimTemplate *core.v1.PersistentVolumeClaimTemplate
core.v1.EventSeries
  count int
  lastObservedTime time
core.v1.FCVolumeSource
  targetWWNs []string
  lun *int
  fsType string
  readOnly bool
  wwids []string
core.v1.FileKeySelector
  volumeName! string
  path! string
  key! string
  optional *bool
core.v1.FlexPersistentVolumeSource
  driver! string
  fsType string
  secretRef *core.v1.SecretReference
  readOnly bool
  options map<string>
core.v1.FlexVolumeSource
  driver! string
  fsType string
  secretRef *LocalObjectReference
  readOnly bool
  options map<string>
core.v1.FlockerVolumeSource
  datasetName string
  datasetUUID string
core.v1.GCEPersistentDiskVolumeSource
  pdName! string
  fsType string
  partition int
  readOnly bool
core.v1.GRPCAction
  port! int
  service *string
core.v1.GitRepoVolumeSource
  repository! string
  revision string
  directory string
core.v1.GlusterfsPersistentVolumeSource
  endpoints! string
  path! string
  readOnly bool
  endpointsNamespace *string
core.v1.GlusterfsVolumeSource
  endpoints! string
  path! string
  readOnly bool
core.v1.HostAlias
  ip! string
  hostnames []string
core.v1.HostPathVolumeSource
  path! string
  type *string
core.v1.ISCSIPersistentVolumeSource
  targetPortal! string
  iqn! string
  lun! int
  iscsiInterface string
  fsType string
  readOnly bool
  portals []string
  chapAuthDiscovery bool
  chapAuthSession bool
  secretRef *core.v1.SecretReference
  initiatorName *string
core.v1.ISCSIVolumeSource
  targetPortal! string
  iqn! string
  lun! int
  iscsiInterface string
  fsType string
  readOnly bool
  portals []string
  chapAuthDiscovery bool
  chapAuthSession bool
  secretRef *LocalObjectReference
  initiatorName *string
core.v1.ImageVolumeSource
  reference string
  pullPolicy string
core.v1.KeyToPath
  key! string
  path! string
  mode *int
core.v1.LimitRange
  metadata ObjectMeta
  spec core.v1.LimitRangeSpec
core.v1.LimitRangeItem
  type! string
  max map<quantity>
  min map<quantity>
  default map<quantity>
  defaultRequest map<quantity>
  maxLimitRequestRatio map<quantity>
core.v1.LimitRangeSpec
  limits! []core.v1.LimitRangeItem
core.v1.LinuxContainerUser
  uid! int64
  gid! int64
  supplementalGroups []int64
core.v1.LocalVolumeSource
  path! string
  fsType *string
core.v1.ModifyVolumeStatus
  targetVolumeAttributesClassName string
  status! string
core.v1.NFSVolumeSource
  server! string
  path! string
  readOnly bool
core.v1.NodeAffinity
  requiredDuringSchedulingIgnoredDuringExecution *core.v1.NodeSelector
  preferredDuringSchedulingIgnoredDuringExecution []core.v1.PreferredSchedulingTerm
core.v1.NodeConfigStatus
  assigned *NodeConfigSource
  active *NodeConfigSource
  lastKnownGood *NodeConfigSource
  error string
core.v1.NodeDaemonEndpoints
  kubeletEndpoint core.v1.DaemonEndpoint
core.v1.NodeFeatures
  supplementalGroupsPolicy *bool
core.v1.NodeRuntimeHandler
  name string
  features *core.v1.NodeRuntimeHandlerFeatures
core.v1.NodeRuntimeHandlerFeatures
  recursiveReadOnlyMounts *bool
  userNamespaces *bool
core.v1.NodeSelector
  nodeSelectorTerms! []core.v1.NodeSelectorTerm
core.v1.NodeSelectorRequirement
  key! string
  operator! string
  values []string
core.v1.NodeSelectorTerm
  matchExpressions []core.v1.NodeSelectorRequirement
  matchFields []core.v1.NodeSelectorRequirement
core.v1.NodeSwapStatus
  capacity *int64
core.v1.NodeSystemInfo
  machineID! string
  systemUUID! string
  bootID! string
  kernelVersion! string
  osImage! string
  containerRuntimeVersion! string
  kubeletVersion! string
  kubeProxyVersion! string
  operatingSystem! string
  architecture! string
  swap *core.v1.NodeSwapStatus
core.v1.ObjectFieldSelector
  apiVersion string
  fieldPath! string
core.v1.PersistentVolume
  metadata ObjectMeta
  spec core.v1.PersistentVolumeSpec
  status core.v1.PersistentVolumeStatus
core.v1.PersistentVolumeClaim
  metadata ObjectMeta
  spec core.v1.PersistentVolumeClaimSpec
  status core.v1.PersistentVolumeClaimStatus
core.v1.PersistentVolumeClaimCondition
  type! string
  status! string
  lastProbeTime time
  lastTransitionTime time
  reason string
  message string
core.v1.PersistentVolumeClaimSpec
  accessModes []string
  selector *LabelSelector
  resources core.v1.VolumeResourceRequirements
  volumeName string
  storageClassName *string
  volumeMode *string
  dataSource *core.v1.TypedLocalObjectReference
  dataSourceRef *core.v1.TypedObjectReference
  volumeAttributesClassName *string
core.v1.PersistentVolumeClaimStatus
  phase string
  accessModes []string
  capacity map<quantity>
  conditions []core.v1.PersistentVolumeClaimCondition@type#type
  allocatedResources map<quantity>
  allocatedResourceStatuses map<string>
  currentVolumeAttributesClassName *string
  modifyVolumeStatus *core.v1.ModifyVolumeStatus
core.v1.PersistentVolumeClaimTemplate
  metadata ObjectMeta
  spec! core.v1.PersistentVolumeClaimSpec
core.v1.PersistentVolumeClaimVolumeSource
  claimName! string
  readOnly bool
core.v1.PersistentVolumeSpec
  capacity map<quantity>
  gcePersistentDisk *core.v1.GCEPersistentDiskVolumeSource
  awsElasticBlockStore *core.v1.AWSElasticBlockStoreVolumeSource
  hostPath *core.v1.HostPathVolumeSource
  glusterfs *core.v1.GlusterfsPersistentVolumeSource
  nfs *core.v1.NFSVolumeSource
  rbd *core.v1.RBDPersistentVolumeSource
  iscsi *core.v1.ISCSIPersistentVolumeSource
  cinder *core.v1.CinderPersistentVolumeSource
  cephfs *core.v1.CephFSPersistentVolumeSource
  fc *core.v1.FCVolumeSource
  flocker *core.v1.FlockerVolumeSource
  flexVolume *core.v1.FlexPersistentVolumeSource
  azureFile *core.v1.AzureFilePersistentVolumeSource
  vsphereVolume *core.v1.VsphereVirtualDiskVolumeSource
  quobyte *core.v1.QuobyteVolumeSource
  azureDisk *core.v1.AzureDiskVolumeSource
  photonPersistentDisk *core.v1.PhotonPersistentDiskVolumeSource
  portworxVolume *core.v1.PortworxVolumeSource
  scaleIO *core.v1.ScaleIOPersistentVolumeSource
  local *core.v1.LocalVolumeSource
  storageos *core.v1.StorageOSPersistentVolumeSource
  csi *core.v1.CSIPersistentVolumeSource
  accessModes []string
  claimRef *ObjectReference
  persistentVolumeReclaimPolicy string
  storageClassName string
  mountOptions []string
  volumeMode *string
  nodeAffinity *core.v1.VolumeNodeAffinity
  volumeAttributesClassName *string
core.v1.PersistentVolumeStatus
  phase string
  message string
  reason string
  lastPhaseTransitionTime *time
core.v1.PhotonPersistentDiskVolumeSource
  pdID! string
  fsType string
core.v1.PodAffinity
  requiredDuringSchedulingIgnoredDuringExecution []core.v1.PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution []core.v1.WeightedPodAffinityTerm
core.v1.PodAffinityTerm
  labelSelector *LabelSelector
  namespaces []string
  topologyKey! string
  namespaceSelector *LabelSelector
  matchLabelKeys []string
  mismatchLabelKeys []string
core.v1.PodAntiAffinity
  requiredDuringSchedulingIgnoredDuringExecution []core.v1.PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution []core.v1.WeightedPodAffinityTerm
core.v1.PodCertificateProjection
  signerName! string
  keyType! string
  maxExpirationSeconds *int
  credentialBundlePath string
  keyPath string
  certificateChainPath string
  userAnnotations map<string>
core.v1.PodDNSConfig
  nameservers []string
  searches []string
  options []core.v1.PodDNSConfigOption
core.v1.PodDNSConfigOption
  name string
  value *string
core.v1.PodExtendedResourceClaimStatus
  requestMappings! []core.v1.ContainerExtendedResourceRequest
  resourceClaimName! string
core.v1.PodOS
  name! string
core.v1.PodResourceClaim
  name! string
  resourceClaimName *string
  resourceClaimTemplateName *string
core.v1.PodResourceClaimStatus
  name! string
  resourceClaimName *string
core.v1.PodSchedulingGate
  name! string
core.v1.PodSecurityContext
  seLinuxOptions *core.v1.SELinuxOptions
  windowsOptions *core.v1.WindowsSecurityContextOptions
  runAsUser *int64
  runAsGroup *int64
  runAsNonRoot *bool
  supplementalGroups []int64
  supplementalGroupsPolicy *string
  fsGroup *int64
  sysctls []core.v1.Sysctl
  fsGroupChangePolicy *string
  seccompProfile *core.v1.SeccompProfile
  appArmorProfile *core.v1.AppArmorProfile
  seLinuxChangePolicy *string
core.v1.PodTemplate
  metadata ObjectMeta
  template PodTemplateSpec
core.v1.PortworxVolumeSource
  volumeID! string
  fsType string
  readOnly bool
core.v1.PreferredSchedulingTerm
  weight! int
  preference! core.v1.NodeSelectorTerm
core.v1.ProjectedVolumeSource
  sources []core.v1.VolumeProjection
  defaultMode *int
core.v1.QuobyteVolumeSource
  registry! string
  volume! string
  readOnly bool
  user string
  group string
  tenant string
core.v1.RBDPersistentVolumeSource
  monitors! []string
  image! string
  fsType string
  pool string
  user string
  keyring string
  secretRef *core.v1.SecretReference
  readOnly bool
core.v1.RBDVolumeSource
  monitors! []string
  image! string
  fsType string
  pool string
  user string
  keyring string
  secretRef *LocalObjectReference
  readOnly bool
core.v1.ReplicationController
  metadata ObjectMeta
  spec core.v1.ReplicationControllerSpec
  status core.v1.ReplicationControllerStatus
core.v1.ReplicationControllerCondition
  type! string
  status! string
  lastTransitionTime time
  reason string
  message string
core.v1.ReplicationControllerSpec
  replicas *int
  minReadySeconds int
  selector map<string>
  template *PodTemplateSpec
core.v1.ReplicationControllerStatus
  replicas! int
  fullyLabeledReplicas int
  readyReplicas int
  availableReplicas int
  observedGeneration int64
  conditions []core.v1.ReplicationControllerCondition@type#type
core.v1.ResourceClaim
  name! string
  request string
core.v1.ResourceFieldSelector
  containerName string
  resource! string
  divisor quantity
core.v1.ResourceHealth
  resourceID! string
  health string
core.v1.ResourceQuota
  metadata ObjectMeta
  spec core.v1.ResourceQuotaSpec
  status core.v1.ResourceQuotaStatus
core.v1.ResourceQuotaSpec
  hard map<quantity>
  scopes []string
  scopeSelector *core.v1.ScopeSelector
core.v1.ResourceQuotaStatus
  hard map<quantity>
  used map<quantity>
core.v1.ResourceStatus
  name! string
  resources []core.v1.ResourceHealth#resourceID
core.v1.SELinuxOptions
  user string
  role string
  type string
  level string
core.v1.ScaleIOPersistentVolumeSource
  gateway! string
  system! string
  secretRef! *core.v1.SecretReference
  sslEnabled bool
  protectionDomain string
  storagePool string
  storageMode string
  volumeName string
  fsType string
  readOnly bool
core.v1.ScaleIOVolumeSource
  gateway! string
  system! string
  secretRef! *LocalObjectReference
  sslEnabled bool
  protectionDomain string
  storagePool string
  storageMode string
  volumeName string
  fsType string
  readOnly bool
core.v1.ScopeSelector
  matchExpressions []core.v1.ScopedResourceSelectorRequirement
core.v1.ScopedResourceSelectorRequirement
  scopeName! string
  operator! string
  values []string
core.v1.SeccompProfile
  type! string
  localhostProfile *string
core.v1.Secret
  metadata ObjectMeta
  immutable *bool
  data map<string>
  stringData map<string>
  type string
core.v1.SecretEnvSource
  name string
  optional *bool
core.v1.SecretKeySelector
  name string
  key! string
  optional *bool
core.v1.SecretProjection
  name string
  items []core.v1.KeyToPath
  optional *bool
core.v1.SecretReference
  name string
  namespace string
core.v1.SecretVolumeSource
  secretName string
  items []core.v1.KeyToPath
  defaultMode *int
  optional *bool
core.v1.SecurityContext
  capabilities *core.v1.Capabilities
  privileged *bool
  seLinuxOptions *core.v1.SELinuxOptions
  windowsOptions *core.v1.WindowsSecurityContextOptions
  runAsUser *int64
  runAsGroup *int64
  runAsNonRoot *bool
  readOnlyRootFilesystem *bool
  allowPrivilegeEscalation *bool
  procMount *string
  seccompProfile *core.v1.SeccompProfile
  appArmorProfile *core.v1.AppArmorProfile
core.v1.ServiceAccount
  metadata ObjectMeta
  secrets []ObjectReference@name#name
  imagePullSecrets []LocalObjectReference
  automountServiceAccountToken *bool
core.v1.ServiceAccountTokenProjection
  audience string
  expirationSeconds *int64
  path! string
core.v1.StorageOSPersistentVolumeSource
  volumeName string
  volumeNamespace string
  fsType string
  readOnly bool
  secretRef *ObjectReference
core.v1.StorageOSVolumeSource
  volumeName string
  volumeNamespace string
  fsType string
  readOnly bool
  secretRef *LocalObjectReference
core.v1.Sysctl
  name! string
  value! string
core.v1.TopologySelectorLabelRequirement
  key! string
  values! []string
core.v1.TopologySelectorTerm
  matchLabelExpressions []core.v1.TopologySelectorLabelRequirement
core.v1.TopologySpreadConstraint
  maxSkew! int
  topologyKey! string
  whenUnsatisfiable! string
  labelSelector *LabelSelector
  minDomains *int
  nodeAffinityPolicy *string
  nodeTaintsPolicy *string
  matchLabelKeys []string
core.v1.TypedLocalObjectReference
  apiGroup *string
  kind! string
  name! string
core.v1.TypedObjectReference
  apiGroup *string
  kind! string
  name! string
  namespace *string
core.v1.Volume
  name! string
  hostPath *core.v1.HostPathVolumeSource
  emptyDir *core.v1.EmptyDirVolumeSource
  gcePersistentDisk *core.v1.GCEPersistentDiskVolumeSource
  awsElasticBlockStore *core.v1.AWSElasticBlockStoreVolumeSource
  gitRepo *core.v1.GitRepoVolumeSource
  secret *core.v1.SecretVolumeSource
  nfs *core.v1.NFSVolumeSource
  iscsi *core.v1.ISCSIVolumeSource
  glusterfs *core.v1.GlusterfsVolumeSource
  persistentVolumeClaim *core.v1.PersistentVolumeClaimVolumeSource
  rbd *core.v1.RBDVolumeSource
  flexVolume *core.v1.FlexVolumeSource
  cinder *core.v1.CinderVolumeSource
  cephfs *core.v1.CephFSVolumeSource
  flocker *core.v1.FlockerVolumeSource
  downwardAPI *core.v1.DownwardAPIVolumeSource
  fc *core.v1.FCVolumeSource
  azureFile *core.v1.AzureFileVolumeSource
  configMap *core.v1.ConfigMapVolumeSource
  vsphereVolume *core.v1.VsphereVirtualDiskVolumeSource
  quobyte *core.v1.QuobyteVolumeSource
  azureDisk *core.v1.AzureDiskVolumeSource
  photonPersistentDisk *core.v1.PhotonPersistentDiskVolumeSource
  projected *core.v1.ProjectedVolumeSource
  portworxVolume *core.v1.PortworxVolumeSource
  scaleIO *core.v1.ScaleIOVolumeSource
  storageos *core.v1.StorageOSVolumeSource
  csi *core.v1.CSIVolumeSource
  ephemeral *core.v1.EphemeralVolumeSource
  image *core.v1.ImageVolumeSource
core.v1.VolumeDevice
  name! string
  devicePath! string
core.v1.VolumeMount
  name! string
  readOnly bool
  recursiveReadOnly *string
  mountPath! string
  subPath string
  mountPropagation *string
  subPathExpr string
core.v1.VolumeMountStatus
  name! string
  mountPath! string
  readOnly bool
  recursiveReadOnly *string
core.v1.VolumeNodeAffinity
  required *core.v1.NodeSelector
core.v1.VolumeProjection
  secret *core.v1.SecretProjection
  downwardAPI *core.v1.DownwardAPIProjection
  configMap *core.v1.ConfigMapProjection
  serviceAccountToken *core.v1.ServiceAccountTokenProjection
  clusterTrustBundle *core.v1.ClusterTrustBundleProjection
  podCertificate *core.v1.PodCertificateProjection
core.v1.VolumeResourceRequirements
  limits map<quantity>
  requests map<quantity>
core.v1.VsphereVirtualDiskVolumeSource
  volumePath! string
  fsType string
  storagePolicyName string
  storagePolicyID string
core.v1.WeightedPodAffinityTerm
  weight! int
  podAffinityTerm! core.v1.PodAffinityTerm
core.v1.WindowsSecurityContextOptions
  gmsaCredentialSpecName *string
  gmsaCredentialSpec *string
  runAsUserName *string
  hostProcess *bool
core.v1.WorkloadReference
  name! string
  podGroup! string
  podGroupReplicaKey string
# io.k8s.api.events.v1
events.v1.Event
  metadata ObjectMeta
  eventTime! time
  series *events.v1.EventSeries
  reportingController string
  reportingInstance string
  action string
  reason string
  regarding ObjectReference
  related *ObjectReference
  note string
  type string
  deprecatedSource EventSource
  deprecatedFirstTimestamp time
  deprecatedLastTimestamp time
  deprecatedCount int
events.v1.EventSeries
  count! int
  lastObservedTime! time
# io.k8s.api.flowcontrol.v1
flowcontrol.v1.ExemptPriorityLevelConfiguration
  nominalConcurrencyShares *int
  lendablePercent *int
flowcontrol.v1.FlowDistinguisherMethod
  type! string
flowcontrol.v1.FlowSchema
  metadata ObjectMeta
  spec flowcontrol.v1.FlowSchemaSpec
  status flowcontrol.v1.FlowSchemaStatus
flowcontrol.v1.FlowSchemaCondition
  type string
  status string
  lastTransitionTime time
  reason string
  message string
flowcontrol.v1.FlowSchemaSpec
  priorityLevelConfiguration! flowcontrol.v1.PriorityLevelConfigurationReference
  matchingPrecedence int
  distinguisherMethod *flowcontrol.v1.FlowDistinguisherMethod
  rules []flowcontrol.v1.PolicyRulesWithSubjects
flowcontrol.v1.FlowSchemaStatus
  conditions []flowcontrol.v1.FlowSchemaCondition@type#type
flowcontrol.v1.GroupSubject
  name! string
flowcontrol.v1.LimitResponse
  type! string
  queuing *flowcontrol.v1.QueuingConfiguration
flowcontrol.v1.LimitedPriorityLevelConfiguration
  nominalConcurrencyShares *int
  limitResponse flowcontrol.v1.LimitResponse
  lendablePercent *int
  borrowingLimitPercent *int
flowcontrol.v1.NonResourcePolicyRule
  verbs! []string#
  nonResourceURLs! []string#
flowcontrol.v1.PolicyRulesWithSubjects
  subjects! []flowcontrol.v1.Subject
  resourceRules []flowcontrol.v1.ResourcePolicyRule
  nonResourceRules []flowcontrol.v1.NonResourcePolicyRule
flowcontrol.v1.PriorityLevelConfiguration
  metadata ObjectMeta
  spec flowcontrol.v1.PriorityLevelConfigurationSpec
  status flowcontrol.v1.PriorityLevelConfigurationStatus
flowcontrol.v1.PriorityLevelConfigurationCondition
  type string
  status string
  lastTransitionTime time
  reason string
  message string
flowcontrol.v1.PriorityLevelConfigurationReference
  name! string
flowcontrol.v1.PriorityLevelConfigurationSpec
  type! string
  limited *flowcontrol.v1.LimitedPriorityLevelConfiguration
  exempt *flowcontrol.v1.ExemptPriorityLevelConfiguration
flowcontrol.v1.PriorityLevelConfigurationStatus
  conditions []flowcontrol.v1.PriorityLevelConfigurationCondition@type#type
flowcontrol.v1.QueuingConfiguration
  queues int
  handSize int
  queueLengthLimit int
flowcontrol.v1.ResourcePolicyRule
  verbs! []string#
  apiGroups! []string#
  resources! []string#
  clusterScope bool
  namespaces []string#
flowcontrol.v1.ServiceAccountSubject
  namespace! string
  name! string
flowcontrol.v1.Subject
  kind! string
  user *flowcontrol.v1.UserSubject
  group *flowcontrol.v1.GroupSubject
  serviceAccount *flowcontrol.v1.ServiceAccountSubject
flowcontrol.v1.UserSubject
  name! string
# io.k8s.api.networking.v1
networking.v1.HTTPIngressPath
  path string
  pathType! *string
  backend! networking.v1.IngressBackend
networking.v1.HTTPIngressRuleValue
  paths! []networking.v1.HTTPIngressPath
networking.v1.IPAddress
  metadata ObjectMeta
  spec networking.v1.IPAddressSpec
networking.v1.IPAddressSpec
  parentRef! *networking.v1.ParentReference
networking.v1.IPBlock
  cidr! string
  except []string
networking.v1.Ingress
  metadata ObjectMeta
  spec networking.v1.IngressSpec
  status networking.v1.IngressStatus
networking.v1.IngressBackend
  service *networking.v1.IngressServiceBackend
  resource *core.v1.TypedLocalObjectReference
networking.v1.IngressClass
  metadata ObjectMeta
  spec networking.v1.IngressClassSpec
networking.v1.IngressClassParametersReference
  apiGroup *string
  kind! string
  name! string
  scope *string
  namespace *string
networking.v1.IngressClassSpec
  controller string
  parameters *networking.v1.IngressClassParametersReference
networking.v1.IngressLoadBalancerIngress
  ip string
  hostname string
  ports []networking.v1.IngressPortStatus
networking.v1.IngressLoadBalancerStatus
  ingress []networking.v1.IngressLoadBalancerIngress
networking.v1.IngressPortStatus
  port! int
  protocol! string
  error *string
networking.v1.IngressRule
  host string
  http *networking.v1.HTTPIngressRuleValue
networking.v1.IngressServiceBackend
  name! string
  port networking.v1.ServiceBackendPort
networking.v1.IngressSpec
  ingressClassName *string
  defaultBackend *networking.v1.IngressBackend
  tls []networking.v1.IngressTLS
  rules []networking.v1.IngressRule
networking.v1.IngressStatus
  loadBalancer networking.v1.IngressLoadBalancerStatus
networking.v1.IngressTLS
  hosts []string
  secretName string
networking.v1.NetworkPolicy
  metadata ObjectMeta
  spec networking.v1.NetworkPolicySpec
networking.v1.NetworkPolicyEgressRule
  ports []networking.v1.NetworkPolicyPort
  to []networking.v1.NetworkPolicyPeer
networking.v1.NetworkPolicyIngressRule
  ports []networking.v1.NetworkPolicyPort
  from []networking.v1.NetworkPolicyPeer
networking.v1.NetworkPolicyPeer
  podSelector *LabelSelector
  namespaceSelector *LabelSelector
  ipBlock *networking.v1.IPBlock
networking.v1.NetworkPolicyPort
  protocol *string
  port *intOrString
  endPort *int
networking.v1.NetworkPolicySpec
  podSelector LabelSelector
  ingress []networking.v1.NetworkPolicyIngressRule
  egress []networking.v1.NetworkPolicyEgressRule
  policyTypes []string
networking.v1.ParentReference
  group string
  resource! string
  namespace string
  name! string
networking.v1.ServiceBackendPort
  name string
  number int
networking.v1.ServiceCIDR
  metadata ObjectMeta
  spec networking.v1.ServiceCIDRSpec
  status networking.v1.ServiceCIDRStatus
networking.v1.ServiceCIDRSpec
  cidrs []string
networking.v1.ServiceCIDRStatus
  conditions []Condition@type#type
# io.k8s.api.node.v1
node.v1.Overhead
  podFixed map<quantity>
node.v1.RuntimeClass
  metadata ObjectMeta
  handler! string
  overhead *node.v1.Overhead
  scheduling *node.v1.Scheduling
node.v1.Scheduling
  nodeSelector map<string>
  tolerations []Toleration
# io.k8s.api.policy.v1
policy.v1.Eviction
  kind string
  apiVersion string
  metadata ObjectMeta
  deleteOptions *DeleteOptions
policy.v1.PodDisruptionBudget
  metadata ObjectMeta
  spec policy.v1.PodDisruptionBudgetSpec
  status policy.v1.PodDisruptionBudgetStatus
policy.v1.PodDisruptionBudgetSpec
  minAvailable *intOrString
  selector *LabelSelector
  maxUnavailable *intOrString
  unhealthyPodEvictionPolicy *string
policy.v1.PodDisruptionBudgetStatus
  observedGeneration int64
  disruptedPods map<time>
  disruptionsAllowed! int
  currentHealthy! int
  desiredHealthy! int
  expectedPods! int
  conditions []Condition@type#type
# io.k8s.api.rbac.v1
rbac.v1.AggregationRule
  clusterRoleSelectors []LabelSelector
rbac.v1.ClusterRole
  metadata ObjectMeta
  rules []rbac.v1.PolicyRule
  aggregationRule *rbac.v1.AggregationRule
rbac.v1.ClusterRoleBinding
  metadata ObjectMeta
  subjects []rbac.v1.Subject
  roleRef! rbac.v1.RoleRef
rbac.v1.PolicyRule
  verbs! []string
  apiGroups []string
  resources []string
  resourceNames []string
  nonResourceURLs []string
rbac.v1.Role
  metadata ObjectMeta
  rules []rbac.v1.PolicyRule
rbac.v1.RoleBinding
  metadata ObjectMeta
  subjects []rbac.v1.Subject
  roleRef! rbac.v1.RoleRef
rbac.v1.RoleRef
  apiGroup! string
  kind! string
  name! string
rbac.v1.Subject
  kind! string
  apiGroup string
  name! string
  namespace string
# io.k8s.api.resource.v1
resource.v1.AllocatedDeviceStatus
  driver! string
  pool! string
  device! string
  shareID *string
  conditions []Condition#type
  data *pkg.runtime.RawExtension
  networkData *resource.v1.NetworkDeviceData
resource.v1.AllocationResult
  devices resource.v1.DeviceAllocationResult
  nodeSelector *core.v1.NodeSelector
  allocationTimestamp *time
resource.v1.CELDeviceSelector
  expression! string
resource.v1.CapacityRequestPolicy
  default *quantity
  validValues []quantity
  validRange *resource.v1.CapacityRequestPolicyRange
resource.v1.CapacityRequestPolicyRange
  min! *quantity
  max *quantity
  step *quantity
resource.v1.CapacityRequirements
  requests map<quantity>
resource.v1.Counter
  value! quantity
resource.v1.CounterSet
  name! string
  counters! map<resource.v1.Counter>
resource.v1.Device
  name! string
  attributes map<resource.v1.DeviceAttribute>
  capacity map<resource.v1.DeviceCapacity>
  consumesCounters []resource.v1.DeviceCounterConsumption
  nodeName *string
  nodeSelector *core.v1.NodeSelector
  allNodes *bool
  taints []resource.v1.DeviceTaint
  bindsToNode *bool
  bindingConditions []string
  bindingFailureConditions []string
  allowMultipleAllocations *bool
resource.v1.DeviceAllocationConfiguration
  source! string
  requests []string
  opaque *resource.v1.OpaqueDeviceConfiguration
resource.v1.DeviceAllocationResult
  results []resource.v1.DeviceRequestAllocationResult
  config []resource.v1.DeviceAllocationConfiguration
resource.v1.DeviceAttribute
  int *int64
  bool *bool
  string *string
  version *string
resource.v1.DeviceCapacity
  value! quantity
  requestPolicy *resource.v1.CapacityRequestPolicy
resource.v1.DeviceClaim
  requests []resource.v1.DeviceRequest
  constraints []resource.v1.DeviceConstraint
  config []resource.v1.DeviceClaimConfiguration
resource.v1.DeviceClaimConfiguration
  requests []string
  opaque *resource.v1.OpaqueDeviceConfiguration
resource.v1.DeviceClass
  metadata ObjectMeta
  spec! resource.v1.DeviceClassSpec
resource.v1.DeviceClassConfiguration
  opaque *resource.v1.OpaqueDeviceConfiguration
resource.v1.DeviceClassSpec
  selectors []resource.v1.DeviceSelector
  config []resource.v1.DeviceClassConfiguration
  extendedResourceName *string
resource.v1.DeviceConstraint
  requests []string
  matchAttribute *string
  distinctAttribute *string
resource.v1.DeviceCounterConsumption
  counterSet! string
  counters! map<resource.v1.Counter>
resource.v1.DeviceRequest
  name! string
  exactly *resource.v1.ExactDeviceRequest
  firstAvailable []resource.v1.DeviceSubRequest
resource.v1.DeviceRequestAllocationResult
  request! string
  driver! string
  pool! string
  device! string
  adminAccess *bool
  tolerations []resource.v1.DeviceToleration
  bindingConditions []string
  bindingFailureConditions []string
  shareID *string
  consumedCapacity map<quantity>
resource.v1.DeviceSelector
  cel *resource.v1.CELDeviceSelector
resource.v1.DeviceSubRequest
  name! string
  deviceClassName! string
  selectors []resource.v1.DeviceSelector
  allocationMode string
  count int64
  tolerations []resource.v1.DeviceToleration
  capacity *resource.v1.CapacityRequirements
resource.v1.DeviceTaint
  key! string
  value string
  effect! string
  timeAdded *time
resource.v1.DeviceToleration
  key string
  operator string
  value string
  effect string
  tolerationSeconds *int64
resource.v1.ExactDeviceRequest
  deviceClassName! string
  selectors []resource.v1.DeviceSelector
  allocationMode string
  count int64
  adminAccess *bool
  tolerations []resource.v1.DeviceToleration
  capacity *resource.v1.CapacityRequirements
resource.v1.NetworkDeviceData
  interfaceName string
  ips []string
  hardwareAddress string
resource.v1.OpaqueDeviceConfiguration
  driver! string
  parameters! pkg.runtime.RawExtension
resource.v1.ResourceClaim
  metadata ObjectMeta
  spec! resource.v1.ResourceClaimSpec
  status resource.v1.ResourceClaimStatus
resource.v1.ResourceClaimConsumerReference
  apiGroup string
  resource! string
  name! string
  uid! string
resource.v1.ResourceClaimSpec
  devices resource.v1.DeviceClaim
resource.v1.ResourceClaimStatus
  allocation *resource.v1.AllocationResult
  reservedFor []resource.v1.ResourceClaimConsumerReference@uid#uid
  devices []resource.v1.AllocatedDeviceStatus#driver,device,pool,shareID
resource.v1.ResourceClaimTemplate
  metadata ObjectMeta
  spec! resource.v1.ResourceClaimTemplateSpec
resource.v1.ResourceClaimTemplateSpec
  metadata ObjectMeta
  spec! resource.v1.ResourceClaimSpec
resource.v1.ResourcePool
  name! string
  generation! int64
  resourceSliceCount! int64
resource.v1.ResourceSlice
  metadata ObjectMeta
  spec! resource.v1.ResourceSliceSpec
resource.v1.ResourceSliceSpec
  driver! string
  pool! resource.v1.ResourcePool
  nodeName *string
  nodeSelector *core.v1.NodeSelector
  allNodes *bool
  devices []resource.v1.Device
  perDeviceNodeSelection *bool
  sharedCounters []resource.v1.CounterSet
# io.k8s.api.scheduling.v1
scheduling.v1.PriorityClass
  metadata ObjectMeta
  value! int
  globalDefault bool
  description string
  preemptionPolicy *string
# io.k8s.api.storage.v1
storage.v1.CSIDriver
  metadata ObjectMeta
  spec! storage.v1.CSIDriverSpec
storage.v1.CSIDriverSpec
  attachRequired *bool
  podInfoOnMount *bool
  volumeLifecycleModes []string#
  storageCapacity *bool
  fsGroupPolicy *string
  tokenRequests []storage.v1.TokenRequest
  requiresRepublish *bool
  seLinuxMount *bool
  nodeAllocatableUpdatePeriodSeconds *int64
  serviceAccountTokenInSecrets *bool
storage.v1.CSINode
  metadata ObjectMeta
  spec! storage.v1.CSINodeSpec
storage.v1.CSINodeDriver
  name! string
  nodeID! string
  topologyKeys []string
  allocatable *storage.v1.VolumeNodeResources
storage.v1.CSINodeSpec
  drivers! []storage.v1.CSINodeDriver@name#name
storage.v1.CSIStorageCapacity
  metadata ObjectMeta
  nodeTopology *LabelSelector
  storageClassName! string
  capacity *quantity
  maximumVolumeSize *quantity
storage.v1.StorageClass
  metadata ObjectMeta
  provisioner! string
  parameters map<string>
  reclaimPolicy *string
  mountOptions []string
  allowVolumeExpansion *bool
  volumeBindingMode *string
  allowedTopologies []core.v1.TopologySelectorTerm
storage.v1.TokenRequest
  audience! string
  expirationSeconds *int64
storage.v1.VolumeAttachment
  metadata ObjectMeta
  spec! storage.v1.VolumeAttachmentSpec
  status storage.v1.VolumeAttachmentStatus
storage.v1.VolumeAttachmentSource
  persistentVolumeName *string
  inlineVolumeSpec *core.v1.PersistentVolumeSpec
storage.v1.VolumeAttachmentSpec
  attacher! string
  source! storage.v1.VolumeAttachmentSource
  nodeName! string
storage.v1.VolumeAttachmentStatus
  attached! bool
  attachmentMetadata map<string>
  attachError *storage.v1.VolumeError
  detachError *storage.v1.VolumeError
storage.v1.VolumeAttributesClass
  metadata ObjectMeta
  driverName! string
  parameters map<string>
storage.v1.VolumeError
  time time
  message string
  errorCode *int
storage.v1.VolumeNodeResources
  count *int
# io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1
apiextensions.v1.CustomResourceColumnDefinition
  description string
  format string
  jsonPath! string
  name! string
  priority int
  type! string
apiextensions.v1.CustomResourceConversion
  strategy! string
  webhook apiextensions.v1.WebhookConversion
apiextensions.v1.CustomResourceDefinition
  metadata ObjectMeta
  spec! apiextensions.v1.CustomResourceDefinitionSpec
  status apiextensions.v1.CustomResourceDefinitionStatus
apiextensions.v1.CustomResourceDefinitionCondition
  lastTransitionTime time
  message string
  observedGeneration int64
  reason string
  status! string
  type! string
apiextensions.v1.CustomResourceDefinitionNames
  categories []string
  kind! string
  listKind string
  plural! string
  shortNames []string
  singular string
apiextensions.v1.CustomResourceDefinitionSpec
  conversion apiextensions.v1.CustomResourceConversion
  group! string
  names! apiextensions.v1.CustomResourceDefinitionNames
  preserveUnknownFields bool
  scope! string
  versions! []apiextensions.v1.CustomResourceDefinitionVersion
apiextensions.v1.CustomResourceDefinitionStatus
  acceptedNames apiextensions.v1.CustomResourceDefinitionNames
  conditions []apiextensions.v1.CustomResourceDefinitionCondition#type
  observedGeneration int64
  storedVersions []string
apiextensions.v1.CustomResourceDefinitionVersion
  additionalPrinterColumns []apiextensions.v1.CustomResourceColumnDefinition
  deprecated bool
  deprecationWarning string
  name! string
  schema apiextensions.v1.CustomResourceValidation
  selectableFields []apiextensions.v1.SelectableField
  served! bool
  storage! bool
  subresources apiextensions.v1.CustomResourceSubresources
apiextensions.v1.CustomResourceSubresourceScale
  labelSelectorPath string
  specReplicasPath! string
  statusReplicasPath! string
apiextensions.v1.CustomResourceSubresources
  scale apiextensions.v1.CustomResourceSubresourceScale
  status apiextensions.v1.CustomResourceSubresourceStatus
apiextensions.v1.CustomResourceValidation
  openAPIV3Schema apiextensions.v1.JSONSchemaProps
apiextensions.v1.ExternalDocumentation
  description string
  url string
apiextensions.v1.JSONSchemaProps
  $ref string
  $schema string
  additionalItems any
  additionalProperties any
  allOf []apiextensions.v1.JSONSchemaProps
  anyOf []apiextensions.v1.JSONSchemaProps
  default any
  definitions map<apiextensions.v1.JSONSchemaProps>
  dependencies map<any>
  description string
  enum []any
  example any
  exclusiveMaximum bool
  exclusiveMinimum bool
  externalDocs apiextensions.v1.ExternalDocumentation
  format string
  id string
  items any
  maxItems int64
  maxLength int64
  maxProperties int64
  maximum number
  minItems int64
  minLength int64
  minProperties int64
  minimum number
  multipleOf number
  not apiextensions.v1.JSONSchemaProps
  nullable bool
  oneOf []apiextensions.v1.JSONSchemaProps
  pattern string
  patternProperties map<apiextensions.v1.JSONSchemaProps>
  properties map<apiextensions.v1.JSONSchemaProps>
  required []string
  title string
  type string
  uniqueItems bool
  x-kubernetes-embedded-resource bool
  x-kubernetes-int-or-string bool
  x-kubernetes-list-map-keys []string
  x-kubernetes-list-type string
  x-kubernetes-map-type string
  x-kubernetes-preserve-unknown-fields bool
  x-kubernetes-validations []apiextensions.v1.ValidationRule@rule#rule
apiextensions.v1.SelectableField
  jsonPath! string
apiextensions.v1.ServiceReference
  name! string
  namespace! string
  path string
  port int
apiextensions.v1.ValidationRule
  fieldPath string
  message string
  messageExpression string
  optionalOldSelf bool
  reason string
  rule! string
apiextensions.v1.WebhookClientConfig
  caBundle string
  service apiextensions.v1.ServiceReference
  url string
apiextensions.v1.WebhookConversion
  clientConfig apiextensions.v1.WebhookClientConfig
  conversionReviewVersions! []string
# io.k8s.apimachinery.pkg.apis.meta.v1
meta.v1.APIGroup
  kind string
  apiVersion string
  name! string
  versions! []meta.v1.GroupVersionForDiscovery
  preferredVersion meta.v1.GroupVersionForDiscovery
  serverAddressByClientCIDRs []meta.v1.ServerAddressByClientCIDR
meta.v1.APIResource
  name! string
  singularName! string
  namespaced! bool
  group string
  version string
  kind! string
  verbs! []string
  shortNames []string
  categories []string
  storageVersionHash string
meta.v1.APIVersions
  kind string
  apiVersion string
  versions! []string
  serverAddressByClientCIDRs! []meta.v1.ServerAddressByClientCIDR
meta.v1.FieldSelectorRequirement
  key! string
  operator! string
  values []string
meta.v1.GroupResource
  group! string
  resource! string
meta.v1.GroupVersionForDiscovery
  groupVersion! string
  version! string
meta.v1.ListMeta
  selfLink string
  resourceVersion string
  continue string
  remainingItemCount *int64
meta.v1.ManagedFieldsEntry
  manager string
  operation string
  apiVersion string
  time *time
  fieldsType string
  fieldsV1 *any
  subresource string
meta.v1.ServerAddressByClientCIDR
  clientCIDR! string
  serverAddress! string
meta.v1.Status
  kind string
  apiVersion string
  metadata meta.v1.ListMeta
  status string
  message string
  reason string
  details *meta.v1.StatusDetails
  code int
meta.v1.StatusCause
  reason string
  message string
  field string
meta.v1.StatusDetails
  name string
  group string
  kind string
  uid string
  causes []meta.v1.StatusCause
  retryAfterSeconds int
meta.v1.WatchEvent
  type! string
  object! pkg.runtime.RawExtension
# io.k8s.apimachinery.pkg.version
pkg.version.Info
  buildDate! string
  compiler! string
  emulationMajor string
  emulationMinor string
  gitCommit! string
  gitTreeState! string
  gitVersion! string
  goVersion! string
  major! string
  minCompatibilityMajor string
  minCompatibilityMinor string
  minor! string
  platform! string
# io.k8s.kube-aggregator.pkg.apis.apiregistration.v1
apiregistration.v1.APIService
  metadata ObjectMeta
  spec apiregistration.v1.APIServiceSpec
  status apiregistration.v1.APIServiceStatus
apiregistration.v1.APIServiceCondition
  lastTransitionTime time
  message string
  reason string
  status! string
  type! string
apiregistration.v1.APIServiceSpec
  caBundle string
  group string
  groupPriorityMinimum! int
  insecureSkipTLSVerify bool
  service apiregistration.v1.ServiceReference
  version string
  versionPriority! int
apiregistration.v1.APIServiceStatus
  conditions []apiregistration.v1.APIServiceCondition@type#type
apiregistration.v1.ServiceReference
  name string
  namespace string
  port int
`;
