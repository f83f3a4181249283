import type { Kubernetes } from "../../objects/kubernetes.js";
import type { ApiServer } from "../../apiserver/apiserver.js";
import { EventStream, UnreadEvents } from "./event-stream.js";
import type { ApiRequest, Asked, Backend, Receiver } from "./exchange.js";
import type { Kubelets } from "./kubelets.js";
import { answer } from "./http-handlers.js";

/** An API server of this thread: each request is answered at once. */
export class LocalBackend implements Backend {
  readonly #unread = new UnreadEvents();

  /** `kubelets`: who is asked about processes; none: nobody can be. */
  constructor(
    private readonly apiserver: ApiServer,
    private readonly kubelets?: Kubelets,
  ) {}

  ask(request: ApiRequest, receiver: Receiver): Asked {
    const result = answer(this.apiserver, request, this.kubelets);
    if ("later" in result) {
      const cancel = result.later((answer) => receiver.answer(answer));
      return { cancel, sent: () => {}, hear: () => {} };
    }
    if (!("begin" in result)) {
      receiver.answer(result);
      return { cancel: () => {}, sent: () => {}, hear: () => {} };
    }
    receiver.begin(result);
    const stream = new EventStream(receiver, this.#unread);
    result.begin(stream);
    return {
      cancel: () => stream.close(),
      sent: (chunks) => stream.sent(chunks),
      hear: (message) => stream.hear(message),
    };
  }

  get kubernetes(): Kubernetes {
    return this.apiserver.kubernetes;
  }

  problem(): undefined {
    return undefined;
  }
}
