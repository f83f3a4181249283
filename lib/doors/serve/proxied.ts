/**
 * Requests that the API server passes on to a Pod, to a Pod of a Service or to a node: they leave
 * it over the cluster's network, as packets, and whoever takes them there answers.
 *
 *     kubectl get --raw /api/v1/namespaces/default/services/http:web:80/proxy/index.html
 *
 * (kubernetes: pkg/registry/core/pod/strategy.go, service/storage/storage.go and node/strategy.go,
 * ResourceLocation; k8s.io/apimachinery: pkg/util/proxy)
 */
import * as errors from "../../api/errors.js";
import { within, type Act } from "../../machinery/act.js";
import { endpoint, parseAddress, readAddress } from "../../net/ip.js";
import type { KindInfo } from "../../objects/kinds.js";
import type { Endpoints, Node, Pod, Service } from "../../objects/types.js";
import { exchange, type Answered } from "../../shell/network/http-exchange.js";
import type { Connection } from "../../shell/network/connection.js";
import type { NetworkEnd } from "../../shell/network/network-end.js";
import { beginTls } from "../../shell/network/tls.js";
import type { ApiAnswer, AsSent, LaterAnswer } from "./exchange.js";
import { json, type Call } from "./http-call.js";
import { statusOf } from "./http-status.js";
import { pathBelow, type Passage } from "./passage.js";
import { answerOf, headersFor, targetOf } from "./proxied-http.js";

/** Where a request goes on. */
interface Location {
  scheme: string;
  address: string;
  port: number;
}

/** Milliseconds that a connection may take (k8s.io/apimachinery: pkg/util/net, the dialer's). */
const DIAL = 30_000;
/** Requests that may be under way at a time. */
const MOST = 1_000;

let underWay = 0;

export const isProxied = ({ kind }: KindInfo): boolean => ["Pod", "Service", "Node"].includes(kind);

/** @throws what a real API server says where there is nobody to pass it on to. */
export function proxied(call: Call): ApiAnswer | LaterAnswer {
  const sent = call.request.asSent!;
  const location = locationOf(call);
  const path = pathBelow(sent.path, call.target.below);
  const { method, query } = call.request;
  if (path === "" && (method === "GET" || method === "HEAD"))
    return movedTo(`${sent.path}/${query === "" ? "" : `?${query}`}`);
  if (underWay >= MOST)
    throw errors.tooManyRequests(`${MOST} requests are being passed on already`);
  return {
    later: (deliver) => begun(call, passageOf(call, sent, path, location), location, deliver),
  };
}

const movedTo = (location: string): ApiAnswer => ({
  code: 301,
  headers: { Location: location },
  body: new Uint8Array(),
});

const passageOf = (
  { request }: Call,
  sent: AsSent,
  path: string,
  { address, port }: Location,
): Passage => ({
  to: endpoint(address, port),
  method: request.method,
  path,
  query: request.query,
  // what begins every path here, for links in the answer
  prefix: sent.path.endsWith(path) ? sent.path.slice(0, sent.path.length - path.length) : sent.path,
  headers: sent.headers,
  client: sent.client,
  body: request.body,
});

/** Sends it; answers how to give it up. */
function begun(
  { request, kubelets }: Call,
  passage: Passage,
  location: Location,
  deliver: (answer: ApiAnswer) => void,
): () => void {
  underWay++;
  const { controlPlane } = kubelets!;
  const running = controlPlane.acts.begin(passedOn(controlPlane, location, passage), (end) => {
    underWay--;
    if (end.how === "stopped") return;
    const answer = end.how === "returned" ? end.value : undefined;
    if (answer && !("failed" in answer))
      return deliver(answerOf(passage, answer, request.protocols !== undefined));
    const error = answer
      ? errors.serviceUnavailable(`error trying to reach service: ${answer.failed}`)
      : (end as { error: unknown }).error;
    const status = statusOf(request, error);
    deliver(json(status.code!, status));
  });
  return () => running.stop();
}

/** The answer, or why there is none. */
function* passedOn(
  network: NetworkEnd,
  { scheme, address, port }: Location,
  passage: Passage,
): Act<Answered | { failed: string }> {
  const { to: name } = passage;
  const target = targetOf(passage);
  const url = `${scheme}://${name}${target}`;
  const dialled = network.connect({ address, port }, { url, host: name, path: target });
  const opened = yield* within(network.acts.clock, DIAL, dialled);
  if (opened === undefined) return { failed: `dial tcp ${name}: i/o timeout` };
  if ("failed" in opened) return { failed: `dial tcp ${name}: ${notOpened[opened.failed]}` };
  try {
    return yield* asked(opened, scheme, passage, target);
  } finally {
    opened.close();
  }
}

function* asked(
  connection: Connection,
  scheme: string,
  passage: Passage,
  target: string,
): Act<Answered | { failed: string }> {
  if (scheme === "https") {
    const why = yield* beginTls(connection);
    if (why !== undefined) return { failed: why };
  }
  const { method, body } = passage;
  const bytes = Buffer.from(body).toString("latin1");
  const headers = headersFor(passage);
  const answer = yield* exchange(connection, { method, target, headers, body: bytes });
  return typeof answer === "string" ? { failed: answer } : answer;
}

