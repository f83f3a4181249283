import type { Kubernetes } from "../../objects/kubernetes.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import { EventStream, UnreadEvents } from "./event-stream.js";
import type { ApiRequest, Asked, Backend, Receiver } from "./exchange.js";
import { answer } from "./http-handlers.js";

/** An API server of this thread: each request is answered at once. */
export class LocalBackend implements Backend {
  readonly #unread = new UnreadEvents();

  constructor(private readonly apiserver: ApiServer) {}

  ask(request: ApiRequest, receiver: Receiver): Asked {
    const result = answer(this.apiserver, request);
    if (typeof result !== "function") {
      receiver.answer(result);
      return { cancel: () => {}, sent: () => {} };
    }
    receiver.begin();
    const stream = new EventStream(receiver, this.#unread);
    result(stream);
    return { cancel: () => stream.close(), sent: (chunks) => stream.sent(chunks) };
  }

  get kubernetes(): Kubernetes {
    return this.apiserver.kubernetes;
  }

  problem(): undefined {
    return undefined;
  }
}
