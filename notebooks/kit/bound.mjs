/**
 * What tslab 1.0.22 asks of its sockets.
 * @typedef {{ prototype: { init(): Promise<void>,
 *   handleShellMessage(...message: unknown[]): Promise<void> } }} Server
 */

/**
 * Lets a kernel's server hear nobody before all of its sockets are bound. tslab begins to listen
 * while it binds them, and Jupyter asks at once who is there: where that is read before the socket
 * is bound on which it is told, zeromq throws (EBUSY), nothing is answered, and the notebook waits
 * for ever.
 * @param {Server} server
 */
export function hearingOnceBound({ prototype }) {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- each is called on its server
  const { init, handleShellMessage } = prototype;
  /** @type {WeakMap<object, Promise<void>>} */
  const bound = new WeakMap();
  prototype.init = function () {
    const done = init.call(this);
    bound.set(this, done);
    return done;
  };
  prototype.handleShellMessage = async function (...message) {
    await bound.get(this);
    await handleShellMessage.apply(this, message);
  };
}