/** (Go: syscall.Errno) */
const notOpened = {
  ECONNREFUSED: "connect: connection refused",
  ETIMEDOUT: "connect: connection timed out",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  unknown: "what decides about the connection is not modelled",
} as const;

// ---- to whom ------------------------------------------------------------------------------------

function locationOf(call: Call): Location {
  const { info, name } = call.target;
  const asked = partsOf(name!, info.kind.toLowerCase());
  switch (info.kind) {
    case "Pod":
      return inPod(call, asked);
    case "Service":
      return behindService(call, asked);
    default:
      return onNode(call, asked);
  }
}

interface Parts {
  scheme: string;
  name: string;
  port: string;
}

/** "web", "web:80", "https:web:443". (k8s.io/apimachinery: pkg/util/net, SplitSchemeNamePort) */
function partsOf(id: string, what: string): Parts {
  const parts = id.split(":");
  const [scheme = "", name = "", port = ""] = parts.length === 3 ? parts : ["", ...parts];
  if (parts.length > 3 || name === "" || !["", "http", "https"].includes(scheme))
    throw errors.badRequest(`invalid ${what} request ${JSON.stringify(id)}`);
  return { scheme: scheme || "http", name, port };
}

const usualPort = (scheme: string): number => (scheme === "https" ? 443 : 80);

function inPod({ client, target }: Call, { scheme, name, port }: Parts): Location {
  const pod: Pod = client.get("Pod", name, target.namespace);
  const declared = pod.spec.containers.find(({ ports = [] }) => ports.length > 0)?.ports?.[0];
  const wanted = port === "" ? (declared?.containerPort ?? usualPort(scheme)) : numberOf(port);
  const address = pod.status?.podIP ?? "";
  if (!isUnicast(address)) throw errors.badRequest("address not allowed");
  return { scheme, address, port: wanted };
}

/** A Service's port is asked for by number or by name; only Pods are passed requests. */
function behindService({ kubelets, client, target }: Call, asked: Parts): Location {
  const { scheme, name, port } = asked;
  const { namespace } = target;
  const none = (id: string) =>
    errors.serviceUnavailable(`no endpoints available for service ${JSON.stringify(id)}`);
  let portName = port;
  if (/^[+-]?\d+$/.test(port)) {
    const service: Service = client.get("Service", name, namespace);
    const found = service.spec.ports?.find((one) => one.port === Number(port));
    if (!found)
      throw errors.serviceUnavailable(
        `no service port ${Number(port)} found for service ${JSON.stringify(name)}`,
      );
    portName = found.name ?? "";
  }
  const { subsets = [] }: Endpoints = client.get("Endpoints", name, namespace);
  if (subsets.length === 0) throw none(name);
  const places = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports
      .filter((one) => (one.name ?? "") === portName)
      .flatMap((one) => addresses.map((address) => ({ ...address, port: one.port }))),
  );
  const first = Math.floor(kubelets!.controlPlane.random() * places.length);
  const found = [...places.slice(first), ...places.slice(0, first)].find(({ ip, targetRef }) => {
    if (targetRef?.namespace !== namespace || targetRef?.name === undefined) return false;
    const pod = errors.ignoring([404], () => client.get("Pod", targetRef.name!, namespace));
    return pod?.status?.podIPs?.some((one) => one.ip === ip);
  });
  if (!found) throw none(target.name!);
  return { scheme, address: found.ip, port: found.port };
}

/** --kubelet-preferred-address-types has Hostname first, which nobody here resolves. */
const addressTypes = ["InternalIP", "ExternalIP"];

function onNode({ client }: Call, { scheme, name, port }: Parts): Location {
  const node: Node = client.get("Node", name);
  const { addresses = [] } = node.status ?? {};
  const address = addressTypes
    .flatMap((type) => addresses.filter((one) => one.type === type))
    .map((one) => one.address)[0];
  if (address === undefined)
    throw errors.internal(
      `no preferred addresses found; known addresses: ${JSON.stringify(addresses)}`,
    );
  if (!isUnicast(address)) throw errors.badRequest("address not allowed");
  const kubelet = kubeletPort(node) ?? KUBELET;
  if (port === "" || port === String(kubelet)) return { scheme: "https", address, port: kubelet };
  return { scheme, address, port: numberOf(port) };
}

const KUBELET = 10_250;

const kubeletPort = ({ status }: Node): number | undefined =>
  (status?.daemonEndpoints as { kubeletEndpoint?: { Port?: number } } | undefined)?.kubeletEndpoint
    ?.Port;

/** Names that Go knows by itself. */
const namedPorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Who asks for a port that is none hears of it as if it had been dialled. */
function numberOf(port: string): number {
  const number = /^\d+$/.test(port) ? Number(port) : (namedPorts[port] ?? NaN);
  if (number > 0 && number < 65_536) return number;
  throw errors.serviceUnavailable(
    `error trying to reach service: dial tcp: ${Number.isNaN(number) ? `lookup tcp/${port}: unknown port` : `address ${port}: invalid port`}`,
  );
}

/** (Go: net.IP.IsGlobalUnicast) */
function isUnicast(text: string): boolean {
  if (!readAddress(text)) return false;
  const { loopback } = parseAddress(text);
  return (
    !loopback &&
    !/^(0\.0\.0\.0|::|255\.255\.255\.255|169\.254\.|22[4-9]\.|23\d\.|ff|fe[89ab])/i.test(text)
  );
}
