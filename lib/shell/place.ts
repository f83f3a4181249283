/**
 * Where a command runs: a container of a Pod, a node, the client on the internet. A command sees
 * what its place has and nothing else: its files, its processes, its end of the network.
 */
import type { Act, Acts } from "../machinery/act.js";
import type { Files } from "./files.js";
import type { Process, Processes } from "./process.js";
import type { Stream } from "./streams.js";
import type { NetworkEnd } from "./network/network-end.js";

export interface Place {
  /** "default/client", "node-a", "internet". */
  readonly name: string;
  readonly hostname: string;
  readonly acts: Acts;
  /** From 0 up to 1: this place's own stream. */
  readonly random: () => number;
  readonly files: Files;
  readonly processes: Processes;
  /** What a process has to begin with: values in bytes. */
  readonly environment: Readonly<Record<string, string>>;
  /** What of it a container's spec and the Services there were have given. */
  readonly variables?: ReadonlyMap<string, string>;
  /** Where a process begins: "/". */
  readonly folder: string;
  readonly commands: ReadonlyMap<string, Command>;
  readonly network: NetworkEnd;
  /** What a program does that is not here, where something is taken for granted. */
  assumed?: (program: string, process: Process) => Command | undefined;
  /** A program that is here in life, and says that it is not modelled. */
  readonly unmodelled?: (program: string) => Command | undefined;
}

/** A program: it answers its exit code. */
export type Command = (context: Context) => Act<number>;

/** The program of a path, as a container's command names it: "curl", "/usr/bin/curl". */
export const programIn = (
  commands: ReadonlyMap<string, Command>,
  path: string,
): Command | undefined => commands.get(path.replace(/^.*\/s?bin\//, ""));

/** What a command gets. */
export interface Context {
  readonly place: Place;
  readonly process: Process;
  /** What it was called. */
  readonly name: string;
  readonly args: readonly string[];
  readonly input: Stream;
  /** Writes to standard output. Ends the command where nobody reads it any more. */
  out(bytes: string): Act<void>;
  /** The same to standard error. */
  err(bytes: string): Act<void>;
  /** A path as seen from the process's folder. */
  path(path: string): string;
}
