/**
 * The words that everybody's cluster has, which tell nothing of somebody's: they are kept when
 * names are replaced. Whatever is not here is replaced.
 */

/** Anywhere. */
export const common = words(`
  default kube system public lease kubernetes svc cluster local true false
  http https tcp udp sctp grpc dns metrics none external linux windows amd64 arm64
  primary localhost
`);

/** In a command line: what a process listens on is read from it. */
export const commandWords = words(`
  sh bash ash dash c exec trap while until do done if then fi sleep infinity tail true false echo cat date
  pause yes dev null exit http server bind listen host addr address interface port p b s l f
  flask run mlflow ui uvicorn hypercorn daphne gunicorn fastapi mkdocs serve artisan manage py runserver ng hugo
  jekyll kubectl proxy tensorboard h config all
  kube mode cluster cidr hostname override detect local bridge name prefix nodeport nodeports addresses primary
  masquerade bit iptables ipvs nftables localhost conntrack tcp be liberal clustercidr nodecidr bridgeinterface
  interfacenameprefix server agent disable arg
`);

/** In the message of a scheduler, a kubelet or the API server. */
export const messageWords = words(`
  nodes node are is available didn t match pod pods s affinity selector anti had untolerated taint taints
  that the tolerate were unschedulable insufficient cpu memory too many no preemption not helpful for scheduling
  victims found on incoming have free ports requested with unready status containers statuses initialized
  readiness probe failed liveness startup back off restarting image pull pulling error errimagepull
  imagepullbackoff not-ready unreachable kubelet stopped posting exit code of in to and by
  rules topology spread constraints missing required label new claims deallocate scheduling blocked due non empty
  gates forbidden exceeded quota used limited violates podsecurity restricted baseline privileged latest
  priorityclass runtimeclass serviceaccount service account name was looking up creating
`);

/** In the values of annotations that a cloud reads. */
export const annotationWords = words(`
  auto disabled enabled ip nlb nlb-ip instance internal internet facing network ingress exposed ports proxy protocol
`);

/** Programs of every cluster: a name that begins with one begins so afterwards. */
export const components =
  /^(?:kube-node-lease|default-scheduler|kube-proxy|kube-dns|coredns|kube-apiserver|kube-controller-manager|kube-scheduler|etcd|calico-node|cilium|kube-flannel|flannel|weave-net|aws-node|kindnet|antrea-agent|antrea|canal|ovnkube-node|ovnkube|kube-router)(?=-|$)/;

/** Keys of labels that charts and tutorials give everybody's objects. */
const usualKeys = words(`
  app name tier component role run release version k8s-app instance service pod-template-hash
  controller-revision-hash pod-template-generation
`);

/** Whether the key of a label or a taint is Kubernetes' own or one of the usual ones. */
export const isPublicKey = (key: string): boolean =>
  usualKeys.has(key) || /(^|\.)(kubernetes\.io|k8s\.io)\//.test(key);

/** Annotations that decide about traffic are kept, by these names; others are left out. */
export const isPublicAnnotation = (key: string): boolean =>
  (isPublicKey(key) || key.startsWith("cloud.google.com/")) &&
  !/last-applied|^kubernetes\.io\/config|description/.test(key);

/** Fields whose values are Kubernetes' own words. */
export const ownWords = words(`
  kind apiVersion type reason phase protocol addressType dnsPolicy restartPolicy externalTrafficPolicy
  internalTrafficPolicy sessionAffinity ipFamilyPolicy ipFamilies trafficDistribution effect operator scheme
  qosClass imagePullPolicy appProtocol policyTypes ipMode concurrencyPolicy podManagementPolicy whenUnsatisfiable
  accessModes mode detectLocalMode
`);

/** The words are kept as they are written here: fields have capitals. */
function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}
