/**
 * What may be asked of the sources of volumes: a Pod's, and those of PersistentVolumes. Who imports
 * this has the checks. (kubernetes: pkg/apis/core/validation, validateVolumeSource)
 */
import {
  checkFormat,
  checkOneOf,
  dns1123Label,
  dns1123Subdomain,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import { quantity } from "./quantity.js";
import { checkClaimSpec } from "./validation-claims.js";
import {
  checkDescends,
  checkFieldRef,
  checkResourceRef,
  plain,
  text,
} from "./validation-pod-fields.js";
import { further, records } from "./validation-pod.js";

export type Source = Record<string, unknown>;
type Check = (source: Source, at: string, isPersistent: boolean) => FieldError[];

const isMissing = (value: unknown): boolean =>
  value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

/** What a source cannot do without. */
const needed: Readonly<Record<string, readonly string[]>> = {
  awsElasticBlockStore: ["volumeID"],
  azureDisk: ["diskName", "diskURI"],
  azureFile: ["secretName", "shareName"],
  cephfs: ["monitors"],
  cinder: ["volumeID"],
  flexVolume: ["driver"],
  gcePersistentDisk: ["pdName"],
  gitRepo: ["repository"],
  glusterfs: ["endpoints", "path"],
  image: ["reference"],
  iscsi: ["targetPortal", "iqn"],
  local: ["path"],
  nfs: ["server", "path"],
  photonPersistentDisk: ["pdID"],
  portworxVolume: ["volumeID"],
  rbd: ["monitors", "image"],
  scaleIO: ["gateway", "system", "volumeName"],
  storageos: ["volumeName"],
  vsphereVolume: ["volumePath"],
};

/** Names by which messages call them. */
const called: Readonly<Record<string, string>> = { gcePersistentDisk: "persistentDisk" };

/** One source, by its field's name. `isPersistent`: it is a PersistentVolume's. */
export function checkSource(
  name: string,
  value: unknown,
  place: string,
  isPersistent = false,
): FieldError[] {
  const source = plain(value);
  const at = `${place}.${called[name] ?? name}`;
  const missing = (needed[name] ?? []).filter((field) => isMissing(source[field]));
  return [
    ...missing.map((field) => required(`${at}.${field}`)),
    ...(own[name]?.(source, at, isPersistent) ?? []),
  ];
}

const within = (at: string, value: unknown, least: number, most: number, why: string) =>
  typeof value === "number" && (value < least || value > most) ? [invalid(at, value, why)] : [];

const LUN = "must be between 0 and 255, inclusive";
const FILE_MODE = "must be a number between 0 and 0777 (octal), both inclusive";

const checkMode = (at: string, mode: unknown): FieldError[] =>
  within(at, mode, 0, 0o777, FILE_MODE);

const partition: Check = (source, at) =>
  within(`${at}.partition`, source["partition"], 0, 255, "must be between 1 and 255, inclusive");

/** (ValidateLocalNonReservedPath) */
const checkPath = (at: string, path: string): FieldError[] => [
  ...checkDescends(at, path),
  ...(path.startsWith("..") && !path.startsWith("../") && path !== ".."
    ? [invalid(at, path, "must not start with '..'")]
    : []),
];

const checkItems = (items: unknown, at: string): FieldError[] =>
  records<Source>(items).flatMap((item, i) => {
    const here = `${at}.items[${i}]`;
    const { key, path, mode } = item;
    return [
      ...(isMissing(key) ? [required(`${here}.key`)] : []),
      ...(isMissing(path) ? [required(`${here}.path`)] : []),
      ...checkPath(`${here}.path`, text(path)),
      ...checkMode(`${here}.mode`, mode),
    ];
  });

const files: Check = (source, at) => [
  ...checkMode(`${at}.defaultMode`, source["defaultMode"]),
  ...checkItems(source["items"], at),
];

const filePaths = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

function checkFile({ path, fieldRef, resourceFieldRef, mode }: Source, at: string): FieldError[] {
  return [
    ...(isMissing(path) ? [required(`${at}.path`)] : []),
    ...checkPath(`${at}.path`, text(path)),
    ...(fieldRef
      ? [
          ...checkFieldRef(plain(fieldRef), `${at}.fieldRef`, filePaths),
          ...(resourceFieldRef
            ? [
                invalid(
                  at,
                  "resource",
                  "fieldRef and resourceFieldRef can not be specified simultaneously",
                ),
              ]
            : []),
        ]
      : resourceFieldRef
        ? checkResourceRef(plain(resourceFieldRef), `${at}.resourceFieldRef`, true)
        : [required(at, "one of fieldRef and resourceFieldRef is required")]),
    ...checkMode(`${at}.mode`, mode),
  ];
}

const downward: Check = (source, at) => [
  ...checkMode(`${at}.defaultMode`, source["defaultMode"]),
  ...records<Source>(source["items"]).flatMap((one) => checkFile(one, at)),
];

// ---- several in one -----------------------------------------------------------------------------

const LEAST_SECONDS = 600;

function checkToken(token: Source, at: string, volume: string): FieldError[] {
  const { expirationSeconds: seconds, path } = token;
  return [
    ...within(
      `${at}.expirationSeconds`,
      seconds,
      LEAST_SECONDS,
      Infinity,
      "may not specify a duration less than 10 minutes",
    ),
    ...within(
      `${at}.expirationSeconds`,
      seconds,
      -Infinity,
      2 ** 32,
      "may not specify a duration larger than 2^32 seconds",
    ),
    ...(isMissing(path) ? [required(`${volume}.path`)] : checkPath(`${volume}.path`, text(path))),
  ];
}

function checkBundle(bundle: Source, at: string): FieldError[] {
  const { name, signerName, labelSelector, path } = bundle;
  return [
    ...(name === undefined && signerName === undefined
      ? [required(at, "either name or signerName must be specified")]
      : []),
    ...(name !== undefined && signerName !== undefined
      ? [invalid(at, bundle, "only one of name and signerName may be used")]
      : []),
    ...(name === "" ? [required(`${at}.name`, "must be a valid object name")] : []),
    ...(name !== undefined && labelSelector
      ? [
          invalid(
            `${at}.labelSelector`,
            labelSelector,
            "labelSelector must be unset if name is specified",
          ),
        ]
      : []),
    ...(isMissing(path) ? [required(`${at}.path`)] : []),
    ...checkPath(`${at}.path`, text(path)),
  ];
}

const parts = ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle"];

/** (validateProjectionSources) */
const projected: Check = ({ defaultMode, sources }, at) => {
  const paths = new Set<string>();
  const twice = (path: unknown, named: unknown): FieldError[] => {
    const known = text(path) !== "" && paths.has(text(path));
    paths.add(text(path));
    return known ? [invalid(at, named, "conflicting duplicate paths")] : [];
  };
  const one = (kind: string, part: Source, here: string): FieldError[] => {
    const items = records<Source>(part["items"]);
    if (kind === "serviceAccountToken") return checkToken(part, here, at);
    if (kind === "clusterTrustBundle")
      return [...checkBundle(part, here), ...twice(part["path"], part["path"])];
    if (kind === "downwardAPI")
      return items.flatMap((item) => [
        ...checkFile(item, here),
        ...twice(item["path"], item["path"]),
      ]);
    return [
      ...(isMissing(part["name"]) ? [required(`${here}.name`)] : []),
      ...checkItems(items, here),
      ...items.flatMap((item) => twice(item["path"], text(part["name"]))),
    ];
  };
  return [
    ...checkMode(`${at}.defaultMode`, defaultMode),
    ...records<Source>(sources).flatMap((source, i) => {
      const here = `${at}.sources[${i}]`;
      const there = parts.filter((kind) => source[kind] !== undefined);
      return [
        ...there.flatMap((kind) => one(kind, plain(source[kind]), `${here}.${kind}`)),
        ...(there.length > 1
          ? [forbidden(here, "may not specify more than 1 volume type per source")]
          : []),
      ];
    }),
  ];
};

// ---- disks and shares ---------------------------------------------------------------------------

const qualifiedNames: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.[A-Za-z0-9.-]+:[^,;*&$|\s]+$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};

