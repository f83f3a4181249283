/**
 * `stopover serve --expose`: the load balancers' ports on this machine's loopback address. Who
 * opens one with a browser or curl is the client on the internet: the bytes enter the simulated
 * network at the load balancer, and each connection's journey is told.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { Cluster } from "../../cluster.js";
import { endOf } from "../../journey/end.js";
import { wayText } from "../../journey/text.js";
import type { Journey } from "../../journey/types.js";
import { Signal, type Act } from "../../machinery/act.js";
import type { Informers } from "../../machinery/informer.js";
import { Pipe } from "../../machinery/pipe.js";
import type { Service } from "../../objects/types.js";
import type { NetworkEnd } from "../../shell/network/network-end.js";
import { placesOf } from "../../shell/places.js";
import { carried, type Outside } from "./carried.js";

/** Connections at a time; who comes beyond them is let go at once. */
const MOST = 200;
/** Bytes of a client that may wait for a Pod before the client waits, too. */
const UNREAD = 256 * 1024;
/** Ports below 1024 are root's: 80 stands at 8080, 443 at 8443. */
const loopbackPort = (port: number): number => (port < 1_024 ? port + 8_000 : port);

/** One port of a load balancer: "default/web 80". */
interface Door {
  /** Where the load balancer is: an address, or a name. */
  host: string;
  port: number;
  server: Server;
}

export class Exposed {
  readonly #doors = new Map<string, Door>();
  readonly #sockets = new Set<Socket>();
  readonly #end: NetworkEnd;
  readonly #informers: Informers;

  /** `say`: where each door and each journey is told, a line or several. */
  constructor(
    cluster: Cluster,
    private readonly say: (text: string) => void,
  ) {
    this.#end = placesOf(cluster.shellWorld).internet.network;
    this.#informers = cluster.follow("stopover-expose", (informers) =>
      informers.of("Service").onChange((key, service) => this.#hear(key, service)),
    );
  }

  /** Nobody is let in any more, and who is in is cut off. */
  stop(): void {
    this.#informers.stop();
    for (const { server } of this.#doors.values()) server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#doors.clear();
  }

  #hear(key: string, service: Service | undefined): void {
    const kept = service ? this.#take(service) : [];
    for (const door of this.#doors.keys())
      if (door.startsWith(`${key} `) && !kept.includes(door)) this.#close(door);
  }

  /** Opens what is not open yet; answers what of the Service is exposed. */
  #take({ metadata: { namespace, name }, spec, status }: Service): string[] {
    const [ingress] = status?.loadBalancer?.ingress ?? [];
    const host = ingress?.ip ?? ingress?.hostname;
    if (spec.type !== "LoadBalancer" || host === undefined) return [];
    return (spec.ports ?? []).flatMap(({ port, protocol = "TCP" }) => {
      if (protocol !== "TCP") return [];
      const key = `${namespace}/${name} ${port}`;
      const known = this.#doors.get(key);
      if (known) known.host = host;
      else this.#open(key, host, port);
      return [key];
    });
  }

  #open(key: string, host: string, port: number): void {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#letIn(socket, door));
    const door: Door = { host, port, server };
    this.#doors.set(key, door);
    const service = key.split(" ", 1)[0]!;
    let isTaken = false;
    server.on("error", (error) => {
      if (isTaken) return this.say(`stopover: ${key} is not exposed: ${error.message}`);
      isTaken = true; // by somebody else: any that is free will do
      server.listen(0, "127.0.0.1");
    });
    server.on("listening", () => {
      const own = server.address() as { port: number };
      this.say(
        `stopover: http://127.0.0.1:${own.port} leads to Service ${service}, by its load balancer ${door.host}:${port}`,
      );
    });
    server.listen(loopbackPort(port), "127.0.0.1");
  }

  #close(key: string): void {
    this.#doors.get(key)?.server.close();
    this.#doors.delete(key);
    this.say(`stopover: ${key} is exposed no more`);
  }

  #letIn(socket: Socket, door: Door): void {
    socket.on("error", () => socket.destroy());
    if (this.#sockets.size >= MOST) return void socket.destroy();
    this.#sockets.add(socket);
    const visit = new Visit(socket, door, this.#end, this.say);
    const running = this.#end.acts.begin(visit.act(), () => socket.destroySoon(), true);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      running.stop();
    });
  }
}

/** One connection: a socket of this machine's, and one of the simulated internet's. */
class Visit implements Outside {
  readonly input = new Pipe(Infinity);
  readonly #drained = new Signal();
  #journey: Journey | undefined;
  /** Requests that came before the connection was open. */
  readonly #early: string[] = [];
  #told = 0;
  /** Why nobody has answered yet. */
  #reason = "";

  constructor(
    private readonly socket: Socket,
    private readonly door: Door,
    private readonly end: NetworkEnd,
    private readonly say: (text: string) => void,
  ) {
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#hear(text));
    socket.on("end", () => this.input.end());
    socket.on("drain", () => this.#drained.fire());
  }

  #hear(text: string): void {
    this.input.push(text);
    if (this.input.size > UNREAD) this.socket.pause();
    const [, line] = /^([A-Z]{3,10} \S{1,500}) HTTP\/1\.[01]\r?\n/.exec(text) ?? [];
    if (line === undefined) return;
    if (this.#journey) this.#tell(line);
    else this.#early.push(line);
  }

  #tell(asked: string): void {
    const which = this.#told++ === 0 ? "" : " (on a connection that was open)";
    const journey = this.#journey!;
    this.say(`${asked}${which}: ${endOf(journey)}, by way of ${wayText(journey)}`);
  }

  *act(): Act<void> {
    const { host, port } = this.door;
    const { addresses, failure = "it has no address" } = this.end.lookUp(host);
    const [address] = addresses;
    if (address === undefined) return this.say(`${host}: ${failure}`);
    const connection = yield* this.end.connect(
      { address, port },
      { url: `tcp://${host}:${port}`, unanswered: (why) => this.#wait(why) },
    );
    if ("failed" in connection) {
      this.say(`${this.#what}: ${connection.why}`);
      return void this.socket.resetAndDestroy();
    }
    this.#journey = connection.journey;
    for (const line of this.#early) this.#tell(line);
    yield* carried(this.end.acts, connection, this);
    if (this.#told === 0) this.#tell("a connection");
  }

  get #what(): string {
    const { host, port } = this.door;
    return `${this.#early[0] ?? "a connection"} to ${host}:${port}`;
  }

  /** Whoever waits is told why, once for each reason. */
  #wait(why: string): void {
    if (why !== this.#reason) this.say(`${this.#what} waits, and asks again: ${why}`);
    this.#reason = why;
  }

  write(bytes: string): void {
    this.socket.write(bytes, "latin1");
  }

  *room(): Act<void> {
    while (this.socket.writableNeedDrain) yield this.#drained.wait;
  }

  heard(): void {
    if (this.input.size <= UNREAD) this.socket.resume();
  }

  *rest(): Act<void> {
    this.socket.end();
    while (!this.socket.readableEnded) yield this.input.changed.wait;
  }
}
