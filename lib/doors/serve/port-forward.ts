/**
 * Connections to a Pod's ports, as `kubectl port-forward` asks for them: bytes go into the Pod's
 * network and take the data path there, to its own loopback address.
 * (k8s.io/client-go: tools/portforward; k8s.io/kubelet: pkg/cri/streaming/portforward)
 */
import * as errors from "../../api/errors.js";
import { Signal, type Act, type Running } from "../../machinery/act.js";
import { Pipe } from "../../machinery/pipe.js";
import type { NetworkEnd } from "../../shell/network/network-end.js";
import { checkSessions, chosenOf, counted } from "./channels.js";
import type { EventStream } from "./event-stream.js";
import type { StreamStart } from "./exchange.js";
import { CHANNELS, ForwardedChannels, portsIn } from "./forwarded-channels.js";
import { forwardedTo, UNHEARD, UNREAD } from "./forwarded-connection.js";
import type { Call } from "./http-call.js";
import { hasHost, noHost, podOf } from "./pod-target.js";
import { SpdySession, type Streams } from "./spdy.js";

/** SPDY's frames in a WebSocket, which is what kubectl has asked for since 1.31. (KEP-4006) */
const TUNNELLED = "SPDY/3.1+portforward.k8s.io";
/** Connections of one client. */
const MOST_CONNECTIONS = 200;

/** @throws what a real API server or a kubelet says. (PortForwardLocation, GetPortForward) */
export function forwarded(call: Call): StreamStart {
  const { request, kubelets, query } = call;
  const pod = podOf(call);
  if (!hasHost(call, pod)) throw noHost(pod);
  const protocol = chosenOf(request.protocols, [TUNNELLED, CHANNELS]);
  const ports = protocol === CHANNELS ? portsIn(query) : [];
  const { namespace, name, uid = "" } = pod.metadata;
  const end = kubelets!.network(`${namespace}/${name}`);
  if (!end)
    throw errors.internal(
      `unable to upgrade connection: pod not found (${JSON.stringify(`${name}_${namespace}`)})`,
    );
  checkSessions();
  const begin = (stream: EventStream): void => {
    if (protocol === CHANNELS) new ForwardedChannels(end, uid, stream, ports);
    else new Forwarding(end, uid, stream);
  };
  return { protocol, begin };
}

/** One connection: a stream of bytes, and one for what goes wrong. */
interface Pair {
  port: number;
  data?: number;
  error?: number;
  readonly input: Pipe;
  running?: Running<void>;
}

class Forwarding implements Streams {
  readonly #left = new Signal();
  readonly #spdy: SpdySession;
  /** By the client's number for them; by the numbers of their two streams. */
  readonly #pairs = new Map<string, Pair>();
  readonly #byStream = new Map<number, Pair>();

  constructor(
    private readonly end: NetworkEnd,
    private readonly sandbox: string,
    private readonly stream: EventStream,
  ) {
    this.#spdy = new SpdySession((frame) => stream.send(new Uint8Array(frame)), this);
    counted(stream);
    stream.onHeard = (message) => this.#hear(message);
    stream.onSent = () => this.#left.fire();
    stream.whenOver(() => {
      this.#left.fire();
      for (const { running } of this.#pairs.values()) running?.stop();
    });
  }

  #hear(message: Uint8Array): void {
    try {
      this.#spdy.hear(Buffer.from(message));
    } catch {
      this.stream.cut(); // what is no SPDY
    }
  }

  // ---- what the client says

  begins(id: number, headers: ReadonlyMap<string, string>): boolean {
    const [type, text = ""] = [headers.get("streamtype"), headers.get("port")];
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if ((type !== "data" && type !== "error") || port < 1 || port > 65_535) return false;
    // older clients give no number; theirs come one after the other
    const key = headers.get("requestid") ?? String(type === "error" ? id : id - 2);
    const pair = this.#pairs.get(key) ?? { port, input: new Pipe(Infinity) };
    if (pair[type] !== undefined || this.#pairs.size >= MOST_CONNECTIONS) return false;
    pair[type] = id;
    this.#pairs.set(key, pair);
    this.#byStream.set(id, pair);
    if (pair.data !== undefined && pair.error !== undefined) this.#begin(key, pair);
    return true;
  }

  data(id: number, bytes: Buffer): void {
    const pair = this.#byStream.get(id);
    if (pair?.data !== id) return;
    if (pair.input.size + bytes.length > UNHEARD) return pair.running?.stop();
    pair.input.push(bytes.toString("latin1"));
  }

  ends(id: number): void {
    const pair = this.#byStream.get(id);
    if (pair?.data === id) pair.input.end();
  }

  breaks(id: number): void {
    const pair = this.#byStream.get(id);
    if (pair?.data === id) pair.running?.stop();
  }

  // ---- the connection

  #begin(key: string, pair: Pair): void {
    pair.running = this.end.acts.begin(
      this.#connection(pair),
      (end) => {
        this.#pairs.delete(key);
        for (const id of [pair.data!, pair.error!]) {
          this.#byStream.delete(id);
          if (end.how === "returned") this.#spdy.end(id);
          else this.#spdy.reset(id);
        }
      },
      true,
    );
  }

  *#connection({ port, input, data, error }: Pair): Act<void> {
    const { stream } = this;
    const [spdy, left] = [this.#spdy, this.#left];
    const why = yield* forwardedTo(this.end, this.sandbox, port, {
      input,
      write: (bytes) => spdy.data(data!, Buffer.from(bytes, "latin1")),
      *room() {
        while (stream.unread > UNREAD && !stream.over) yield left.wait;
      },
    });
    if (why !== undefined) spdy.data(error!, Buffer.from(why));
  }
}