function checkInitiator(name: string, at: string, isPersistent: boolean): FieldError[] {
  const kind = qualifiedNames[name.slice(0, 3)];
  if (kind === undefined && !isPersistent)
    return [invalid(at, name, "must be valid format starting with iqn, eui, or naa")];
  return kind?.test(name) ? [] : [invalid(at, name, "must be valid format")];
}

const iscsi: Check = (source, at, isPersistent) => {
  const { iqn, lun, chapAuthDiscovery, chapAuthSession, secretRef, initiatorName } = source;
  return [
    ...(isMissing(iqn) ? [] : checkInitiator(text(iqn), `${at}.iqn`, isPersistent)),
    ...within(`${at}.lun`, lun, 0, 255, LUN),
    ...((chapAuthDiscovery || chapAuthSession) && !secretRef ? [required(`${at}.secretRef`)] : []),
    ...(isPersistent ? checkSecretRef(secretRef, `${at}.secretRef`, false) : []),
    ...(initiatorName === undefined
      ? []
      : checkInitiator(text(initiatorName), `${at}.initiatorname`, false)),
  ];
};

const checkSecretRef = (ref: unknown, at: string, isElsewhere: boolean): FieldError[] =>
  ref === undefined
    ? []
    : ["name", ...(isElsewhere ? ["namespace"] : [])]
        .filter((field) => isMissing(plain(ref)[field]))
        .map((field) => required(`${at}.${field}`));

