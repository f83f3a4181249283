/** What containers get of their kubelet, in one world: variables, and volumes in their files. */
import { firstOfEachFamily } from "../net/ip.js";
import { environmentOf } from "../node/kubelet/containers/environment.js";
import type { Home } from "../node/kubelet/containers/downward.js";
import type { Began, Machine, Sandbox } from "../node/machine.js";
import type { Container, Node } from "../objects/types.js";
import { objectsOf } from "./api-objects.js";
import { folder, type Files, type Folder } from "./files.js";
import { Volumes } from "./volumes.js";
import type { World } from "./world.js";

/** When a container began that runs, or ran last. */
export const beganIn = ({ began }: Sandbox, container: string): Began | undefined =>
  began.find((each) => each.container === container);

export class Given {
  readonly #volumes = new WeakMap<Sandbox, Volumes>();
  /** By namespace and claim. */
  readonly #claims = new Map<string, Folder>();

  /** `filesOf`: of a node. */
  constructor(
    private readonly world: World,
    private readonly filesOf: (node: string) => Files,
  ) {}

  /** Mounts a container's volumes; answers its variables, values in bytes. */
  to(container: Container, machine: Machine, sandbox: Sandbox, files: Files): Map<string, string> {
    const { apiserver } = this.world;
    const home = this.#home(machine, sandbox);
    const objects = objectsOf(apiserver, beganIn(sandbox, container.name)?.revision);
    const variables = environmentOf(container, sandbox.pod, home, objects);
    this.#volumesOf(sandbox, home).mount(files, container, variables);
    return variables;
  }

  /** The kubelet has looked at a Pod again: its volumes follow what they are made of. */
  sync(sandbox: Sandbox): void {
    this.#volumes.get(sandbox)?.sync();
  }

  /** What a kubelet knows of where a Pod is. */
  #home(machine: Machine, sandbox: Sandbox): Home {
    const node = objectsOf(this.world.apiserver).find("Node", machine.name) as Node | undefined;
    return {
      node: machine.name,
      hostIPs: firstOfEachFamily(machine.addresses),
      podIPs: sandbox.ips,
      allocatable: node?.status?.allocatable ?? {},
    };
  }

  /** Volumes are shared by the Pod's containers. */
  #volumesOf(sandbox: Sandbox, home: Home): Volumes {
    const known = this.#volumes.get(sandbox);
    if (known) return known;
    const { network, clock, apiserver, random } = this.world;
    const { namespace = "default", uid = "" } = sandbox.pod.metadata;
    const volumes = new Volumes({
      ...{ clock, apiserver, home, sandbox },
      random: random.fork(`volumes/${sandbox.key}/${uid}`),
      onNode: (path) => {
        const files = this.filesOf(home.node);
        if (!files.find(path)) files.makeFolder(path, true);
        return files.at(path);
      },
      claimed: (claim) => this.#claimed(`${namespace}/${claim}`),
      isThere: () => network.sandbox(sandbox.key)?.sandbox === sandbox,
    });
    this.#volumes.set(sandbox, volumes);
    return volumes;
  }

  /** What is written to a claim outlives the Pod. */
  #claimed(key: string): Folder {
    const known = this.#claims.get(key) ?? { ...folder(this.world.clock.now()), mode: 0o777 };
    this.#claims.set(key, known);
    return known;
  }
}
