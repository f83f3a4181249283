/** A CustomResourceDefinition, as far as it is read here. (apiextensions.k8s.io/v1) */
import type { ScalePaths } from "./custom-scale.js";
import type { KubeObject } from "./types.js";

export interface Definition extends KubeObject {
  spec: {
    group: string;
    scope?: string;
    names: {
      kind: string;
      plural: string;
      singular?: string;
      listKind?: string;
      shortNames?: string[];
      categories?: string[];
    };
    preserveUnknownFields?: boolean;
    conversion?: {
      strategy?: string;
      webhook?: {
        clientConfig?: { url?: string; service?: object };
        conversionReviewVersions?: string[];
      };
    };
    versions?: Version[];
  };
  status?: {
    conditions?: { type: string; status: string }[];
    storedVersions?: string[];
  };
}

export interface Version {
  name: string;
  served?: boolean;
  storage?: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: Schema };
  subresources?: { status?: object; scale?: ScalePaths };
  additionalPrinterColumns?: {
    name: string;
    type: string;
    format?: string;
    jsonPath: string;
    priority?: number;
  }[];
  selectableFields?: { jsonPath?: string }[];
}

export interface Schema {
  type?: string;
  format?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  default?: unknown;
  nullable?: boolean;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  pattern?: string;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  not?: Schema;
  $ref?: string;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-embedded-resource"?: boolean;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-map-type"?: string;
  "x-kubernetes-validations"?: { rule?: string; message?: string }[];
}