const secretRef: Check = (source, at, isPersistent) =>
  checkSecretRef(source["secretRef"], `${at}.secretRef`, isPersistent);

const fc: Check = ({ targetWWNs, wwids, lun }, at) => {
  const here = `${at}.targetWWNs`;
  const isTargeted = !isMissing(targetWWNs);
  return [
    ...(!isTargeted && isMissing(wwids)
      ? [required(here, "must specify either targetWWNs or wwids, but not both")]
      : []),
    ...(isTargeted && !isMissing(wwids)
      ? [invalid(here, targetWWNs, "targetWWNs and wwids can not be specified simultaneously")]
      : []),
    ...(isTargeted && lun === undefined
      ? [required(`${at}.lun`, "lun is required if targetWWNs is specified")]
      : []),
    ...(isTargeted ? within(`${at}.lun`, lun, 0, 255, LUN) : []),
  ];
};

const flocker: Check = ({ datasetName, datasetUUID }, at) => [
  ...(isMissing(datasetName) && isMissing(datasetUUID)
    ? [required(at, "one of datasetName and datasetUUID is required")]
    : []),
  ...(!isMissing(datasetName) && !isMissing(datasetUUID)
    ? [invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously")]
    : []),
  ...(text(datasetName).includes("/")
    ? [invalid(`${at}.datasetName`, datasetName, "must not contain '/'")]
    : []),
];

const quobyte: Check = ({ registry, volume }, at) => {
  const pairs = "must be a host:port pair or multiple pairs separated by commas";
  return [
    ...(isMissing(registry)
      ? [required(`${at}.registry`, pairs)]
      : text(registry)
          .split(",")
          .filter((pair) => !/^([^:[\]]*|\[[^\]]*\]):[^:]*$/.test(pair))
          .map(() => invalid(`${at}.registry`, registry, pairs))),
    ...(isMissing(volume) ? [required(`${at}.volume`)] : []),
  ];
};

const cachingModes = ["None", "ReadOnly", "ReadWrite"];
const diskKinds = ["Dedicated", "Managed", "Shared"];
const diskURIs = {
  managed:
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
  blob: "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd",
};

const azureDisk: Check = ({ cachingMode, kind, diskURI }, at) => {
  const isManaged = kind === "Managed";
  const begins = text(diskURI).startsWith(isManaged ? "/subscriptions/" : "https://");
  return [
    ...(cachingMode === undefined || cachingModes.includes(text(cachingMode))
      ? []
      : [notSupported(`${at}.cachingMode`, cachingMode, cachingModes)]),
    ...(kind === undefined || diskKinds.includes(text(kind))
      ? []
      : [notSupported(`${at}.kind`, kind, diskKinds)]),
    ...(kind === undefined || begins
      ? []
      : [notSupported(`${at}.diskURI`, diskURI, [isManaged ? diskURIs.managed : diskURIs.blob])]),
  ];
};

const azureFile: Check = ({ secretNamespace }, at, isPersistent) =>
  isPersistent && secretNamespace === "" ? [required(`${at}.secretNamespace`)] : [];

const flexVolume: Check = ({ options }, at) =>
  Object.keys(plain(options)).flatMap((key) =>
    /(^|\.)(kubernetes|k8s)\.io$/i.test(key.split("/")[0]!)
      ? [invalid(`${at}.options[${key}]`, key, "kubernetes.io and k8s.io namespaces are reserved")]
      : [],
  );

