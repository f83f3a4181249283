/**
 * The places of a cluster where commands run: each container of a Pod, each node, the client on the
 * internet. A place is made when it is first asked for, and is the same until its container ends.
 */
import type { Network } from "../journey/network.js";
import { originOf, inPod } from "../journey/origin.js";
import type { Origin } from "../journey/party.js";
import type { Served } from "../journey/socket.js";
import { Acts } from "../machinery/act.js";
import type { Transport } from "../net/packet.js";
import { printable } from "../net/printable.js";
import type { Began, Machine, Sandbox } from "../node/machine.js";
import type { Listener } from "../node/socket.js";
import { containersOf } from "../objects/pods.js";
import type { Container } from "../objects/types.js";
import { commands } from "./commands.js";
import { dnsAddressIn, hostsOf, resolvConfOf } from "./etc.js";
import { Files, Quota } from "./files.js";
import { beganIn, Given } from "./given.js";
import { NetworkEnd } from "./network/network-end.js";
import type { Command, Place } from "./place.js";
import { Processes } from "./process.js";
import type { World } from "./world.js";

export type { World };

/** What an image's processes do at a port: programs/ knows. Undefined: nothing is known. */
export type Behaviour = (
  places: Places,
  sandbox: Sandbox,
  protocol: Transport,
  port: number,
) => Listener | undefined;

let behaviour: Behaviour = () => undefined;

/** Whoever knows images makes it known. */
export const behaveAs = (known: Behaviour): void => {
  behaviour = known;
};

let programs: (container: Container) => ReadonlyMap<string, Command> = () => commands;

/** The same of the programs that a container's image brings along. */
export const bringAlong = (known: typeof programs): void => {
  programs = known;
};

let unmodelled: (container: Container, program: string) => Command | undefined = () => undefined;

/** And of those that it has, but which are not modelled. */
export const nameUnmodelled = (known: typeof unmodelled): void => {
  unmodelled = known;
};

const worlds = new WeakMap<Network, Places>();

/** The places of a cluster, the same ones whenever they are asked for. */
export function placesOf(world: World): Places {
  const known = worlds.get(world.network);
  if (known) return known;
  const places = new Places(world);
  worlds.set(world.network, places);
  return places;
}

/** The place of a container since it began, or that of one that has not. */
interface Run {
  place: Place;
  began: Began | undefined;
}

export class Places {
  readonly acts: Acts;
  /** What kubelets give to containers. */
  readonly given: Given;
  readonly #ofSandbox = new WeakMap<Sandbox, Map<string, Run>>();
  readonly #quotas = new WeakMap<object, Quota>();
  readonly #ofMachine = new WeakMap<Machine, Place>();
  /** Who listens on a node, beside Pods: "TCP 8080" -> who takes what comes. */
  readonly #onMachine = new WeakMap<Machine, Map<string, Listener>>();
  #internet: Place | undefined;

  constructor(private readonly world: World) {
    this.acts = new Acts(world.clock);
    this.given = new Given(world, (node) => this.node(node).files);
  }

  /** "default/client"; default: its first container. Throws where no node runs it. */
  pod(key: string, container?: string): Place {
    const found = this.world.network.sandbox(key);
    if (!found) throw new Error(printable(`no node runs a Pod "${key}"`));
    const { machine, sandbox } = found;
    const { spec } = sandbox.pod;
    const name = container ?? spec.containers[0]!.name;
    if (!containersOf(spec).some((each) => each.name === name))
      throw new Error(
        printable(`container ${name} is not valid for pod ${sandbox.pod.metadata.name}`),
      );
    const known = this.#ofSandbox.get(sandbox)?.get(name);
    const isSame = known && known.began === beganIn(sandbox, name);
    return isSame ? known.place : this.begin(machine, sandbox, name);
  }

  /** The place of a container that has been asked for, or begun. */
  known(sandbox: Sandbox, container: string): Place | undefined {
    return this.#ofSandbox.get(sandbox)?.get(container)?.place;
  }

  /** A container begins, or begins again: its files are its image's, but for volumes. */
  begin(machine: Machine, sandbox: Sandbox, container: string): Place {
    const all = this.#ofSandbox.get(sandbox) ?? new Map<string, Run>();
    this.#ofSandbox.set(sandbox, all);
    all.get(container)?.place.processes.endAll();
    const place = this.#container(machine, sandbox, container);
    all.set(container, { place, began: beganIn(sandbox, container) });
    return place;
  }

  /** Throws where there is no node of that name. */
  node(name: string): Place {
    const machine = this.world.network.machines.get(name);
    if (!machine) throw new Error(printable(`there is no node "${name}"`));
    const known = this.#ofMachine.get(machine) ?? this.#node(machine);
    this.#ofMachine.set(machine, known);
    return known;
  }

