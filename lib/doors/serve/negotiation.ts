import { dump } from "js-yaml";
import * as errors from "../../api/errors.js";

/** In which form a client wants its answer. */
export interface Form {
  as: "Object" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
  type: "application/json" | "application/yaml";
}

/**
 * kubectl asks "application/json;as=Table;v=v1;g=meta.k8s.io,application/json": the first that is
 * offered counts. (apiserver: pkg/endpoints/handlers/negotiation)
 */
export function formOf(accept: string | undefined): Form {
  for (const one of (accept || "*/*").split(",")) {
    const form = offered(one);
    if (form) return form;
  }
  throw errors.notAcceptable(
    /;\s*as=/.test(accept ?? "")
      ? `only the following media types are accepted: ${representations}`
      : `406: Not Acceptable\n\nAvailable representations: ${representations}`,
  );
}

const representations = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

const transforms = new Set(["Table", "PartialObjectMetadata", "PartialObjectMetadataList"]);

function offered(text: string): Form | undefined {
  const [name = "", ...words] = text.split(";").map((word) => word.trim());
  const parameters = new Map(words.map((word) => word.split("=", 2) as [string, string]));
  const media = name.toLowerCase();
  const type = media === "application/yaml" ? media : "application/json";
  if (type !== media && media !== "*/*") return undefined;
  const as = parameters.get("as");
  if (as === undefined) return { as: "Object", type };
  const { g, v } = Object.fromEntries(parameters) as { g?: string; v?: string };
  if (!transforms.has(as) || g !== "meta.k8s.io" || !/^v1(beta1)?$/.test(v ?? "")) return undefined;
  return { as: as as Form["as"], type };
}

/** An answer's text. */
export const textOf = (body: object, { type }: Form): string =>
  type === "application/yaml"
    ? dump(body, { noRefs: true, sortKeys: true, lineWidth: -1 })
    : JSON.stringify(body);

/** What controllers that know nothing of a kind go by: its metadata alone. */
export const metadataOnly = ({ metadata }: { metadata: object }) => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata,
});
