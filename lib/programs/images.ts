/**
 * What processes answer, by the images that their containers run: those that are known here
 * (known.ts), and those that readers add (registry.ts).
 *
 * On what an image listens is node/listening.ts's business. Of an image that nobody knows, the
 * answer itself says that it is not known.
 */
import type { Clock } from "../api/clock.js";
import { bytesOf } from "../machinery/pipe.js";
import type { Transport } from "../net/packet.js";
import { imageName } from "../node/listening.js";
import type { Sandbox } from "../node/machine.js";
import type { Listener } from "../node/socket.js";
import type { Container } from "../objects/types.js";
import type { Response } from "../shell/network/http.js";
import { commands } from "../shell/commands.js";
import type { Command, Place } from "../shell/place.js";
import type { Places } from "../shell/places.js";
import { added, type Answering } from "./registry.js";
import { httpServer, type Handler } from "./http-server.js";

/** A container whose process has been reached at a port. */
export interface Reached {
  readonly clock: Clock;
  /** Where its process runs, for what it asks or does there itself. */
  readonly place: () => Place;
  readonly sandbox: Sandbox;
  readonly container: Container;
  readonly protocol: Transport;
  readonly port: number;
  /** The Pod's name, or what spec.hostname says. */
  readonly hostname: string;
  /** command and args in one. */
  readonly words: readonly string[];
}

/** Undefined: nothing of it takes what comes there. */
export type Behaviour = (reached: Reached) => Listener | undefined;

const known = new Map<string, Behaviour>();

/** An image whose behaviour is known here: "nginx", whatever its tag. */
export const know = (names: readonly string[], behaviour: Behaviour): void => {
  for (const name of names) known.set(name, behaviour);
};

const programs = new Map<string, ReadonlyMap<string, Command>>();

/** Programs that an image brings along, beside those that every place has. */
export const programsOf = (
  names: readonly string[],
  brought: Readonly<Record<string, Command>>,
): void => {
  for (const name of names) programs.set(name, new Map([...commands, ...Object.entries(brought)]));
};

/** All programs of a container, by the image that it runs. */
export const programsIn = ({ image = "" }: Container): ReadonlyMap<string, Command> =>
  programs.get(imageName(image)) ?? commands;

/** What a reader has said of it. */
const asTold =
  (answering: Answering): Behaviour =>
  ({ clock, sandbox, container, protocol }) => {
    if (protocol !== "TCP") return undefined;
    const { name, namespace = "default" } = sandbox.pod.metadata;
    const pod = { name: name, namespace, container: container.name };
    return httpServer(
      (request) => {
        const answer = answering(request, pod);
        const response = typeof answer === "string" ? { status: 200, body: answer } : answer;
        return { ...response, body: bytesOf(response.body ?? "") };
      },
      { clock },
    );
  };

/** Whoever takes what arrives at a port of a Pod. */
export function listenerIn(
  places: Places,
  sandbox: Sandbox,
  protocol: Transport,
  port: number,
): Listener | undefined {
  const container = containerAt(sandbox, protocol, port);
  if (!container) return undefined;
  const { image = "", command = [], args = [] } = container;
  const { hostname } = sandbox.pod.spec as { hostname?: string };
  const reached: Reached = {
    clock: places.acts.clock,
    place: () => places.pod(sandbox.key, container.name),
    sandbox,
    container,
    protocol,
    port,
    hostname: hostname ?? sandbox.pod.metadata.name,
    words: [...command, ...args].map(String),
  };
  const short = image.slice(image.lastIndexOf("/") + 1);
  const name = imageName(image);
  const told = added.get(image) ?? added.get(short) ?? added.get(name);
  return (told ? asTold(told) : (known.get(name) ?? unknown))(reached);
}

/** Of several containers, the one that declares the port or is known for it; else the first. */
function containerAt({ pod }: Sandbox, protocol: Transport, port: number): Container | undefined {
  const { containers } = pod.spec;
  const declares = ({ ports = [] }: Container): boolean =>
    ports.some((one) => one.containerPort === port && (one.protocol ?? "TCP") === protocol);
  return containers.find(declares) ?? containers[0];
}

/** Nothing is known but that it listens. */
const unknown: Behaviour = ({ clock, container, protocol }) => {
  const image = container.image ?? "";
  const text = `stopover: what the image ${image} answers is not known; say it with images.add("${image}", (request) => …)\n`;
  if (protocol !== "TCP")
    return {
      *answer() {
        return undefined;
      },
    };
  return httpServer(() => ({ status: 200, body: bytesOf(text) }), { clock });
};

/** A page of HTML. */
export const page = (title: string, body: string): Response => ({
  status: 200,
  headers: [["Content-Type", "text/html"]],
  body: `<!DOCTYPE html>\n<html>\n<head>\n<title>${title}</title>\n</head>\n<body>\n${body}\n</body>\n</html>\n`,
});

/** The same handler at every port. */
export const serving =
  (handler: (reached: Reached) => Handler, server?: string): Behaviour =>
  (reached) =>
    reached.protocol === "TCP"
      ? httpServer(handler(reached), {
          clock: reached.clock,
          ...(server !== undefined && { server }),
        })
      : undefined;
