import { endpoint } from "./net/ip.js";
import type { EndpointSlice } from "./objects/types.js";

/** Who may answer for a Service: one address. */
export interface EndpointLine {
  address: string;
  node: string | undefined;
  pod: string | undefined;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
}

/** EndpointSlices, a line for each address. */
export const linesOf = (slices: readonly EndpointSlice[]): EndpointLine[] =>
  slices.flatMap(({ endpoints, ports }) =>
    endpoints.flatMap(
      ({ addresses, nodeName, targetRef, conditions: { ready, serving, terminating } = {} }) =>
        addresses.map((ip) => ({
          address: ports?.[0]?.port ? endpoint(ip, ports[0].port) : ip,
          node: nodeName,
          pod: targetRef?.name,
          ready: ready !== false,
          serving: serving ?? ready !== false,
          terminating: terminating === true,
        })),
    ),
  );
