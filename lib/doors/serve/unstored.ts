/**
 * Kinds that nobody stores, besides reviews: Bindings, which are posted, and the health of the
 * control plane's processes. (kubernetes: pkg/registry/core/componentstatus,
 * pkg/registry/core/pod/storage, BindingREST)
 */
import * as errors from "../../api/errors.js";
import type { KindInfo } from "../../objects/kinds.js";
import type { KubeObject, Lease } from "../../objects/types.js";
import type { ApiAnswer } from "./exchange.js";
import { includeObject, told, wantedForm, type Call } from "./http-call.js";
import { table } from "./tables.js";

/** As far as a kind of its own is concerned; the sub-resource of a Pod has a name. */
export const isUnstored = ({ kind, apiVersion }: KindInfo): boolean =>
  apiVersion === "v1" && ["Binding", "ComponentStatus"].includes(kind);

interface ComponentStatus extends KubeObject {
  conditions: { type: "Healthy"; status: "True" | "False"; message: string }[];
}

const ports = { scheduler: 10259, "controller-manager": 10257 } as const;

/** A component that holds a Lease and renews it runs; of others, nobody hears. */
function component(call: Call, name: keyof typeof ports): ComponentStatus {
  const { client, apiserver } = call;
  const lease = errors.ignoring([404], (): Lease =>
    client.get("Lease", `kube-${name}`, "kube-system"),
  );
  const renewed = Date.parse(lease?.spec?.renewTime ?? "");
  const lasts = (lease?.spec?.leaseDurationSeconds ?? 0) * 1_000;
  if (apiserver.clock.now() < renewed + lasts) return healthy(name, "ok");
  const at = `127.0.0.1:${ports[name]}`;
  const why = `Get "https://${at}/healthz": dial tcp ${at}: connect: connection refused`;
  return healthy(name, why, "False");
}

const healthy = (
  name: string,
  message: string,
  status: "True" | "False" = "True",
): ComponentStatus => ({
  apiVersion: "v1",
  kind: "ComponentStatus",
  metadata: { name },
  conditions: [{ type: "Healthy", status, message }],
});

export function componentStatuses(call: Call): ApiAnswer {
  const { target, apiserver, query } = call;
  const all = [
    component(call, "scheduler"),
    component(call, "controller-manager"),
    healthy("etcd-0", "ok"),
  ];
  call.warnings.add("v1 ComponentStatus is deprecated in v1.19+");
  const form = wantedForm(call);
  const found = target.name === undefined ? all : all.filter(isCalled(target.name));
  if (found.length === 0)
    throw errors.notFound({ ...target.info, plural: "componentstatus" }, target.name!);
  if (form.as === "Table")
    return told(
      form,
      200,
      table(target.info, found, apiserver.clock.now(), includeObject(query), {}),
    );
  if (target.name !== undefined) return told(form, 200, found[0]!);
  const items = found.map(({ metadata, conditions }) => ({ metadata, conditions }));
  return told(form, 200, { kind: "ComponentStatusList", apiVersion: "v1", metadata: {}, items });
}

const isCalled =
  (name: string) =>
  ({ metadata }: KubeObject): boolean =>
    metadata.name === name;
