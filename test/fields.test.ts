/**
 * Each field of what people write that could decide whether a request is answered, in one sentence:
 * it is modelled, or the verdict says what was taken for granted, or it cannot matter. A field that
 * is in Kubernetes' description of these types and not in a table here fails the test.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { aws, parse, type Disposition, type Founded, type Journey } from "stopover";
import { openDocuments } from "stopover/internal/doors/cli/opened";
import "stopover/internal/objects/built-in";
import { typeOf } from "stopover/internal/objects/schema";

const test = suite("fields");

interface Case {
  pod?: object;
  container?: object;
  service?: object;
  metadata?: object;
  /** Objects beside the Service, in place of the Pod where there is an EndpointSlice. */
  more?: object[];
  url?: string;
  from?: string;
  snapshot?: boolean;
}

/** How it ends, and what is said of the field: as the reason, or as assumed or left out. */
type Row = [field: string, sentence: string, change: Case, ends: Disposition, says?: RegExp];

// ---- the request: a Pod asks a Service of one Pod -----------------------------------------------

const meta = (name: string, more: object = {}) => ({ name, namespace: "default", ...more });

const webPod = ({ pod, container }: Case) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: meta("web", { labels: { app: "web" } }),
  spec: {
    containers: [{ name: "c", image: "nginx", ports: [{ containerPort: 80 }], ...container }],
    ...pod,
  },
});

const client = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: meta("client"),
  spec: {
    containers: [{ name: "c", image: "busybox", command: ["sleep", "infinity"] }],
    tolerations: [{ operator: "Exists" }],
  },
};

const webService = ({ service, metadata }: Case) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: meta("web", metadata),
  spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...service },
});

function ask(change: Case): Founded<Journey> & { notices: string[] } {
  const { more = [], url = "http://web/", from = "pod/default/client", snapshot = false } = change;
  const items = [...more, ...(snapshot ? [] : [webPod(change), client]), webService(change)];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  const documents = parse(list, { partial: true, ...(snapshot && { as: "dump" as const }) });
  const notices = (documents.notices ?? []).map(({ text }) => text);
  const cluster = openDocuments(documents, {
    ...(snapshot ? { snapshot } : { cloud: aws() }),
    onNotice: ({ text }) => notices.push(text),
  });
  return { ...cluster.request(url, { from }), notices };
}

const listens = /is taken to listen on TCP 80, since it is declared/;

/** All that is said of a verdict, but for the one thing that is said of every Pod. */
const said = ({ reason, assumed, leftOut, notices, disposition }: ReturnType<typeof ask>) =>
  [
    ...(disposition === "delivered" ? [] : [reason]),
    ...[...assumed, ...leftOut].map((one) => `${one.object} ${one.field}: ${one.sentence}`),
    ...notices,
  ].filter((line) => !listens.test(line));

