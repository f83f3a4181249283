/** Who opens shells: a later part, which is loaded when somebody first asks for one. */
import type * as parts from "./shell-parts.js";
import type { ShellOptions, ShellResult, Where } from "./shell/index.js";
import type { World } from "./shell/places.js";

export type { ShellOptions, ShellResult, Where, World };

/** Set by whoever can load it. */
export const shells: { load: () => Promise<typeof parts> } = {
  load: () => Promise.reject(new Error("no shell is at hand here")),
};

/** A script run at places of one world. */
export type RunScript = (
  where: Where,
  script: string,
  options?: ShellOptions,
) => Promise<ShellResult>;

export const scriptsIn =
  (world: World): RunScript =>
  async (where, script, options) =>
    (await shells.load()).sh(world, where, script, options);
