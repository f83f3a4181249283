/**
 * What is wrong with objects by which a cluster is configured: webhooks and policies of admission,
 * classes of Ingresses, runtimes and drivers, who may ask how much of the API server. (kubernetes:
 * pkg/apis, the validation of each group)
 */
import {
  checkFormat,
  checkOneOf,
  dns1123Label,
  dns1123Subdomain,
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from "./field-errors.js";
import { isRecord, same } from "./freeze.js";
import { checkAnnotations, checkLabels } from "./metadata.js";
import type { KubeObject, PodTemplate, Toleration } from "./types.js";
import { checkDriver, checkSource } from "./validation-sources.js";
import { byKind } from "./validation.js";
import { checkAmounts, validatePodSpec } from "./validation-pod.js";
import { checkTolerations } from "./validation-pod-more.js";

/** An object of which no type is written down; each check says what it reads. */
type Spec<T> = KubeObject & { spec?: T };

export const immutable = (field: string, now: unknown, was: unknown): FieldError[] =>
  same(now, was) ? [] : [invalid(field, now ?? null, "field is immutable")];

/** Required, and one of these. */
export const oneOf = (field: string, value: string | undefined, allowed: readonly string[]) =>
  value !== undefined && allowed.includes(value) ? [] : [notSupported(field, value ?? "", allowed)];

/** Where it is said, one of these. */
export const ifSaid = (field: string, value: string | undefined, allowed: readonly string[]) =>
  value === undefined ? [] : oneOf(field, value, allowed);

// ---- workloads' parts ---------------------------------------------------------------------------

const validatePodTemplate = ({
  template,
}: KubeObject & { template?: PodTemplate }): FieldError[] => [
  ...checkLabels("template.labels", template?.metadata?.labels),
  ...checkAnnotations("template.annotations", template?.metadata?.annotations),
  ...validatePodSpec(template?.spec ?? { containers: [] }, "template.spec", false),
];

type Revision = KubeObject & { revision?: number; data?: unknown };

function validateControllerRevision({ revision = 0, data }: Revision, old?: Revision) {
  return [
    ...(data === undefined ? [required("data", "data is mandatory")] : []),
    ...(data !== undefined && !isRecord(data)
      ? [required("data", "data must be a valid JSON object")]
      : []),
    ...(revision < 0 ? [invalid("revision", revision, "must be greater than or equal to 0")] : []),
    ...(old && data !== undefined ? immutable("data", data, old.data) : []),
  ];
}

// ---- classes ------------------------------------------------------------------------------------

interface IngressClassSpec {
  controller?: string;
  parameters?: {
    apiGroup?: string;
    kind?: string;
    name?: string;
    scope?: string;
    namespace?: string;
  };
}

/** (pkg/apis/networking/validation) */
function validateIngressClass({ spec = {} }: Spec<IngressClassSpec>, old?: Spec<IngressClassSpec>) {
  const { controller = "", parameters } = spec;
  const at = "spec.parameters";
  const { kind = "", name = "", scope = "Cluster", namespace } = parameters ?? {};
  return [
    ...(old ? immutable("spec.controller", controller, old.spec?.controller) : []),
    ...(controller === ""
      ? [required("spec.controller")]
      : controller.includes("/")
        ? []
        : [
            invalid(
              "spec.controller",
              controller,
              'must be a domain-prefixed path (such as "acme.io/foo")',
            ),
          ]),
    ...(!parameters
      ? []
      : [
          ...(kind === "" ? [required(`${at}.kind`)] : []),
          ...(name === "" ? [required(`${at}.name`)] : []),
          ...ifSaid(`${at}.scope`, scope, ["Cluster", "Namespace"]),
          ...(scope === "Namespace" && !namespace
            ? [required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'")]
            : []),
          ...(scope === "Namespace" && namespace
            ? checkFormat(`${at}.namespace`, namespace, dns1123Label)
            : []),
          ...(scope === "Cluster" && namespace !== undefined
            ? [forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'")]
            : []),
        ]),
  ];
}

type RuntimeClass = KubeObject & {
  handler?: string;
  overhead?: { podFixed?: Record<string, string> };
  scheduling?: {
    nodeSelector?: Record<string, string>;
    tolerations?: Toleration[];
  };
};

/** (pkg/apis/node/validation) */
function validateRuntimeClass(runtime: RuntimeClass, old?: RuntimeClass): FieldError[] {
  const { handler = "", overhead, scheduling } = runtime;
  if (old) return immutable("handler", handler, old.handler);
  return [
    ...checkFormat("handler", handler, dns1123Label),
    ...checkAmounts("overhead.limits", overhead?.podFixed ?? {}),
    ...checkLabels("scheduling.nodeSelector", scheduling?.nodeSelector),
    ...checkTolerations(scheduling?.tolerations, "scheduling.tolerations"),
    ...checkTwice(scheduling?.tolerations ?? [], "scheduling.tolerations"),
  ];
}

function checkTwice(tolerations: readonly Toleration[], at: string): FieldError[] {
  const seen = new Set<string>();
  return tolerations.flatMap(
    ({ key = "", operator = "", value = "", effect = "", tolerationSeconds = null }, i) => {
      const known = seen.size;
      seen.add(JSON.stringify([key, operator, value, effect]));
      if (seen.size > known) return [];
      // as the internal type has it
      const shown = { Key: key, Operator: operator, Value: value, Effect: effect };
      return [duplicate(`${at}[${i}]`, { ...shown, TolerationSeconds: tolerationSeconds })];
    },
  );
}

// ---- storage ------------------------------------------------------------------------------------

interface AttachmentSpec {
  attacher?: string;
  nodeName?: string;
  source?: { persistentVolumeName?: string; inlineVolumeSpec?: unknown };
}

type InlineSpec = Record<string, unknown> & { accessModes?: string[]; csi?: object };

/** A volume that stands in the attachment is a CSI driver's, and nobody's else. */
function checkInline(spec: InlineSpec | undefined): FieldError[] {
  if (spec === undefined) return [];
  const at = "spec.source.inlineVolumeSpec";
  const not = ["claimRef", "capacity", "nodeAffinity", "storageClassName"].filter(
    (field) => spec[field] && Object.keys(spec[field]).length > 0,
  );
  return [
    ...not.map((field) =>
      forbidden(`${at}.${field}`, "may not be specified in the context of inline volumes"),
    ),
    ...(spec.csi
      ? checkSource("csi", spec.csi, at, true)
      : [required(`${at}.csi`, "has to be specified in the context of inline volumes")]),
    ...(spec.accessModes?.length ? [] : [required(`${at}.accessModes`)]),
  ];
}

/** (pkg/apis/storage/validation) */
function validateAttachment({ spec = {} }: Spec<AttachmentSpec>, old?: Spec<AttachmentSpec>) {
  const { attacher = "", nodeName = "", source = {} } = spec;
  const { persistentVolumeName: volume, inlineVolumeSpec: inline } = source;
  if (old) {
    // as the internal type has it
    const shown = (one: AttachmentSpec) => ({
      Attacher: one.attacher,
      Source: {
        PersistentVolumeName: one.source?.persistentVolumeName ?? null,
        InlineVolumeSpec: one.source?.inlineVolumeSpec ?? null,
      },
      NodeName: one.nodeName,
    });
    return same(spec, old.spec) ? [] : [invalid("spec", shown(spec), "field is immutable")];
  }
  const sources = [volume, inline].filter((one) => one !== undefined && one !== "");
  return [
    ...(attacher === "" ? [required("spec.attacher")] : []),
    ...(sources.length === 0
      ? [
          required(
            "spec.source",
            "must specify exactly one of inlineVolumeSpec and persistentVolumeName",
          ),
        ]
      : sources.length === 2
        ? [
            forbidden(
              "spec.source",
              "must specify exactly one of inlineVolumeSpec and persistentVolumeName",
            ),
          ]
        : []),
    ...checkFormat("spec.nodeName", nodeName, dns1123Subdomain),
    ...checkInline(inline as InlineSpec | undefined),
  ];
}

interface DriverSpec {
  attachRequired?: boolean;
  fsGroupPolicy?: string;
  volumeLifecycleModes?: string[];
  tokenRequests?: { audience: string; expirationSeconds?: number }[];
}

function validateDriver({ spec = {} }: Spec<DriverSpec>, old?: Spec<DriverSpec>): FieldError[] {
  const modes = ["Persistent", "Ephemeral"];
  const seen = new Set<string>();
  return [
    ...(old
      ? immutable("spec.attachedRequired", spec.attachRequired, old.spec?.attachRequired)
      : []),
    ...(spec.volumeLifecycleModes ?? []).flatMap((mode) =>
      oneOf("spec.volumeLifecycleModes", mode, modes),
    ),
    ...ifSaid("spec.fsGroupPolicy", spec.fsGroupPolicy, [
      "File",
      "None",
      "ReadWriteOnceWithFSType",
    ]),
    ...(spec.tokenRequests ?? []).flatMap(({ audience, expirationSeconds: seconds }, i) => {
      const twice = seen.has(audience);
      const at = `spec.tokenRequests[${i}]`;
      seen.add(audience);
      if (twice) return [duplicate(`${at}.audience`, audience)];
      if (seconds === undefined || seconds >= 600) return [];
      const why = "may not specify a duration less than 10 minutes";
      return [invalid(`${at}.expirationSeconds`, seconds, why)];
    }),
  ];
}

// ---- certificates -------------------------------------------------------------------------------

interface RequestSpec {
  expirationSeconds?: number;
  request?: string;
  signerName?: string;
  usages?: string[];
}

const usages =
  "any,cert sign,client auth,code signing,content commitment,crl sign,data encipherment,decipher only,digital signature,email protection,encipher only,ipsec end system,ipsec tunnel,ipsec user,key agreement,key encipherment,microsoft sgc,netscape sgc,ocsp signing,s/mime,server auth,signing,timestamping".split(
    ",",
  );

/** (pkg/apis/certificates/validation; what stands in the certificate is not looked at) */
function validateRequest({ spec = {} }: Spec<RequestSpec>, old?: Spec<RequestSpec>): FieldError[] {
  const { request, signerName = "", usages: asked = [] } = spec;
  if (old) return immutable("spec", spec, old.spec);
  const isPEM = /-----BEGIN CERTIFICATE REQUEST-----\n[^]*\n-----END CERTIFICATE REQUEST-----/.test(
    atobOrEmpty(request ?? ""),
  );
  return [
    ...(isPEM
      ? []
      : [invalid("spec.request", request ?? null, "PEM block type must be CERTIFICATE REQUEST")]),
    ...(asked.length === 0 ? [required("spec.usages")] : []),
    ...asked.flatMap((one, i) => [
      ...checkOneOf(`spec.usages[${i}]`, one, usages),
      ...(asked.indexOf(one) < i ? [duplicate(`spec.usages[${i}]`, one)] : []),
    ]),
    ...(signerName === ""
      ? [required("spec.signerName")]
      : /^[^/]+\.[^/]+\/.+$/.test(signerName)
        ? []
        : [
            invalid(
              "spec.signerName",
              signerName,
              "must be a fully qualified domain and path of the form 'example.com/signer-name'",
            ),
          ]),
    ...(spec.expirationSeconds !== undefined && spec.expirationSeconds < 600
      ? [
          invalid(
            "spec.expirationSeconds",
            spec.expirationSeconds,
            "may not specify a duration less than 600 seconds (10 minutes)",
          ),
        ]
      : []),
  ];
}

function atobOrEmpty(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

// ---- devices ------------------------------------------------------------------------------------

interface DeviceRequest {
  name?: string;
  exactly?: { deviceClassName?: string };
  firstAvailable?: unknown[];
}
interface ClaimSpec {
  devices?: { requests?: DeviceRequest[] };
}

/** (pkg/apis/resource/validation) */
function validateDeviceClass({
  spec = {},
}: Spec<{ selectors?: { cel?: object }[]; config?: DeviceConfig[] }>): FieldError[] {
  return [
    ...(spec.selectors ?? []).flatMap(({ cel }, i) =>
      cel ? [] : [required(`spec.selectors[${i}].cel`)],
    ),
    ...(spec.config ?? []).flatMap((one, i) => checkDeviceConfig(one, `spec.config[${i}]`)),
  ];
}

interface DeviceConfig {
  opaque?: { driver?: string; parameters?: unknown };
}

/** (validateDeviceConfiguration, validateOpaqueConfiguration) */
function checkDeviceConfig({ opaque }: DeviceConfig, place: string): FieldError[] {
  const at = `${place}.opaque`;
  if (!opaque) return [required(at)];
  const { driver, parameters } = opaque;
  return [
    ...checkDriver(`${at}.driver`, driver),
    ...(parameters === undefined
      ? [required(`${at}.parameters`)]
      : isRecord(parameters)
        ? []
        : [invalid(`${at}.parameters`, "<value omitted>", "must be a valid JSON object")]),
  ];
}

interface Slice {
  driver?: string;
  pool?: { name?: string; generation?: number; resourceSliceCount?: number };
  nodeName?: string;
  nodeSelector?: object;
  allNodes?: boolean;
  perDeviceNodeSelection?: boolean;
  devices?: { name?: string }[];
}

/** (ValidateResourceSlice, as far as its devices' attributes are not looked into) */
function validateSlice({ spec = {} }: Spec<Slice>): FieldError[] {
  const { driver, pool = {}, devices = [] } = spec;
  const { name = "", generation = 0, resourceSliceCount = 0 } = pool;
  const where = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"] as const;
  const said = where.filter((field) => spec[field]);
  const one = `exactly one of ${where.map((field) => `\`${field}\``).join(", ")} is required`;
  const names = devices.map((device) => device.name ?? "");
  return [
    ...checkDriver("spec.driver", driver),
    ...(name === ""
      ? [required("spec.pool.name")]
      : name.split("/").flatMap((part) => checkFormat("spec.pool.name", part, dns1123Subdomain))),
    ...(resourceSliceCount <= 0
      ? [invalid("spec.pool.resourceSliceCount", resourceSliceCount, "must be greater than zero")]
      : []),
    ...(generation < 0
      ? [invalid("spec.pool.generation", generation, "must be greater than or equal to zero")]
      : []),
    ...(said.length === 0 ? [required("spec", one)] : []),
    ...(said.length > 1
      ? [
          invalid(
            "spec",
            `{${said.map((field) => `\`${field}\``).join(", ")}}`,
            `${one}, but multiple fields are set`,
          ),
        ]
      : []),
    ...names.flatMap((device, i) => [
      ...(device === ""
        ? [required(`spec.devices[${i}].name`)]
        : checkFormat(`spec.devices[${i}].name`, device, dns1123Label)),
      ...(device !== "" && names.indexOf(device) < i
        ? [duplicate(`spec.devices[${i}]`, device)]
        : []),
    ]),
  ];
}

function validateResourceClaim({ spec = {} }: Spec<ClaimSpec>, old?: Spec<ClaimSpec>) {
  if (old) return immutable("spec", spec, old.spec);
  return (spec.devices?.requests ?? []).flatMap((request, i) =>
    checkDeviceRequest(`spec.devices.requests[${i}]`, request),
  );
}

function checkDeviceRequest(at: string, request: DeviceRequest): FieldError[] {
  const { name = "", exactly, firstAvailable = [] } = request;
  const kinds = Number(Boolean(exactly)) + Number(firstAvailable.length > 0);
  return [
    ...(name === "" ? [required(`${at}.name`)] : checkFormat(`${at}.name`, name, dns1123Label)),
    ...(kinds === 1
      ? []
      : kinds === 0
        ? [required(at, "exactly one of `exactly` or `firstAvailable` is required")]
        : [
            invalid(
              at,
              null,
              "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
            ),
          ]),
    ...(exactly && !exactly.deviceClassName ? [required(`${at}.exactly.deviceClassName`)] : []),
  ];
}

Object.assign(byKind, {
  PodTemplate: validatePodTemplate,
  ControllerRevision: validateControllerRevision,
  IngressClass: validateIngressClass,
  RuntimeClass: validateRuntimeClass,
  VolumeAttachment: validateAttachment,
  CSIDriver: validateDriver,
  CertificateSigningRequest: validateRequest,
  DeviceClass: validateDeviceClass,
  ResourceSlice: validateSlice,
  ResourceClaim: validateResourceClaim,
});