function table(type: string, rows: readonly Row[]): void {
  test(`${type}: each of its fields is in the table`, () => {
    const fields = [...typeOf(type).fields.keys()].filter(
      (field) => !["apiVersion", "kind", "metadata"].includes(field),
    );
    assert.equal([...new Set(rows.map(([field]) => field.split(/[.[]/)[0]))].sort(), fields.sort());
  });
  for (const [field, sentence, change, ends, says] of rows)
    test(`${type}.${field} ${sentence}`, () => {
      const answer = ask(change);
      const words = said(answer);
      assert.is(answer.disposition, ends, `${answer.reason}\n${words.join("\n")}`);
      if (says) assert.match(words.join("\n"), says);
      else if (ends === "delivered") assert.equal(words, []);
    });
}

test("the request that all of them change is answered", () => {
  const answer = ask({});
  assert.is(answer.disposition, "delivered");
  assert.equal(said(answer), []);
});

// ---- PodSpec -----------------------------------------------------------------------------------

const pod = (spec: object): Case => ({ pod: spec });
const volume = (source: object): Case => pod({ volumes: [{ name: "v", ...source }] });
const config = { apiVersion: "v1", kind: "ConfigMap", metadata: meta("app"), data: { b: "1" } };
const need = (labelled: object) => ({
  requiredDuringSchedulingIgnoredDuringExecution: labelled,
});

table("PodSpec", [
  [
    "volumes",
    "of a ConfigMap that no document makes takes it to be there",
    volume({ configMap: { name: "app" } }),
    "delivered",
    /spec\.volumes\[0\]: ConfigMap app is taken to be there/,
  ],
  [
    "volumes.items",
    "wants a key that the ConfigMap does not have: the Pod waits",
    { ...volume({ configMap: { name: "app", items: [{ key: "a", path: "a" }] } }), more: [config] },
    "rejected",
    /a volume of Pod default\/web cannot be mounted: .*configmap references non-existent config key: a/,
  ],
  [
    "volumes.secret",
    "takes a Secret to be there",
    volume({ secret: { secretName: "x" } }),
    "delivered",
    /Secret x is taken to be there/,
  ],
  [
    "volumes.persistentVolumeClaim",
    "takes the claim to be bound",
    volume({ persistentVolumeClaim: { claimName: "x" } }),
    "delivered",
    /the claim x is taken to be bound/,
  ],
  [
    "volumes.ephemeral",
    "takes its claim to be bound",
    volume({
      ephemeral: {
        volumeClaimTemplate: {
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "fast",
            resources: { requests: { storage: "1Gi" } },
          },
        },
      },
    }),
    "delivered",
    /its claim is taken to be bound/,
  ],
  [
    "volumes.hostPath",
    "that must be there is taken to be there",
    volume({ hostPath: { path: "/x", type: "Socket" } }),
    "delivered",
    /\/x is taken to be on the node, a Socket/,
  ],
  [
    "volumes.hostPath.type",
    "that is made if need be is no question",
    volume({ hostPath: { path: "/x", type: "DirectoryOrCreate" } }),
    "delivered",
  ],
  [
    "volumes.csi",
    "takes the driver to be there",
    volume({ csi: { driver: "secrets-store.csi.k8s.io" } }),
    "delivered",
    /the driver secrets-store\.csi\.k8s\.io is taken to be on the node/,
  ],
  [
    "volumes.nfs",
    "takes the volume to be mounted",
    volume({ nfs: { server: "nfs", path: "/" } }),
    "delivered",
    /nfs: is taken to be mounted/,
  ],
  [
    "volumes.image",
    "takes the image to be had",
    volume({ image: { reference: "shop/data:1" } }),
    "delivered",
    /the image shop\/data:1 is taken to be had/,
  ],
  ["volumes.emptyDir", "is a matter of the Pod's alone", volume({ emptyDir: {} }), "delivered"],
  [
    "initContainers",
    "of whose command nothing is known is taken to end well",
    pod({
      initContainers: [
        {
          name: "i",
          image: "busybox",
          command: ["sh", "-c", "until nslookup db; do sleep 2; done"],
        },
      ],
    }),
    "delivered",
    /spec\.initContainers\[0\]: its command is taken to end well/,
  ],
  [
    "initContainers.command",
    "that fails keeps the others waiting",
    pod({ initContainers: [{ name: "i", image: "busybox", command: ["false"] }] }),
    "rejected",
    /init container i of Pod default\/web has not ended well/,
  ],
  [
    "initContainers.restartPolicy",
    "Always is a sidecar, which nobody waits for to end",
    pod({
      initContainers: [{ name: "i", image: "envoyproxy/envoy:v1.32.0", restartPolicy: "Always" }],
    }),
    "delivered",
  ],
  [
    "containers",
    "without a port of the Service's answer nothing",
    { container: { image: "busybox", command: ["sleep", "1d"] } },
    "port not listening",
    /runs "sleep", which listens on no port/,
  ],
  [
    "ephemeralContainers",
    "cannot be asked for before the Pod runs; they listen for nobody",
    pod({ ephemeralContainers: [] }),
    "delivered",
  ],
  [
    "restartPolicy",
    "Never leaves a Pod whose process has ended as it is",
    { ...pod({ restartPolicy: "Never" }), container: { image: "busybox", command: ["false"] } },
    "rejected",
    /status\.phase is Failed/,
  ],
  [
    "terminationGracePeriodSeconds",
    "matters to a Pod that ends",
    pod({ terminationGracePeriodSeconds: 0 }),
    "delivered",
  ],
  [
    "activeDeadlineSeconds",
    "is taken not to be over",
    pod({ activeDeadlineSeconds: 600 }),
    "delivered",
    /is 600: that time is taken not to be over/,
  ],
  [
    "dnsPolicy",
    "Default asks a DNS that does not know the cluster: of the client, not of the server",
    pod({ dnsPolicy: "Default" }),
    "delivered",
  ],
  [
    "nodeSelector",
    "that no Node has leaves the Pod without one",
    pod({ nodeSelector: { disk: "ssd" } }),
    "rejected",
    /spec\.nodeSelector is disk=ssd/,
  ],
  [
    "serviceAccountName",
    "takes the account to be there",
    pod({ serviceAccountName: "shop" }),
    "delivered",
    /ServiceAccount shop is taken to be there/,
  ],
  [
    "serviceAccount",
    "is the same by its old name",
    pod({ serviceAccount: "shop" }),
    "delivered",
    /ServiceAccount shop is taken to be there/,
  ],
  [
    "automountServiceAccountToken",
    "is about the API server's clients",
    pod({ automountServiceAccountToken: false }),
    "delivered",
  ],
  [
    "nodeName",
    "of a Node that is not there leaves the Pod without a kubelet",
    pod({ nodeName: "node-z" }),
    "rejected",
    /spec\.nodeName of Pod default\/web is node-z, and no Node is called so/,
  ],
  ["hostNetwork", "puts the Pod at its node's address", pod({ hostNetwork: true }), "delivered"],
  ["hostPID", "is about processes", pod({ hostPID: true }), "delivered"],
  ["hostIPC", "is about processes", pod({ hostIPC: true }), "delivered"],
  [
    "shareProcessNamespace",
    "is about processes",
    pod({ shareProcessNamespace: true }),
    "delivered",
  ],
  [
    "securityContext.runAsUser",
    "is taken to suit the image",
    pod({ securityContext: { runAsUser: 1000 } }),
    "delivered",
    /the image is taken to run as user 1000/,
  ],
  [
    "securityContext.runAsNonRoot",
    "is taken to suit the image",
    pod({ securityContext: { runAsNonRoot: true } }),
    "delivered",
    /somebody else than root/,
  ],
  [
    "securityContext.runAsNonRoot",
    "beside the user 0 is refused by the kubelet",
    pod({ securityContext: { runAsNonRoot: true, runAsUser: 0 } }),
    "rejected",
    /runAsUser breaks non-root policy/,
  ],
  [
    "securityContext.sysctls",
    "that is unsafe is taken to be allowed",
    pod({ securityContext: { sysctls: [{ name: "net.core.somaxconn", value: "1024" }] } }),
    "delivered",
    /is taken to allow net\.core\.somaxconn/,
  ],
  [
    "securityContext.sysctls",
    "that is safe is no question",
    pod({ securityContext: { sysctls: [{ name: "net.ipv4.tcp_syncookies", value: "1" }] } }),
    "delivered",
  ],
  [
    "securityContext.seccompProfile",
    "of the node's is taken to be there",
    pod({ securityContext: { seccompProfile: { type: "Localhost", localhostProfile: "a.json" } } }),
    "delivered",
    /the profile a\.json is taken to be on the node/,
  ],
  [
    "imagePullSecrets",
    "are taken to be there, and to open the registry",
    pod({ imagePullSecrets: [{ name: "registry" }] }),
    "delivered",
    /Secret registry is taken to be there/,
  ],
  ["hostname", "is the Pod's own name for itself", pod({ hostname: "a" }), "delivered"],
  ["subdomain", "is the Pod's own name for itself", pod({ subdomain: "b" }), "delivered"],
  [
    "affinity.nodeAffinity",
    "that no Node meets leaves the Pod without one",
    pod({
      affinity: {
        nodeAffinity: need({
          nodeSelectorTerms: [{ matchExpressions: [{ key: "disk", operator: "Exists" }] }],
        }),
      },
    }),
    "rejected",
    /spec\.affinity\.nodeAffinity/,
  ],
  [
    "affinity.podAffinity",
    "to Pods that are not there leaves the Pod without a node",
    pod({
      affinity: {
        podAffinity: need([
          { labelSelector: { matchLabels: { app: "db" } }, topologyKey: "kubernetes.io/hostname" },
        ]),
      },
    }),
    "rejected",
    /spec\.affinity\.podAffinity/,
  ],
  [
    "schedulerName",
    "of a scheduler that does not run leaves the Pod without a node",
    pod({ schedulerName: "mine" }),
    "rejected",
    /spec\.schedulerName is mine/,
  ],
  [
    "tolerations",
    "let it be on more nodes",
    pod({ tolerations: [{ operator: "Exists" }] }),
    "delivered",
  ],
  [
    "hostAliases",
    "of the server's are read by its own processes",
    pod({ hostAliases: [{ ip: "10.9.9.9", hostnames: ["web"] }] }),
    "delivered",
  ],
  [
    "priorityClassName",
    "that is not there: the Pod is forbidden",
    pod({ priorityClassName: "high" }),
    "rejected",
    /no PriorityClass with name high was found/,
  ],
  ["priority", "is worked out by the API server", pod({ priority: 0 }), "delivered"],
  [
    "dnsConfig",
    "is about what the Pod itself asks",
    pod({ dnsConfig: { options: [{ name: "ndots", value: "1" }] } }),
    "delivered",
  ],
  [
    "readinessGates",
    "wait for somebody who is not here",
    pod({ readinessGates: [{ conditionType: "x/y" }] }),
    "rejected",
    /its condition x\/y is not there/,
  ],
  [
    "runtimeClassName",
    "takes the class to be there, and its handler",
    pod({ runtimeClassName: "gvisor" }),
    "delivered",
    /RuntimeClass gvisor is taken to be there/,
  ],
  [
    "enableServiceLinks",
    "is about the environment of processes",
    pod({ enableServiceLinks: false }),
    "delivered",
  ],
  [
    "preemptionPolicy",
    "is the priority class's to say, and refused in the Pod",
    pod({ preemptionPolicy: "Never" }),
    "rejected",
    /PreemptionPolicy \(Never\) must not be provided/,
  ],
  [
    "overhead",
    "counts with what the containers ask for",
    pod({ overhead: { cpu: "1000" } }),
    "rejected",
    /Insufficient cpu/,
  ],
  [
    "topologySpreadConstraints",
    "over a label that no Node has leave it without one",
    pod({
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "rack",
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector: { matchLabels: { app: "web" } },
        },
      ],
    }),
    "rejected",
    /topologyKey is rack/,
  ],
  [
    "setHostnameAsFQDN",
    "with a name of over 64 characters: no sandbox can be made",
    pod({ setHostnameAsFQDN: true, hostname: "h".repeat(40), subdomain: "s" }),
    "rejected",
    /FQDN h+\.s\.default\.svc\.cluster\.local is too long/,
  ],
  [
    "os",
    "of Windows on a Node of Linux is not admitted there",
    pod({ os: { name: "windows" } }),
    "rejected",
    /is for windows, and its node node-\w runs another system/,
  ],
  [
    "hostUsers",
    "takes the nodes to have user namespaces",
    pod({ hostUsers: false }),
    "delivered",
    /the nodes are taken to have user namespaces/,
  ],
  [
    "schedulingGates",
    "hold the Pod until somebody takes them away",
    pod({ schedulingGates: [{ name: "x/y" }] }),
    "rejected",
    /spec\.schedulingGates is x\/y/,
  ],
  [
    "resourceClaims",
    "are taken to be allocated",
    pod({ resourceClaims: [{ name: "gpu", resourceClaimName: "gpu-1" }] }),
    "delivered",
    /the claim gpu is taken to be allocated/,
  ],
  [
    "resources",
    "of the whole Pod are asked of the node",
    pod({ resources: { requests: { cpu: "1000" } } }),
    "rejected",
    /Insufficient cpu/,
  ],
  [
    "hostnameOverride",
    "is the Pod's own name for itself",
    pod({ hostnameOverride: "zzz" }),
    "delivered",
  ],
  [
    "workloadRef",
    "is dropped by a server without the gate GenericWorkload",
    pod({ workloadRef: { name: "w", podGroup: "g" } }),
    "delivered",
  ],
]);

