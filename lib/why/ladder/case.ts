/** A request that did not get its answer, and all that the rungs of the ladder look at. */
import type { Origin } from "../../journey/party.js";
import type { Basis, Disposition, Journey } from "../../journey/types.js";
import type { KubeObject, Service, ServicePort } from "../../objects/types.js";
import type { Goal } from "../aim.js";
import { kubectlGet, nameOf, type Objects } from "../objects.js";
import type { Change, DoorKind, Fault, Rung, Value, World } from "../types.js";

export interface Case {
  world: World;
  objects: Objects;
  service: Service;
  door: DoorKind;
  via: readonly Rung[];
  /** undefined: there was nothing to ask. */
  goal: Goal | undefined;
  /** The place in spec.ports of what was asked for; undefined where no port fits. */
  port: number | undefined;
  from: string;
  origin: Origin | undefined;
  disposition: Disposition;
  /** How much of the ways work all the same. */
  share: number;
  journey: (Journey & Partial<Basis>) | undefined;
  /** The node where the deciding rules were met. */
  node: string | undefined;
  /** The Pod that was asked by its own address. */
  pod: string | undefined;
}

/** What a rung has found to be wrong, the first thing first. */
export type Look = (one: Case) => Fault[];

/** A fault of an object; `change` is its own field unless another is named. */
export function fault(
  rung: Rung,
  object: KubeObject,
  field: string,
  facts: { value: Value; expected: Value; sentence: string },
  more: { change?: Change | undefined; kubectl?: string } = {},
): Fault {
  const name = nameOf(object);
  const own = { object: name, field, value: facts.expected };
  return {
    rung,
    object: name,
    field,
    ...facts,
    change: "change" in more ? more.change : own,
    kubectl: more.kubectl ?? kubectlGet(object),
  };
}

export const portOf = ({ service, port }: Case): ServicePort | undefined =>
  port === undefined ? undefined : service.spec.ports?.[port];

export const protocolOf = ({ protocol = "TCP" }: ServicePort): "TCP" | "UDP" | "SCTP" => protocol;

/** 'metadata.labels["app.kubernetes.io/name"]' */
export const labelField = (key: string): string => `metadata.labels["${key}"]`;

/** "80, 443" */
export const listed = (values: readonly (string | number)[]): string => values.join(", ");

/** The address of "10.1.1.2:80" or "[fd00::1]:80". */
export const addressOf = (socket: string | undefined): string | undefined =>
  socket?.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
