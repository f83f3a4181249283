// The public API as pages, by typedoc, from the docstrings of the two packages that notebooks
// import. Part of `npm run book`.
import { join } from "node:path";
import { Application } from "typedoc";
import { isMain, root, say } from "./project.mjs";

/** @type {Record<string, string>} */
const packageOf = { lib: "stopover", diagrams: "@stopover/diagrams" };

/**
 * Writes the pages into a folder; throws where a docstring or a type is in the way.
 * @param {string} folder
 */
export async function writeApi(folder) {
  const app = await Application.bootstrap({
    name: "Stopover's API",
    entryPoints: ["lib/index.ts", "diagrams/index.ts"].map((file) => join(root, file)),
    tsconfig: join(root, "notebooks/kit/api.tsconfig.json"),
    readme: "none",
    sort: ["source-order"],
    disableSources: true,
    hideGenerator: true,
    excludePrivate: true,
    excludeExternals: true,
    skipErrorChecking: true,
    gitRevision: "main",
    logLevel: "Error",
  });
  const project = await app.convert();
  if (!project)
    throw new Error(
      "typedoc could not read lib/index.ts and diagrams/index.ts; does `npm run build` succeed?",
    );
  // typedoc calls it by its folder
  for (const module of project.children ?? []) module.name = packageOf[module.name] ?? module.name;
  await app.generateDocs(project, folder);
}

if (isMain(import.meta.url)) {
  const folder = join(root, "book/api");
  await writeApi(folder);
  say(`the API's pages are in ${folder}`);
}