// ---- Container ---------------------------------------------------------------------------------

const of = (container: object): Case => ({ container });
const key = { name: "app", key: "a" };

table("Container", [
  ["name", "is a name", of({ name: "other" }), "delivered"],
  [
    "image",
    "that is nowhere is not pulled",
    of({ image: "shop/no-such-web:1" }),
    "rejected",
    /ErrImagePull/,
  ],
  [
    "image",
    "that has a name which none can have is not asked for",
    of({ image: "Nginx:latest" }),
    "rejected",
    /InvalidImageName/,
  ],
  [
    "command",
    "that ends at once is run again and again",
    of({ command: ["sh", "-c", "exit 1"] }),
    "rejected",
    /exit code 1/,
  ],
  [
    "args",
    "may name the port",
    of({ image: "shop/web", ports: undefined, args: ["--port=80"] }),
    "delivered",
    /spec\.containers\[0\]\.args: is taken to listen on TCP 80/,
  ],
  ["workingDir", "is made by the runtime", of({ workingDir: "/srv" }), "delivered"],
  [
    "ports",
    "are what is taken for listening",
    of({ image: "shop/web", ports: [{ containerPort: 8080 }] }),
    "port not listening",
    /is taken to listen on TCP 8080 alone/,
  ],
  [
    "envFrom",
    "of a ConfigMap that no document makes takes it to be there",
    of({ envFrom: [{ configMapRef: { name: "app" } }] }),
    "delivered",
    /ConfigMap app is taken to be there/,
  ],
  [
    "env",
    "of a key that the ConfigMap does not have keeps it from being made",
    { ...of({ env: [{ name: "A", valueFrom: { configMapKeyRef: key } }] }), more: [config] },
    "rejected",
    /couldn't find key a in ConfigMap default\/app/,
  ],
  [
    "env",
    "of such a key that is optional is left out",
    {
      ...of({ env: [{ name: "A", valueFrom: { configMapKeyRef: { ...key, optional: true } } }] }),
      more: [config],
    },
    "delivered",
  ],
  [
    "resources",
    "that no node has leave the Pod without one",
    of({ resources: { requests: { cpu: "1000" } } }),
    "rejected",
    /resources\.requests is cpu=1k/,
  ],
  [
    "resources.limits",
    "of devices that no node has leave the Pod without one",
    of({ resources: { limits: { "nvidia.com/gpu": 1 } } }),
    "rejected",
    /Insufficient nvidia\.com\/gpu/,
  ],
  [
    "resources.limits",
    "of hardly any memory are taken to be enough",
    of({ resources: { limits: { memory: "4Mi" } } }),
    "delivered",
    /4Mi is taken to be enough/,
  ],
  [
    "resizePolicy",
    "is about a change of resources",
    of({ resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }] }),
    "delivered",
  ],
  [
    "restartPolicy",
    "of a container by itself is of the gate ContainerRestartRules",
    of({ restartPolicy: "Always" }),
    "delivered",
  ],
  [
    "restartPolicyRules",
    "matter to one that ends",
    of({
      restartPolicy: "Never",
      restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [3] } }],
    }),
    "delivered",
  ],
  [
    "volumeMounts",
    "of a volume that the Pod does not have are refused",
    of({ volumeMounts: [{ name: "v", mountPath: "/x" }] }),
    "rejected",
    /volumeMounts\[0\]\.name: Not found: "v"/,
  ],
  [
    "volumeDevices",
    "take their claim to be bound",
    {
      ...volume({ persistentVolumeClaim: { claimName: "x" } }),
      ...of({ volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }),
    },
    "delivered",
    /the claim x is taken to be bound/,
  ],
  [
    "livenessProbe",
    "of a port where nobody listens has it restarted for ever",
    of({ livenessProbe: { tcpSocket: { port: 9 } } }),
    "rejected",
    /livenessProbe\.tcpSocket\.port of Pod default\/web is 9/,
  ],
  [
    "readinessProbe",
    "of a port where nobody listens keeps it unready",
    of({ readinessProbe: { httpGet: { port: 9 } } }),
    "rejected",
    /readinessProbe\.httpGet\.port of Pod default\/web is 9/,
  ],
  [
    "readinessProbe.host",
    "of the loopback address asks the node, not the Pod",
    of({ readinessProbe: { httpGet: { port: 80, host: "127.0.0.1" } } }),
    "rejected",
    /readinessProbe\.httpGet\.host of Pod default\/web is 127\.0\.0\.1: that is the node's own address/,
  ],
  [
    "readinessProbe.host",
    "of somebody else is taken to answer",
    of({ readinessProbe: { httpGet: { port: 80, host: "10.9.9.9" } } }),
    "delivered",
    /GET \/ of 10\.9\.9\.9 is taken to answer 200/,
  ],
  [
    "readinessProbe.scheme",
    "HTTPS is taken to be answered",
    of({ readinessProbe: { httpGet: { port: 80, scheme: "HTTPS" } } }),
    "delivered",
    /GET \/ over TLS is taken to answer 200/,
  ],
  [
    "readinessProbe.path",
    "is taken to answer 200",
    of({ readinessProbe: { httpGet: { port: 80, path: "/healthz" } } }),
    "delivered",
    /GET \/healthz is taken to answer 200/,
  ],
  [
    "readinessProbe.exec",
    "is taken to succeed",
    of({ readinessProbe: { exec: { command: ["/ready"] } } }),
    "delivered",
    /its command is taken to succeed/,
  ],
  [
    "startupProbe",
    "of a port where nobody listens has it restarted for ever",
    of({ startupProbe: { tcpSocket: { port: 9 } } }),
    "rejected",
    /startupProbe\.tcpSocket\.port/,
  ],
  [
    "lifecycle.postStart",
    "is taken to succeed",
    of({ lifecycle: { postStart: { httpGet: { port: 80 } } } }),
    "delivered",
    /postStart: is taken to succeed/,
  ],
  [
    "lifecycle.preStop",
    "matters to a Pod that ends",
    of({ lifecycle: { preStop: { httpGet: { port: 80 } } } }),
    "delivered",
  ],
  [
    "terminationMessagePath",
    "is about last words",
    of({ terminationMessagePath: "/x" }),
    "delivered",
  ],
  [
    "terminationMessagePolicy",
    "is about last words",
    of({ terminationMessagePolicy: "File" }),
    "delivered",
  ],
  [
    "imagePullPolicy",
    "Never takes the image to be on the node",
    of({ imagePullPolicy: "Never" }),
    "delivered",
    /is Never: the image is taken to be on the node/,
  ],
  [
    "securityContext",
    "that leaves it without rights is taken to suit the image",
    of({ securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } } }),
    "delivered",
    /is taken to run on a root that it cannot write to, without ALL/,
  ],
  ["stdin", "is about a terminal", of({ stdin: true }), "delivered"],
  ["stdinOnce", "is about a terminal", of({ stdin: true, stdinOnce: true }), "delivered"],
  ["tty", "is about a terminal", of({ tty: true }), "delivered"],
]);

