/**
 * The packet flows of kube-proxy's own tests, with what its rules make of each packet, and some
 * vectors of theirs (test/conformance).
 */
import { readFileSync } from "node:fs";
import type { Family } from "stopover/internal/net/ip";
import type { TableName } from "stopover/internal/net/iptables/tables";
import type { EndpointSlice, Service } from "stopover/internal/objects/types";

export interface Case {
  name: string;
  sourceIP: string;
  protocol?: string;
  destIP: string;
  destPort: number;
  expect: string;
  masq: boolean;
}
export interface Proxier {
  ipFamily: Family;
  nodeName: string;
  nodeIP: string;
  interfaceAddresses: string[];
  localDetector: { type: string; cidr: string };
  masqueradeAll: boolean;
  localhostNodePorts: boolean;
  nodePortAddresses: string[];
  conntrackTCPLiberal: boolean;
  randomFully: boolean;
  nfacct: string[];
}
export interface SyncStep {
  services: Service[];
  endpointSlices: EndpointSlice[];
  cases: Case[];
  goldenRestoreSorted?: string;
  chainEquals?: { table: TableName; chain: string; lines: string[] }[];
  natServicesHasDest?: string[];
}
export const recordedFlows = JSON.parse(
  readFileSync(new URL("../conformance/kube-proxy-packet-flows.json", import.meta.url), "utf8"),
) as {
  tests: { test: string; variant: string | null; proxier: Proxier; steps: SyncStep[] }[];
  vectors: {
    hash16: { samples: Record<string, string> };
    probability: Record<string, Record<string, string>>;
    jumpRules: { table: TableName; from: string; args: string }[];
    largeCluster: Record<string, string>;
  };
  tracer: { localIPs: string };
};
