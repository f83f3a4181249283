/**
 * The machine's own files, where there is Node.js, which is asked for at run time: the core imports
 * nothing of it. A page has no use for them.
 */
import { filesAre, type FileSource } from "./files.js";
import { ManifestError } from "./manifest.js";

export { read, readText } from "./files.js";

/** Larger files are refused before they are read. Bytes. */
const maxBytes = 256 * 1024 * 1024;

const fs = globalThis.process?.getBuiltinModule?.("node:fs");
const machine: FileSource | undefined = fs && {
  look(path) {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    return stats && (stats.isDirectory() ? { names: namesIn(path) } : { bytes: stats.size });
  },
  text(path) {
    if (path === "-") return textFrom(fs.readFileSync(0));
    const { size } = fs.statSync(path);
    if (size <= maxBytes) return textFrom(fs.readFileSync(path));
    const problem = `the file has ${size} bytes; at most ${maxBytes} are read. Split it into several files`;
    throw new ManifestError(path, undefined, undefined, problem);
  },
};

/** Links to folders are not followed, as kubectl does not: they may lead in a circle. */
function namesIn(folder: string): string[] {
  const isFile = (name: string): boolean => {
    try {
      return fs.statSync(`${folder}/${name}`).isFile();
    } catch {
      return false; // it leads nowhere, or to itself
    }
  };
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isSymbolicLink() || isFile(entry.name))
    .map(({ name }) => name);
}

/** As kubectl reads it: with a byte-order mark, also UTF-16, which a PowerShell redirect writes. */
function textFrom(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const encoding = !isUtf16 ? "utf-8" : first === 0xff ? "utf-16le" : "utf-16be";
  return new TextDecoder(encoding).decode(bytes);
}

filesAre(machine);