// ---- ServiceSpec -------------------------------------------------------------------------------

const svc = (service: object, more: Case = {}): Case => ({ service, ...more });
const named = "external-dns.alpha.kubernetes.io/hostname";
const shop: Case = {
  metadata: { annotations: { [named]: "shop.example" } },
  from: "internet",
  url: "http://shop.example/",
};
const balanced = (more: object): Case => svc({ type: "LoadBalancer", ...more }, shop);

table("ServiceSpec", [
  [
    "ports",
    "without the one that is asked for lead nowhere",
    svc({ ports: [{ port: 81 }] }),
    "no route",
    /81/,
  ],
  [
    "selector",
    "that fits no Pod has no endpoints",
    svc({ selector: { app: "shop" } }),
    "rejected",
    /selector app=shop matches 0 of 2 Pods/,
  ],
  ["clusterIP", "None leads straight to the Pods", svc({ clusterIP: "None" }), "delivered"],
  [
    "clusterIPs",
    "ask for an address",
    svc({ clusterIP: "10.2.0.77", clusterIPs: ["10.2.0.77"] }, { url: "http://10.2.0.77/" }),
    "delivered",
  ],
  [
    "type",
    "ClusterIP has no port of the nodes",
    svc({ type: "ClusterIP" }, { url: "http://192.168.0.1:30080/", from: "internet" }),
    "connection refused",
  ],
  [
    "externalIPs",
    "are taken by every node",
    svc({ externalIPs: ["198.51.100.9"] }, { url: "http://198.51.100.9/" }),
    "delivered",
  ],
  [
    "sessionAffinity",
    "is no matter of the first request",
    svc({ sessionAffinity: "ClientIP" }),
    "delivered",
  ],
  [
    "sessionAffinity",
    "is refused by this cloud's load balancer",
    balanced({ sessionAffinity: "ClientIP" }),
    "name not found",
    /cannot keep clients together/,
  ],
  [
    "loadBalancerIP",
    "is not given by this cloud, and said",
    svc(
      { type: "LoadBalancer", loadBalancerIP: "198.51.100.7" },
      { from: "internet", url: "http://198.51.100.7/" },
    ),
    "no route",
  ],
  [
    "loadBalancerSourceRanges",
    "keep others out",
    balanced({ loadBalancerSourceRanges: ["10.0.0.0/8"] }),
    "dropped",
    /lets in 10\.0\.0\.0\/8/,
  ],
  [
    "externalName",
    "is a name elsewhere",
    svc({ type: "ExternalName", externalName: "db.example" }),
    "unknown",
    /alias of db\.example/,
  ],
  [
    "externalTrafficPolicy",
    "Local answers on the Pod's node alone",
    svc(
      { type: "NodePort", externalTrafficPolicy: "Local", ports: [{ port: 80, nodePort: 30080 }] },
      { from: "internet", url: "http://192.168.0.3:30080/" },
    ),
    "dropped",
    /Local/,
  ],
  [
    "healthCheckNodePort",
    "is where the balancer asks",
    balanced({ externalTrafficPolicy: "Local", healthCheckNodePort: 31000 }),
    "delivered",
  ],
  [
    "publishNotReadyAddresses",
    "takes Pods that are not ready",
    svc({ publishNotReadyAddresses: true }, of({ readinessProbe: { tcpSocket: { port: 9 } } })),
    "delivered",
  ],
  [
    "sessionAffinityConfig",
    "is no matter of the first request",
    svc({
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } },
    }),
    "delivered",
  ],
  [
    "ipFamilies",
    "of the other family make the cluster a dual-stack one",
    svc({ ipFamilies: ["IPv6"] }),
    "delivered",
    /the cluster is taken to be dual-stack/,
  ],
  [
    "ipFamilyPolicy",
    "of both makes the cluster a dual-stack one",
    svc({ ipFamilyPolicy: "RequireDualStack" }),
    "delivered",
    /the cluster is taken to be dual-stack/,
  ],
  [
    "allocateLoadBalancerNodePorts",
    "false leaves this cloud's balancer without a way in",
    balanced({ allocateLoadBalancerNodePorts: false }),
    "name not found",
    /allocateLoadBalancerNodePorts is false/,
  ],
  [
    "loadBalancerClass",
    "of somebody else leaves it pending",
    balanced({ loadBalancerClass: "x/y" }),
    "name not found",
    /loadBalancerClass is x\/y/,
  ],
  [
    "internalTrafficPolicy",
    "Local looks no further than the client's node",
    svc({ internalTrafficPolicy: "Local" }),
    "dropped",
    /internalTrafficPolicy of Service default\/web is Local/,
  ],
  ["trafficDistribution", "is a wish", svc({ trafficDistribution: "PreferClose" }), "delivered"],
]);

