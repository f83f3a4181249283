/**
 * What containers have printed, as `kubectl logs` asks for it.
 * (kubernetes: pkg/registry/core/pod/rest/log.go; pkg/kubelet/kubelet_pods.go,
 * validateContainerLogStatus; k8s.io/cri-client: pkg/logs)
 */
import * as errors from "../../api/errors.js";
import type { Act } from "../../machinery/act.js";
import { either, Signal } from "../../machinery/act.js";
import { checkAtLeast0, forbidden, invalid, type FieldError } from "../../objects/field-errors.js";
import type { ContainerStatus, Pod } from "../../objects/types.js";
import { readLog, type Log, type LogOptions } from "../../shell-parts.js";
import type { EventStream } from "./event-stream.js";
import type { ApiAnswer, StreamStart } from "./exchange.js";
import { content, type Call } from "./http-call.js";
import { flag, whole } from "./http-options.js";
import { containerOf, hasHost, podOf } from "./pod-target.js";

/** Bytes that may wait for a client before its log is read on. */
const UNREAD = 256 * 1024;
/** What a WebSocket's client may ask for: bytes as they are. (wsstream) */
const inWebSocket = ["binary.k8s.io", ""];

/** @throws what a real API server or a kubelet says. */
export function logs(call: Call): StreamStart | ApiAnswer {
  const { query, request, kubelets, apiserver, target } = call;
  checkLog(target.name!, query);
  const options = optionsOf(query, apiserver.clock.now());
  const pod = podOf(call);
  const container = containerOf(pod, query.get("container"));
  if (!hasHost(call, pod)) return content(204, "text/plain", "");
  const runs = kubelets!.logs(pod, container);
  const log = runs.at(whichRun(pod, container, flag(query, "previous")));
  const protocol = inWebSocket.find((one) => request.protocols?.includes(one));
  return {
    type: "text/plain",
    ...(protocol && { protocol }),
    begin: (stream) => {
      if (!log) return stream.end();
      const left = new Signal();
      stream.onSent = () => left.fire();
      stream.whenOver(() => left.fire());
      kubelets!.controlPlane.acts.begin(copy(log, options, stream, left), () => stream.end(), true);
    },
  };
}

function* copy(log: Log, options: LogOptions, stream: EventStream, left: Signal): Act<void> {
  for (const chunk of readLog(log, options)) {
    // memory of its own: a stream's bytes are counted by identity
    if (chunk === undefined) yield either(log.changed.wait, left.wait);
    else stream.send(new Uint8Array(Buffer.from(chunk, "latin1")));
    while (stream.unread > UNREAD && !stream.over) yield left.wait;
    if (stream.over) return;
  }
}

/** (pkg/apis/core/validation, ValidatePodLogOptions) */
export function checkLog(pod: string, query: URLSearchParams): void {
  const since = whole(query, "sinceSeconds");
  const limit = whole(query, "limitBytes");
  const above0 = (field: string, value: number | undefined): FieldError[] =>
    value !== undefined && value < 1 ? [invalid(field, value, "must be greater than 0")] : [];
  const problems: FieldError[] = [
    ...checkAtLeast0("tailLines", whole(query, "tailLines")),
    ...above0("limitBytes", limit),
    ...(since !== undefined && query.has("sinceTime")
      ? [forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified")]
      : above0("sinceSeconds", since)),
    // the feature PodLogsQuerySplitStreams is off
    ...(query.has("stream") ? [forbidden("stream", "may not be specified")] : []),
  ];
  const subject = { kind: "PodLogOptions", plural: "", group: "" };
  if (problems.length > 0) throw errors.invalid(subject, pod, problems);
}

function optionsOf(query: URLSearchParams, now: number): LogOptions {
  const sinceSeconds = whole(query, "sinceSeconds");
  const since = sinceSeconds === undefined ? timeOf(query) : now - sinceSeconds * 1_000;
  return {
    follow: flag(query, "follow"),
    timestamps: flag(query, "timestamps"),
    since,
    tailLines: whole(query, "tailLines"),
    limitBytes: whole(query, "limitBytes"),
  };
}

function timeOf(query: URLSearchParams): number | undefined {
  const text = query.get("sinceTime");
  if (!text) return undefined;
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
  }
  throw errors.badRequest(
    `sinceTime: ${JSON.stringify(text)} is no time as RFC 3339 writes it, such as 2006-01-02T15:04:05Z`,
  );
}

/** The last or the last but one of its runs. */
function whichRun({ metadata, status = {} }: Pod, container: string, previous: boolean): number {
  const found = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ].find(({ name }) => name === container);
  const { running, terminated, waiting } = found?.state ?? {};
  const last = found?.lastState?.terminated;
  const about = `container ${JSON.stringify(container)} in pod ${JSON.stringify(metadata.name)}`;
  if (!found) throw errors.badRequest(`${about} is not available`);
  if (previous && !last) throw errors.badRequest(`previous terminated ${about} not found`);
  if (!running && !terminated && !last)
    throw errors.badRequest(`${about} is waiting to start${whyWaiting(waiting)}`);
  return previous && (running ?? terminated) ? -2 : -1;
}

function whyWaiting(waiting: NonNullable<ContainerStatus["state"]>["waiting"]): string {
  switch (waiting?.reason) {
    case undefined:
      return " - no logs yet";
    case "ErrImagePull":
      return ": image can't be pulled";
    case "ImagePullBackOff":
      return ": trying and failing to pull image";
    default:
      return `: ${waiting?.reason}`;
  }
}
