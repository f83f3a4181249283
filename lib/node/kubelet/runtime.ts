import type { Container, Pod, Probe } from "../../objects/types.js";
import type { Answer } from "./prober.js";
import type { Granted } from "../granted.js";

export type Hook = "PostStart" | "PreStop";

/**
 * What the kubelet asks of the machine it runs on: the container runtime (CRI) and the network
 * plugin (CNI) in one. (k8s.io/cri-api: RunPodSandbox, StartContainer, StopPodSandbox;
 * containernetworking: ADD, DEL)
 */
export interface Runtime {
  /**
   * Makes the sandbox: addresses out of `podCIDRs` (host-local IPAM: .1 is the gateway's, Pods
   * begin at .2), routes to it, and processes that listen. A hostNetwork Pod gets the node's own
   * addresses. Answers the same again for a Pod it has. `granted`: what was taken for granted so
   * that it could start.
   */
  start(pod: Pod, podCIDRs: readonly string[], granted?: () => Granted[]): { ips: string[] };
  /**
   * One probe, now; or one that takes its time: `later` hears of it. `background`: nobody waits.
   */
  probe(
    pod: Pod,
    container: string,
    probe: Probe,
    later: (answer: Answer) => void,
    background: boolean,
  ): Answer | undefined;
  /**
   * Runs a hook of the container; `done` hears how it went. False: there is none. Where it is not
   * done at all, a hook is taken to end well at once.
   */
  hook?(pod: Pod, container: Container, name: Hook, done: (ok: boolean) => void): boolean;
  /**
   * Set by the kubelet; called when a container's process has ended, so that nobody has to look
   * every second. (KEP-3386, the evented PLEG)
   */
  onExit?: () => void;
  /** Whether the named container's process runs (a reader may crash it). */
  running(pod: Pod, container: string): boolean;
  /** How a container that does not run has ended, where its command was run. Default: with 1. */
  exitCode?(pod: Pod, container: string): number | undefined;
  /** Begins the container's process, for the first time or again. */
  run(pod: Pod, container: string): void;
  /** The Pod has changed: its volumes are looked at anew. */
  sync?(pod: Pod): void;
  /** The container's process has ended, by itself or killed. */
  end(pod: Pod, container: string): void;
  /** The container's process, told to end, closes its listening sockets; it still runs. */
  close(pod: Pod, container: string): void;
  /** Ends the processes, takes the sandbox's network away, releases the addresses. */
  stop(pod: Pod): void;
}