const port = (more: object): Case => svc({ ports: [{ port: 80, ...more }] });

table("ServicePort", [
  ["name", "is a name", port({ name: "http" }), "delivered"],
  [
    "protocol",
    "UDP takes no TCP",
    port({ protocol: "UDP" }),
    "no route",
    /spec\.ports\[0\]\.protocol of Service default\/web is UDP/,
  ],
  ["appProtocol", "is a hint for proxies", port({ appProtocol: "kubernetes.io/h2c" }), "delivered"],
  [
    "port",
    "is what is asked for",
    svc({ ports: [{ port: 81, targetPort: 80 }] }),
    "no route",
    /81/,
  ],
  [
    "targetPort",
    "where nobody listens is refused",
    port({ targetPort: 9 }),
    "port not listening",
    /spec\.ports\[0\]\.targetPort of Service default\/web is 9/,
  ],
  [
    "targetPort",
    "by a name that no container has leads to nobody",
    port({ targetPort: "http" }),
    "rejected",
    /no container of its 1 Pods has a port of that name/,
  ],
  [
    "nodePort",
    "is taken by every node",
    {
      ...svc({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] }),
      from: "internet",
      url: "http://192.168.0.2:30080/",
    },
    "delivered",
  ],
]);

// ---- EndpointSlice -----------------------------------------------------------------------------

