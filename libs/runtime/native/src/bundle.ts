import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { nativeRoot, type NativeRuntime, readRuntime } from "./location.ts";

/**
 * Copies a ready runtime into `bundle/native/<key>`, the shape of a cache folder: on another machine either
 * `LATENTWEAVE_CACHE=bundle` uses it in place, or `importBundle` copies it in. Nothing in it names this machine's paths.
 */
export function exportBundle(runtime: NativeRuntime, bundle: string): string {
  const target = path.join(bundle, "native", path.basename(runtime.directory));
  copyWhole(runtime.directory, target);
  writeFileSync(
    path.join(bundle, "README.txt"),
    `Latentweave's native runtime for ${runtime.variant}, TensorFlow ${runtime.tensorflowVersion}.\n\n` +
      "On a machine of that kind, either\n" +
      "  latentweave setup --from-bundle THIS_FOLDER     (copies it into the cache)\n" +
      "or set LATENTWEAVE_CACHE to this folder to use it in place.\n",
  );
  return target;
}

/** Copies every runtime of a bundle into this machine's cache; returns their folders. Throws a UserError where none is. */
export function importBundle(bundle: string, env: NodeJS.ProcessEnv = process.env): string[] {
  const source = path.join(bundle, "native");
  const keys = existsSync(source)
    ? readdirSync(source).filter((key) => readRuntime(path.join(source, key)) !== null)
    : [];
  if (keys.length === 0) {
    throw new UserError({
      what: "this folder holds no native runtime",
      where: bundle,
      expected: "a folder made by `latentweave setup --bundle DIR`",
      mend: "make one on a machine with internet of the same kind, and copy the whole folder",
    });
  }
  return keys.map((key) => {
    const target = path.join(nativeRoot(env), key);
    if (readRuntime(target) === null) copyWhole(path.join(source, key), target);
    return target;
  });
}

function copyWhole(from: string, to: string): void {
  const partial = `${to}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(from, partial, { recursive: true, verbatimSymlinks: true });
  rmSync(to, { recursive: true, force: true });
  renameSync(partial, to);
}