const gitRepo: Check = ({ directory }, at) => checkDescends(`${at}.directory`, text(directory));

const glusterfs: Check = ({ endpointsNamespace: name }, at) =>
  name === undefined
    ? []
    : name === ""
      ? [
          invalid(
            `${at}.endpointsNamespace`,
            name,
            "if the endpointnamespace is set, it must be a valid namespace name",
          ),
        ]
      : checkFormat(`${at}.endpointsNamespace`, text(name), dns1123Label);

const storageos: Check = (source, at, isPersistent) => [
  ...["volumeName", "volumeNamespace"].flatMap((field) =>
    isMissing(source[field])
      ? []
      : checkFormat(`${at}.${field}`, text(source[field]), dns1123Label),
  ),
  ...secretRef(source, at, isPersistent),
];

/** (ValidateCSIDriverName) */
export function checkDriver(at: string, driver: unknown): FieldError[] {
  if (isMissing(driver)) return [required(at)];
  const name = text(driver);
  return [
    ...(name.length > 63
      ? [
          {
            field: at,
            reason: "FieldValueTooLong" as const,
            message: "Too long: may not be more than 63 bytes",
          },
        ]
      : []),
    ...checkFormat(at, name.toLowerCase(), dns1123Subdomain),
  ];
}

const csi: Check = (source, at, isPersistent) => {
  const { driver, volumeHandle, nodePublishSecretRef } = source;
  const refs = [
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
  ];
  return [
    ...checkDriver(`${at}.driver`, driver),
    ...(isPersistent && isMissing(volumeHandle) ? [required(`${at}.volumeHandle`)] : []),
    ...(isPersistent
      ? refs.flatMap((ref) => checkSecretRef(source[ref], `${at}.${ref}`, true))
      : checkSecretRef(nodePublishSecretRef, `${at}.nodePublishSecretRef`, false)),
  ];
};

// ---- the node's own -----------------------------------------------------------------------------

const hostPathTypes =
  ",BlockDevice,CharDevice,Directory,DirectoryOrCreate,File,FileOrCreate,Socket".split(",");

const noDots = (field: string, path: unknown): FieldError[] =>
  text(path).split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];

const hostPath: Check = ({ path, type = "" }, at) => [
  ...noDots(`${at}.path`, path),
  ...(hostPathTypes.includes(text(type)) ? [] : [notSupported(`${at}.type`, type, hostPathTypes)]),
];

const nfs: Check = ({ path }, at) =>
  isMissing(path) || text(path).startsWith("/")
    ? []
    : [invalid(`${at}.path`, path, "must be an absolute path")];

const emptyDir: Check = ({ sizeLimit }, at) =>
  typeof sizeLimit === "string" && quantity(sizeLimit) < 0
    ? [forbidden(`${at}.sizeLimit`, "SizeLimit field must be a valid resource quantity")]
    : [];

const ephemeral: Check = ({ volumeClaimTemplate: template }, at) =>
  template === undefined
    ? [required(`${at}.volumeClaimTemplate`)]
    : checkClaimSpec(plain(plain(template)["spec"]), `${at}.volumeClaimTemplate.spec`);

const image: Check = ({ pullPolicy }, at) =>
  pullPolicy === undefined
    ? []
    : checkOneOf(`${at}.pullPolicy`, text(pullPolicy), ["Always", "IfNotPresent", "Never"]);

const local: Check = ({ path }, at) => noDots(`${at}.path`, path);

const own: Readonly<Record<string, Check>> = {
  awsElasticBlockStore: partition,
  azureDisk,
  azureFile,
  cinder: secretRef,
  configMap: files,
  csi,
  downwardAPI: downward,
  emptyDir,
  ephemeral,
  fc,
  flexVolume,
  flocker,
  gcePersistentDisk: partition,
  gitRepo,
  glusterfs,
  hostPath,
  image,
  iscsi,
  local,
  nfs,
  projected,
  quobyte,
  secret: files,
  storageos,
};

const { source } = further;
further.source = (volume, at) => [
  ...source(volume, at),
  ...Object.keys(volume)
    .filter((name) => name !== "name")
    .slice(0, 1)
    .flatMap((name) => checkSource(name, volume[name], at)),
];