const slice = (more: object = {}, endpoint: object = {}, service: object = {}): Case => ({
  service: { selector: undefined, ...service },
  more: [
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: meta("web-1", { labels: { "kubernetes.io/service-name": "web" } }),
      addressType: "IPv4",
      endpoints: [{ addresses: ["192.168.0.50"], ...endpoint }],
      ports: [{ port: 80 }],
      ...more,
    },
  ],
});
const outside = /192\.168\.0\.50 : is no part of the cluster: it is taken to be reachable/;

table("EndpointSlice", [
  [
    "addressType",
    "FQDN is not read by kube-proxy",
    slice({ addressType: "FQDN", endpoints: [{ addresses: ["db.example"] }] }),
    "rejected",
    /is FQDN, which kube-proxy does not read/,
  ],
  ["endpoints", "are who answers", slice(), "delivered", outside],
  ["ports", "that are not there serve nothing", slice({ ports: [] }), "rejected", /lists no ports/],
]);

table("discovery.EndpointPort", [
  [
    "name",
    "must be the Service's port's",
    slice({ ports: [{ name: "x", port: 80 }] }),
    "rejected",
    /ports\[0\]\.name of EndpointSlice default\/web-1 is x/,
  ],
  [
    "protocol",
    "must be the Service's port's",
    slice({ ports: [{ port: 80, protocol: "UDP" }] }),
    "rejected",
    /ports\[0\]\.protocol of EndpointSlice default\/web-1 is UDP, and the port of Service default\/web is for TCP/,
  ],
  [
    "port",
    "that is missing is not read by kube-proxy",
    slice({ ports: [{}] }),
    "rejected",
    /ports\[0\]\.port of EndpointSlice default\/web-1 is missing/,
  ],
  [
    "appProtocol",
    "is a hint for proxies",
    slice({ ports: [{ port: 80, appProtocol: "http" }] }),
    "delivered",
    outside,
  ],
]);

