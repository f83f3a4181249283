// Kubernetes' own sentences, to the letter (shared/fidelity.md, section 2), as the API server
// answers them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Deployment, KubeObject, Pod, Service } from "stopover/internal/objects/types";
import { deployment, newServer, pod, refusal, service } from "./apiserver-harness.js";

const test = suite("validation");
const one = [{ port: 80 }];

function refused(object: KubeObject): string {
  const { client } = newServer();
  const { message, code, status } = refusal(() => client.create(object));
  assert.is(code, 422);
  assert.ok(status.details!.causes!.length > 0);
  return message;
}

const services: [Service["spec"], string][] = [
  [{}, "spec.ports: Required value"],
  [
    { ports: [{ port: 70000, targetPort: 80 }] },
    "spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
  ],
  [{ ports: [{ port: 1 }, { port: 2, name: "a" }] }, "spec.ports[0].name: Required value"],
  [
    {
      ports: [
        { port: 1, name: "http" },
        { port: 2, name: "http" },
      ],
    },
    'spec.ports[1].name: Duplicate value: "http"',
  ],
  [
    { ports: [{ port: 1, protocol: "HTTP" as "TCP" }] },
    'spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    { ports: [{ port: 1, nodePort: 30000 }] },
    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  ],
  [
    { type: "NodePort", ports: [{ port: 1, nodePort: 80 }] },
    "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
  ],
  [
    { ports: one, clusterIP: "1.2.3.4" },
    'spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: the provided network does not match the current range',
  ],
  [
    { ports: one, clusterIP: "x" },
    'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [
    { ports: one, type: "LoadBalancer", clusterIP: "None" },
    "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services",
  ],
  [
    { ports: one, externalTrafficPolicy: "Local" },
    'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
  ],
  [
    { ports: one, healthCheckNodePort: 1 },
    "spec.healthCheckNodePort: Invalid value: 1: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
  ],
  [
    { ports: one, loadBalancerSourceRanges: ["10.0.0.0/8"] },
    "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
  ],
  [
    { ports: one, type: "LoadBalancer", loadBalancerSourceRanges: ["x"] },
    'spec.LoadBalancerSourceRanges[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
  ],
  [
    {
      ports: [
        { port: 80, name: "a" },
        { port: 80, name: "b" },
      ],
    },
    'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
  ],
  [
    { ports: [{ port: 80, targetPort: "much-too-long-name" }] },
    'spec.ports[0].targetPort: Invalid value: "much-too-long-name": must be no more than 15 characters',
  ],
  [
    {
      ports: one,
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } },
    },
    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400",
  ],
  [{ type: "ExternalName" }, "spec.externalName: Required value"],
  [
    { ports: one, type: "Loadbalancer" as "LoadBalancer" },
    'spec.type: Unsupported value: "Loadbalancer": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
  ],
  [
    { ports: one, externalIPs: ["127.0.0.1"] },
    'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  ],
  [
    { ports: one, ipFamilyPolicy: "RequireDualStack" },
    'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
  ],
  [
    { ports: one, ipFamilies: ["IPv6"] },
    'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
  ],
];
for (const [spec, message] of services)
  test(`Service: ${message}`, () =>
    assert.is(refused(service("x", spec)), `Service "x" is invalid: ${message}`));