  get internet(): Place {
    return (this.#internet ??= this.#outside());
  }

  /** The network's end of a host outside of the cluster, which has no shell: the API server's. */
  outside(name: string, addresses: readonly string[]): NetworkEnd {
    return new NetworkEnd({
      network: this.world.network,
      origin: () => ({ kind: "outside", name, addresses }),
      from: name,
      acts: this.acts,
      random: this.world.random.fork(name).fork("network").next,
      listenerOf: (served, protocol) => this.#listenerOf(served, protocol),
      listen: () => () => {},
    });
  }

  #container(machine: Machine, sandbox: Sandbox, name: string): Place {
    const { pod } = sandbox;
    const container = containersOf(pod.spec).find((each) => each.name === name)!;
    const hostname = pod.spec.hostNetwork
      ? machine.name
      : ((pod.spec as { hostname?: string }).hostname ?? pod.metadata.name);
    const label = `pod/${sandbox.key}`;
    const files = this.#files(sandbox);
    const variables = this.given.to(container, machine, sandbox, files);
    return this.#place({
      name: sandbox.key,
      hostname: hostname,
      label: `${label}/${name}`,
      files,
      variables,
      // a runtime's own before, a home after what the kubelet says
      environment: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOSTNAME: hostname,
        ...Object.fromEntries(variables),
        HOME: variables.get("HOME") ?? "/root",
      },
      programs: programs(container),
      unmodelled: (program) => unmodelled(container, program),
      etc: {
        hosts: () => hostsOf(sandbox, hostname),
        resolv: () => resolvConfOf(sandbox.pod, dnsAddressIn(this.world.serviceCIDR)),
      },
      from: label,
      origin: () => inPod({ machine, sandbox }),
      listen: (protocol, port, listener) => {
        const key = `${protocol} ${port}`;
        // of whom nothing is known is taken to listen on any port: that keeps nobody from one
        const isAny = sandbox.listens(protocol, 65_535);
        if (sandbox.sockets.has(key) || (sandbox.listens(protocol, port) && !isAny))
          return undefined;
        return sandbox.open(key, listener);
      },
    });
  }

  #files(owner: object): Files {
    const quota = this.#quotas.get(owner) ?? new Quota();
    this.#quotas.set(owner, quota);
    return new Files(this.world.clock, quota);
  }

  #node(machine: Machine): Place {
    const listeners = new Map<string, Listener>();
    this.#onMachine.set(machine, listeners);
    return this.#place({
      name: machine.name,
      hostname: machine.name,
      label: `node/${machine.name}`,
      files: this.#files(machine),
      environment: { HOME: "/root", USER: "root" },
      etc: {
        hosts: () => `127.0.0.1\tlocalhost\n${machine.addresses[0]}\t${machine.name}\n`,
        resolv: () => resolvConfOf(undefined, ""),
      },
      from: `node/${machine.name}`,
      origin: () => ({ kind: "node", machine, addresses: machine.addresses }),
      listen: (protocol, port, listener) => {
        const key = `${protocol} ${port}`;
        const taken = machine.kernel.sockets.some(
          (each) => each.protocol === protocol && each.port === port,
        );
        if (taken || machine.processOn(protocol, port)) return undefined;
        const close = machine.kernel.listen(protocol, port);
        listeners.set(key, listener);
        return () => {
          close();
          listeners.delete(key);
        };
      },
    });
  }

  #outside(): Place {
    return this.#place({
      name: "internet",
      hostname: "client",
      label: "internet",
      files: this.#files(this),
      environment: { HOME: "/root", USER: "root" },
      etc: {
        hosts: () => "127.0.0.1\tlocalhost\n127.0.1.1\tclient\n",
        resolv: () => resolvConfOf(undefined, ""),
      },
      from: "internet",
      origin: () => originOf(this.world.network, "internet"),
      // nothing leads there: nobody can ask it
      listen: () => () => {},
    });
  }

  #place(given: {
    name: string;
    hostname: string;
    label: string;
    files: Files;
    environment: Record<string, string>;
    variables?: ReadonlyMap<string, string>;
    /** Default: those of every place. */
    programs?: ReadonlyMap<string, Command>;
    unmodelled?: (program: string) => Command | undefined;
    etc: { hosts: () => string; resolv: () => string };
    from: string;
    origin: () => Origin;
    listen: (protocol: Transport, port: number, listener: Listener) => (() => void) | undefined;
  }): Place {
    const { acts, world } = this;
    const { name, hostname, label, files, environment, etc, from, origin, listen } = given;
    const { variables, unmodelled } = given;
    const random = world.random.fork(label);
    const modified = world.clock.now();
    const made = (path: string, make: () => string): void =>
      files.mount(path, { kind: "made", make, mode: 0o644, modified });
    made("/etc/hosts", etc.hosts);
    made("/etc/resolv.conf", etc.resolv);
    made("/etc/hostname", () => `${hostname}\n`);
    files.write(
      "/etc/passwd",
      "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    );
    files.write("/etc/group", "root:x:0:\nnogroup:x:65534:\n");
    files.mount("/dev/urandom", {
      kind: "device",
      read: (max) =>
        Array.from({ length: Math.min(max, 4_096) }, () =>
          String.fromCharCode(Math.floor(random.next() * 256)),
        ).join(""),
      write: () => true,
      mode: 0o666,
      modified,
    });
    return {
      name,
      hostname,
      acts,
      random: random.next,
      files,
      processes: new Processes(acts),
      environment,
      ...(variables && { variables }),
      ...(unmodelled && { unmodelled }),
      folder: "/",
      commands: given.programs ?? commands,
      network: new NetworkEnd({
        network: world.network,
        origin,
        from,
        acts,
        random: random.fork("network").next,
        listenerOf: (served, protocol) => this.#listenerOf(served, protocol),
        listen,
      }),
    };
  }

  #listenerOf({ party, sandbox, packet }: Served, protocol: Transport): Listener | undefined {
    const key = `${protocol} ${packet.destinationPort}`;
    if (sandbox)
      return sandbox.sockets.get(key) ?? behaviour(this, sandbox, protocol, packet.destinationPort);
    if (party.kind !== "node") return undefined;
    return this.#onMachine.get(party.machine)?.get(key);
  }
}
