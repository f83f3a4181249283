/**
 * What kube-apiserver fills into a Pod's volumes and variables: a page's first chunk does without.
 * (kubernetes: pkg/apis/core/v1/defaults.go, SetDefaults_Volume and its like)
 */
import { isLatest } from "./defaulting.js";
import { isRecord } from "./freeze.js";
import { changed, withDefault, type Fields } from "./other-defaults.js";
import type { Container, PodSpec } from "./types.js";

const readableByAll = 0o644;

/** Path within a volume -> what stands there where nothing does. */
const ofVolumes: Readonly<Record<string, unknown>> = {
  "secret.defaultMode": readableByAll,
  "configMap.defaultMode": readableByAll,
  "downwardAPI.defaultMode": readableByAll,
  "projected.defaultMode": readableByAll,
  "hostPath.type": "",
  "iscsi.iscsiInterface": "default",
  "rbd.pool": "rbd",
  "rbd.user": "admin",
  "rbd.keyring": "/etc/ceph/keyring",
  "azureDisk.cachingMode": "ReadWrite",
  "azureDisk.kind": "Shared",
  "azureDisk.fsType": "ext4",
  "azureDisk.readOnly": false,
  "scaleIO.storageMode": "ThinProvisioned",
  "scaleIO.fsType": "xfs",
  "ephemeral.volumeClaimTemplate.spec.volumeMode": "Filesystem",
};

export function withPodDefaults(spec: PodSpec): PodSpec {
  const { volumes } = spec as { volumes?: Fields[] };
  const lists = ["containers", "initContainers", "ephemeralContainers"] as const;
  const filled: Record<string, unknown> = {};
  if (volumes?.length) filled["volumes"] = volumes.map(volume);
  for (const list of lists)
    if (spec[list]?.some((one) => one.env?.some(needsMore) || hasStopSignal(one)))
      filled[list] = spec[list].map((one) => withoutStopSignal(withVariables(one)));
  return Object.keys(filled).length > 0 ? { ...spec, ...filled } : spec;
}

function volume(given: Fields): Fields {
  const hasSource = Object.keys(given).some((key) => key !== "name");
  let filled = hasSource ? given : { ...given, emptyDir: {} };
  for (const [path, value] of Object.entries(ofVolumes))
    filled = withDefault(filled, path.split("."), value);
  filled = changed(filled, ["image"], (image) => ({
    pullPolicy: isLatest(String(image["reference"] ?? "")) ? "Always" : "IfNotPresent",
    ...image,
  }));
  filled = changed(filled, ["downwardAPI"], withItems);
  return changed(filled, ["projected"], (projected) => ({
    ...projected,
    ...(Array.isArray(projected["sources"]) && { sources: projected["sources"].map(source) }),
  }));
}

const source = (given: Fields): Fields =>
  changed(
    withDefault(given, ["serviceAccountToken", "expirationSeconds"], 3600),
    ["downwardAPI"],
    withItems,
  );

const withItems = (files: Fields): Fields => ({
  ...files,
  ...(Array.isArray(files["items"]) && { items: files["items"].map(reference) }),
});

/** A quantity that is not there is "0" in Go's JSON. */
const reference = (from: Fields): Fields =>
  withDefault(
    withDefault(from, ["fieldRef", "apiVersion"], "v1"),
    ["resourceFieldRef", "divisor"],
    "0",
  );

const hasStopSignal = ({ lifecycle }: Container): boolean =>
  isRecord(lifecycle) && lifecycle["stopSignal"] !== undefined;

/** ContainerStopSignals is off. */
function withoutStopSignal(container: Container): Container {
  if (!hasStopSignal(container)) return container;
  const { lifecycle, ...rest } = container;
  const { stopSignal: _, ...hooks } = lifecycle as Fields;
  return Object.keys(hooks).length > 0 ? { ...rest, lifecycle: hooks } : rest;
}

const needsMore = ({ valueFrom }: { valueFrom?: unknown }): boolean =>
  isRecord(valueFrom) && ("resourceFieldRef" in valueFrom || "fileKeyRef" in valueFrom);

const withVariables = (container: Container): Container => ({
  ...container,
  ...(container.env && {
    env: container.env.map((one) =>
      isRecord(one.valueFrom)
        ? {
            ...one,
            valueFrom: withDefault(reference(one.valueFrom), ["fileKeyRef", "optional"], false),
          }
        : one,
    ),
  }),
});
