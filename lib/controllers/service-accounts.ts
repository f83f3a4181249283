/**
 * What each namespace gets by itself: the ServiceAccount that its Pods have unless they name
 * another, and the ConfigMap by which they know the API server. (kubernetes:
 * pkg/controller/serviceaccount, pkg/controller/certificates/rootcacertpublisher)
 */
import { ignoring } from "../api/errors.js";
import { watch, type Context, type Controller } from "../machinery/controller.js";
import { same } from "../objects/freeze.js";
import type { Kind, KubeObject } from "../objects/types.js";
import { informerOf } from "./owned-pods.js";

type ConfigMap = KubeObject & { data?: Record<string, string> };

export const serviceAccountController = (context: Context): Controller =>
  eachNamespace(context, "serviceaccount-controller", (namespace) => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "default", namespace },
  }));

export const rootCACertPublisher = (context: Context): Controller =>
  eachNamespace(context, "root-ca-certificate-publisher-controller", rootCA);

const rootCA = (namespace: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: "kube-root-ca.crt",
    namespace,
    annotations: {
      "kubernetes.io/description":
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
    },
  },
  // there is no TLS here, and so no authority: the text says what would stand there
  data: { "ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" },
});

/** Keeps one object in each namespace: made where it is missing, mended where it differs. */
function eachNamespace(
  context: Context,
  name: string,
  wanted: (namespace: string) => ConfigMap,
): Controller {
  const { client, informers } = context;
  const namespaces = informers.of("Namespace");
  const example = wanted("");
  const kind = example.kind as Kind;
  const existing = informerOf<ConfigMap>(context, kind);

  function reconcile(namespace: string): void {
    const found = namespaces.get(namespace);
    if (!found || found.metadata.deletionTimestamp) return;
    const want = wanted(namespace);
    const present = existing.get(`${namespace}/${example.metadata.name}`);
    if (present && same(present.data, want.data)) return;
    const written = ignoring([404, 409], () =>
      present ? client.update({ ...present, data: want.data! }) : client.create(want),
    );
    if (written) existing.learn(written);
  }

  return {
    name,
    reconcile,
    describe: (namespace) => `Namespace ${namespace}`,
    watches: [
      watch("Namespace"),
      {
        kind,
        keys: (key) =>
          key.endsWith(`/${example.metadata.name}`) ? [key.slice(0, key.indexOf("/"))] : [],
      },
    ],
  };
}
