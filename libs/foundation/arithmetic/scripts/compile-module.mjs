import path from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "assemblyscript/asc";

const packageRoot = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * Compiles assembly/index.ts in memory. The compiler's version is pinned, so the same source gives the same bytes
 * everywhere; no fast-math flag is passed, so the optimiser keeps every rounding where the source puts it.
 * @returns {Promise<Uint8Array>}
 */
export async function compileModule() {
  let binary;
  const { error, stderr } = await main(
    [
      "assembly/index.ts",
      ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "--use", "abort="],
      // 65,536 pages of 64 KiB: the whole 4 GiB that 32-bit addresses reach, grown as needed.
      ...["--initialMemory", "2", "--maximumMemory", "65536"],
      // v128 values pass between the module's own files only, never to the host.
      ...["--disableWarning", "112", "--outFile", "module.wasm"],
    ],
    {
      baseDir: packageRoot,
      writeFile: (name, contents) => {
        if (name.endsWith(".wasm")) binary = contents;
      },
    },
  );
  if (error !== null || binary === undefined) throw new Error(`asc failed\n${stderr.toString()}`);
  return binary;
}