table("Endpoint", [
  [
    "addresses",
    "that nobody has lead nowhere",
    slice({}, { nodeName: "node-a" }),
    "no route",
    /nobody here has that address/,
  ],
  [
    "conditions",
    "not ready get nothing",
    slice({}, { conditions: { ready: false } }),
    "rejected",
    /conditions\.ready of EndpointSlice default\/web-1 is false/,
  ],
  ["hostname", "is a name in the DNS", slice({}, { hostname: "h" }), "delivered", outside],
  [
    "targetRef",
    "of a Pod that is not there leads nowhere",
    slice({}, { targetRef: { kind: "Pod", name: "gone", namespace: "default" } }),
    "no route",
    /said to be that of Pod gone/,
  ],
  [
    "deprecatedTopology",
    "is not read by v1",
    slice({}, { deprecatedTopology: { a: "b" } }),
    "delivered",
    outside,
  ],
  [
    "nodeName",
    "matters where the policy is Local",
    slice({}, { nodeName: "node-c" }, { internalTrafficPolicy: "Local" }),
    "dropped",
    /Local/,
  ],
  ["zone", "matters to hints", slice({}, { zone: "z" }), "delivered", outside],
  [
    "hints",
    "for a zone that no node is in are passed over",
    slice(
      {},
      { zone: "z", hints: { forZones: [{ name: "z" }] } },
      { trafficDistribution: "PreferClose" },
    ),
    "delivered",
    outside,
  ],
]);

table("EndpointConditions", [
  [
    "ready",
    "false gets nothing",
    slice({}, { conditions: { ready: false } }),
    "rejected",
    /conditions\.ready/,
  ],
  [
    "serving",
    "is enough where nobody is ready and it is terminating",
    slice({}, { conditions: { ready: false, serving: true, terminating: true } }),
    "delivered",
    outside,
  ],
  [
    "terminating",
    "without serving gets nothing",
    slice({}, { conditions: { ready: false, serving: false, terminating: true } }),
    "rejected",
    /conditions\.ready/,
  ],
]);

table("EndpointHints", [
  [
    "forZones",
    "of a zone that no node is in are passed over",
    slice({}, { hints: { forZones: [{ name: "z" }] } }, { trafficDistribution: "PreferClose" }),
    "delivered",
    outside,
  ],
  [
    "forNodes",
    "of other nodes are passed over",
    slice(
      {},
      { hints: { forNodes: [{ name: "node-z" }] } },
      { trafficDistribution: "PreferSameNode" },
    ),
    "delivered",
    outside,
  ],
]);

// ---- Node --------------------------------------------------------------------------------------

/** A machine among manifests. */
const node = (spec: object, more: object = {}): Case => ({
  more: [{ apiVersion: "v1", kind: "Node", metadata: { name: "n1", ...more }, spec, status: {} }],
});

