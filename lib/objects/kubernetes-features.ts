/**
 * In which minor version of Kubernetes what is modelled here differs from the one before: the one
 * place where such numbers stand. (Constants, so that a page's first chunk holds those alone that
 * it asks for.)
 *
 *     import * as features from "./kubernetes-features.js";
 *     kubernetes("1.36").has(features.strictAddresses)     // true
 */

/** Each answer about Endpoints warns of them. (KEP-4974) */
export const endpointsWarning = 33;
/** trafficDistribution takes PreferSameZone and PreferSameNode. (KEP-3015: on by default) */
export const preferSame = 34;
/** A Service with externalIPs is warned of. (KEP-5707, #137293; CVE-2020-8554) */
export const externalIPsWarning = 36;
/** A Service's name may begin with a digit: an RFC 1123 label. (KEP-5311: on by default) */
export const relaxedServiceNames = 36;
/** Addresses with leading zeros, IPv4 as IPv6, and ranges with host bits are refused. (KEP-4858) */
export const strictAddresses = 36;
/**
 * nftables mode: an endpoint has a chain of its own only for affinity, marks are set in place, and
 * masquerading is decided for all Services at once. (pkg/proxy/nftables/proxier.go)
 */
export const directDNAT = 36;
/** kube-proxy warns where nobody set its mode. (KEP-5343, #139957) */
export const proxyModeWarning = 37;
/** nftables mode: one endpoint takes no map. (#140723) */
export const noMapForOneEndpoint = 37;
/** nftables mode: comments are cut to 128 bytes, which nft demands. (#139516) */
export const shortComments = 37;
/** nodePortAddresses takes "localhost" and "all", and "primary" beside others. (KEP-6032) */
export const nodePortKeywords = 37;
/** nftables mode takes away what localhost's NodePorts would need: their gate is off. (KEP-6032) */
export const localhostNodePortGate = 37;
/** iptables mode: no hourly full sync in a large cluster (#138571); always --random-fully. */
export const fewFullSyncs = 37;
/** UDP flows of a Service without an endpoint are forgotten. (#139629; from 1.32 they stayed) */
export const lastUDPFlows = 37;