test("Service: the name is a DNS-1035 label", () => {
  assert.is(
    refused(service("1a")),
    "Service \"1a\" is invalid: metadata.name: Invalid value: \"1a\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  );
});

test("several mistakes are told together", () => {
  assert.is(
    refused(service("x", { type: "NodePort", ports: [{ port: 0, targetPort: 1 }, { port: 1 }] })),
    'Service "x" is invalid: [spec.ports[0].name: Required value, spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[1].name: Required value]',
  );
});

const deployments: [Partial<Deployment["spec"]>, string][] = [
  [
    { selector: undefined as never },
    '[spec.selector: Required value, spec.template.metadata.labels: Invalid value: {"app":"d"}: `selector` does not match template `labels`]',
  ],
  [
    { selector: { matchLabels: { app: "b" } } },
    'spec.template.metadata.labels: Invalid value: {"app":"d"}: `selector` does not match template `labels`',
  ],
  [{ selector: {} }, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
  [{ replicas: -1 }, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
  [
    { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
    "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
  ],
  [
    { strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } },
    "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
  ],
  [
    { template: { metadata: { labels: { app: "d" } }, spec: { containers: [] } } },
    "spec.template.spec.containers: Required value",
  ],
  [
    {
      template: {
        metadata: { labels: { app: "d" } },
        spec: { containers: [{ name: "a", image: "b" }], restartPolicy: "Never" },
      },
    },
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
];
for (const [spec, message] of deployments)
  test(`Deployment: ${message.slice(0, 100)}`, () =>
    assert.is(refused(deployment("d", spec)), `Deployment.apps "d" is invalid: ${message}`));

const pods: [Partial<Pod["spec"]>, string][] = [
  [{ containers: [] }, "spec.containers: Required value"],
  [
    { containers: [{ name: "A", image: "x" }] },
    "spec.containers[0].name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ],
  [{ containers: [{ name: "a" }] }, "spec.containers[0].image: Required value"],
  [
    {
      containers: [
        { name: "a", image: "x" },
        { name: "a", image: "x" },
      ],
    },
    'spec.containers[1].name: Duplicate value: "a"',
  ],
  [
    { containers: [{ name: "a", image: "x", ports: [{ containerPort: 0 }] }] },
    "spec.containers[0].ports[0].containerPort: Required value",
  ],
  [
    { containers: [{ name: "a", image: "x", readinessProbe: {} }] },
    "spec.containers[0].readinessProbe: Required value: must specify a handler type",
  ],
  [
    {
      containers: [
        { name: "a", image: "x", resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } },
      ],
    },
    'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  [
    { restartPolicy: "Sometimes" as "Always" },
    'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
  ],
];
for (const [spec, message] of pods)
  test(`Pod: ${message.slice(0, 100)}`, () =>
    assert.is(refused(pod("p", spec)), `Pod "p" is invalid: ${message}`));

test("what may not change", () => {
  const { client } = newServer();
  client.create(service("s"));
  client.create(deployment("d"));
  client.create(pod("p"));
  const change = (kind: "Service" | "Deployment" | "Pod", name: string, body: object) =>
    refusal(() => client.patch(kind, name, undefined, { type: "merge", body })).message;
  assert.is(
    change("Service", "s", { spec: { clusterIP: "10.96.9.9", clusterIPs: ["10.96.9.9"] } }),
    'Service "s" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set',
  );
  assert.match(
    change("Deployment", "d", { spec: { selector: { matchLabels: { app: "z" } } } }),
    /spec\.selector: Invalid value: \{"matchLabels":\{"app":"z"\}\}: field is immutable/,
  );
  assert.match(
    change("Pod", "p", { spec: { nodeName: "n" } }),
    /^Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers/,
  );
  assert.is(
    client.patch("Pod", "p", undefined, {
      type: "strategic",
      body: { spec: { containers: [{ name: "nginx", image: "nginx:2" }] } },
    }).spec.containers[0]!.image,
    "nginx:2",
  );
});

test("labels, annotations, owners, finalizers", () => {
  assert.match(
    refused(service("x", undefined, { labels: { "a b": "c" } })),
    /metadata\.labels: Invalid value: "a b": name part must consist of alphanumeric characters/,
  );
  assert.match(
    refused(service("x", undefined, { labels: { a: "b c" } })),
    /metadata\.labels: Invalid value: "b c": a valid label must be an empty string or consist of/,
  );
  assert.is(
    refused(service("x", undefined, { annotations: { a: "x".repeat(300_000) } })),
    'Service "x" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
  );
  assert.match(
    refused(
      service("x", undefined, {
        ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "" }],
      }),
    ),
    /metadata\.ownerReferences\.uid: Invalid value: "": must not be empty/,
  );
  assert.match(
    refused({ apiVersion: "v1", kind: "Node", metadata: { name: "Node_A" } }),
    /a lowercase RFC 1123 subdomain must consist of/,
  );
});

test.run();