/** Two Nodes of a dump: the client is on the other one. */
function dump(spec: object, status: object = {}, metadata: object = {}): Case {
  const machine = (name: string, address: string, own: object) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, ...own },
    spec: {},
    status: { addresses: [{ type: "InternalIP", address }] },
  });
  const first = machine("n1", "192.168.0.1", metadata);
  const running = (one: object, nodeName: string, podIP: string) => ({
    ...one,
    spec: { ...(one as typeof client).spec, nodeName },
    status: {
      phase: "Running",
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
  return {
    snapshot: true,
    service: { clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9"] },
    more: [
      { ...first, spec, status: { ...first.status, ...status } },
      machine("n2", "192.168.0.2", {}),
      running(webPod({}), "n2", "10.244.2.9"),
      running(client, "n1", "10.244.1.5"),
    ],
  };
}
const usual = /kube-proxy clusterCIDR: the dump has no configuration/;

table("NodeSpec", [
  [
    "podCIDR",
    "need not hold its Pods' addresses",
    dump({ podCIDR: "10.9.0.0/24" }),
    "delivered",
    usual,
  ],
  [
    "podCIDRs",
    "need not hold its Pods' addresses",
    dump({ podCIDRs: ["10.9.0.0/24"] }),
    "delivered",
    usual,
  ],
  [
    "providerID",
    "is the cloud's name for it",
    dump({ providerID: "aws:///z/i-1" }),
    "delivered",
    usual,
  ],
  [
    "unschedulable",
    "keeps new Pods away",
    node({ unschedulable: true }),
    "rejected",
    /unschedulable/,
  ],
  [
    "taints",
    "keep Pods away that do not tolerate them",
    node({ taints: [{ key: "gpu", effect: "NoSchedule" }] }),
    "rejected",
    /untolerated taint/,
  ],
  ["configSource", "is not read any more", dump({}), "delivered", usual],
  ["externalID", "is not read any more", dump({ externalID: "x" }), "delivered", usual],
]);

const offers = (amounts: object): Case => {
  const change = node({});
  Object.assign(change.more![0]!, { status: { allocatable: amounts } });
  return change;
};

table("NodeStatus", [
  [
    "capacity",
    "is what allocatable is without",
    dump({}, { capacity: { cpu: "0" } }),
    "delivered",
    usual,
  ],
  [
    "allocatable",
    "is given to Pods",
    { ...offers({ cpu: "100m" }), container: { resources: { requests: { cpu: "200m" } } } },
    "rejected",
    /Insufficient cpu/,
  ],
  [
    "allocatable",
    "of devices is not: nobody registers them",
    offers({ "nvidia.com/gpu": "1" }),
    "delivered",
    /offers nvidia\.com\/gpu=1; nobody here registers devices/,
  ],
  ["phase", "is not read any more", dump({}, { phase: "Terminated" }), "delivered", usual],
  [
    "conditions",
    "Ready=False is taken to forward all the same, and said",
    dump({}, { conditions: [{ type: "Ready", status: "False" }] }),
    "delivered",
    /taken to forward packets all the same/,
  ],
  [
    "conditions",
    "Ready=Unknown leaves its rules unknown",
    dump({}, { conditions: [{ type: "Ready", status: "Unknown" }] }),
    "unknown",
    /has not been heard of/,
  ],
  [
    "conditions",
    "NetworkUnavailable is said",
    dump({}, { conditions: [{ type: "NetworkUnavailable", status: "True" }] }),
    "delivered",
    /NetworkUnavailable is True/,
  ],
  [
    "addresses",
    "are its interfaces'",
    {
      ...dump({}, { addresses: [{ type: "InternalIP", address: "192.168.0.7" }] }),
      from: "internet",
      url: "http://192.168.0.7:30080/",
    },
    "connection refused",
  ],
  [
    "daemonEndpoints",
    "is the kubelet's own port",
    dump({}, { daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } }),
    "delivered",
    usual,
  ],
  [
    "nodeInfo",
    "of Windows: what kube-proxy does there is not modelled",
    dump({}, { nodeInfo: { operatingSystem: "windows" } }),
    "unknown",
    /runs Windows/,
  ],
  ["images", "are what was pulled", dump({}, { images: [] }), "delivered", usual],
  ["volumesInUse", "are storage's", dump({}, { volumesInUse: ["x"] }), "delivered", usual],
  ["volumesAttached", "are storage's", dump({}, { volumesAttached: [] }), "delivered", usual],
  ["config", "is not read any more", dump({}, { config: {} }), "delivered", usual],
  [
    "runtimeHandlers",
    "are taken to be as a RuntimeClass says",
    dump({}, { runtimeHandlers: [] }),
    "delivered",
    usual,
  ],
  ["features", "are taken to be there", dump({}, { features: {} }), "delivered", usual],
  [
    "declaredFeatures",
    "are taken to be there",
    dump({}, { declaredFeatures: [] }),
    "delivered",
    usual,
  ],
]);

// ---- Ingress and NetworkPolicy -----------------------------------------------------------------

const rule = {
  host: "shop.example",
  http: {
    paths: [
      {
        path: "/",
        pathType: "Prefix",
        backend: { service: { name: "web", port: { number: 80 } } },
      },
    ],
  },
};
const ingress = (spec: object): Case => ({
  from: "internet",
  url: "http://shop.example/",
  more: [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: meta("shop"),
      spec: { rules: [rule], ...spec },
    },
  ],
});
const noProxy = /Ingress default\/shop|Ingress shop/;

table("networking.v1.IngressSpec", [
  [
    "ingressClassName",
    "leads to no controller here, and that is said",
    ingress({ ingressClassName: "nginx" }),
    "name not found",
    noProxy,
  ],
  [
    "defaultBackend",
    "is read by nobody here, and that is said",
    ingress({ defaultBackend: { service: { name: "gone", port: { number: 80 } } } }),
    "name not found",
    noProxy,
  ],
  [
    "tls",
    "is read by nobody here, and that is said",
    ingress({ tls: [{ hosts: ["shop.example"], secretName: "cert" }] }),
    "name not found",
    noProxy,
  ],
  [
    "rules",
    "are read by nobody here, and that is said",
    ingress({}),
    "name not found",
    /is a host of Ingress default\/shop/,
  ],
]);

const policy = (spec: object): Case => ({
  more: [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: meta("p"),
      spec: { podSelector: {}, ...spec },
    },
  ],
});
const stored = /^NetworkPolicy p: stored/;
const undecided = /NetworkPolicy default\/p selects Pod default\/(web|client) and decides/;

table("networking.v1.NetworkPolicySpec", [
  [
    "podSelector",
    "of other Pods is none of theirs",
    policy({ podSelector: { matchLabels: { app: "db" } } }),
    "delivered",
    stored,
  ],
  [
    "podSelector",
    "of all Pods decides, and nobody here evaluates it",
    policy({}),
    "unknown",
    undecided,
  ],
  [
    "policyTypes",
    "of what the client opens decide",
    policy({ policyTypes: ["Egress"] }),
    "unknown",
    undecided,
  ],
  ["ingress", "open to all keeps nobody out", policy({ ingress: [{}] }), "delivered", stored],
  [
    "ingress.from",
    "decides",
    policy({ ingress: [{ from: [{ podSelector: {} }] }] }),
    "unknown",
    undecided,
  ],
  [
    "ingress.ports",
    "of another port decide",
    policy({ ingress: [{ ports: [{ port: 81 }] }] }),
    "unknown",
    undecided,
  ],
  [
    "ingress.ports.endPort",
    "is the last of a range",
    policy({ ingress: [{ ports: [{ port: 70, endPort: 90 }] }] }),
    "delivered",
    stored,
  ],
  [
    "egress",
    "open at another port decides",
    policy({ policyTypes: ["Egress"], egress: [{ ports: [{ port: 53, protocol: "UDP" }] }] }),
    "unknown",
    undecided,
  ],
]);

test.run();
