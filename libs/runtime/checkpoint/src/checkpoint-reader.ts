import { createHash } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { type ParameterLayout, type Slice } from "@latentweave/parameters";
import { type CheckpointSource, UserError } from "@latentweave/protocol";
import { checkpointName, listCheckpoints } from "./checkpoint-directory.ts";
import { diskError, errorCode } from "./disk-error.ts";
import { decodeManifest, type Manifest, ManifestError } from "./manifest.ts";
import { fileOf, Placement } from "./placement.ts";
import { openSafetensors, readExactly, ShortFile, visitRange } from "./safetensors-file.ts";
import { type SafetensorsHeader, SafetensorsError } from "./safetensors-header.ts";

export const manifestName = "manifest.json";

export type Verification =
  | { readonly kind: "whole"; readonly manifest: Manifest }
  | { readonly kind: "damaged"; readonly reason: string };

/** Reads every byte of a checkpoint and compares it with its manifest. Damage is a value, not an error. */
export async function verifyCheckpoint(directory: string): Promise<Verification> {
  try {
    const manifest = decodeManifest(await readFile(path.join(directory, manifestName)));
    if (checkpointName(manifest.version) !== path.basename(path.resolve(directory)))
      return { kind: "damaged", reason: `manifest.json is that of version ${manifest.version}` };
    for (const [name, expected] of Object.entries(manifest.files)) {
      const file = path.join(directory, name);
      const { size } = await stat(file);
      if (size !== expected.bytes)
        return { kind: "damaged", reason: `${name} has ${size} bytes, the manifest says ${expected.bytes}` };
      const found = await fileDigest(file);
      if (found !== expected.sha256)
        return {
          kind: "damaged",
          reason: `${name} has SHA-256 ${found.slice(0, 12)}…, the manifest says ${expected.sha256.slice(0, 12)}…`,
        };
    }
    return { kind: "whole", manifest };
  } catch (error) {
    if (errorCode(error) === "ENOENT" && error instanceof Error && "path" in error)
      return { kind: "damaged", reason: `${path.basename(String(error.path))} is missing` };
    if (error instanceof ManifestError || error instanceof ShortFile || errorCode(error) === "EIO")
      return { kind: "damaged", reason: error instanceof Error ? error.message : String(error) };
    throw diskError(error, directory);
  }
}

async function fileDigest(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const hash = createHash("sha256");
    await visitRange(handle, 0, (await handle.stat()).size, (chunk) => hash.update(chunk));
    return hash.digest("hex");
  } finally {
    await handle.close();
  }
}

export interface NewestCheckpoint {
  readonly directory: string;
  readonly manifest: Manifest;
}

/**
 * The newest whole checkpoint of a run's `checkpoints` folder, or the wanted one; each one passed over is named to `log`
 * with the reason.
 */
export async function newestCheckpoint(
  checkpoints: string,
  log: (line: string) => void,
  options: {
    readonly wanted?: number | undefined;
    /** Why a version must not be taken, or undefined. */
    readonly refuse?: (version: number) => string | undefined;
  } = {},
): Promise<NewestCheckpoint | undefined> {
  for (const { version, directory } of await listCheckpoints(checkpoints)) {
    if (options.wanted !== undefined && version !== options.wanted) continue;
    const refusal = options.refuse?.(version);
    if (refusal !== undefined) {
      log(`checkpoint ${path.basename(directory)} is passed over: ${refusal}`);
      continue;
    }
    const verification = await verifyCheckpoint(directory);
    if (verification.kind === "whole") return { directory, manifest: verification.manifest };
    log(`checkpoint ${path.basename(directory)} is passed over: ${verification.reason}`);
  }
  return undefined;
}

/**
 * Opens a verified checkpoint for reading by slices of `layout`.
 * @throws UserError when the checkpoint holds other tensors than the layout.
 */
export async function checkpointSource(
  { directory, manifest }: NewestCheckpoint,
  layout: ParameterLayout,
): Promise<CheckpointSource> {
  checkLayout(directory, manifest, layout);
  const headers: { header: SafetensorsHeader }[] = [];
  for (const name of Object.keys(manifest.files)) {
    const file = await openSafetensors(path.join(directory, name));
    headers.push({ header: file.header });
    await file.close();
  }
  const placement = new Placement(layout, headers);
  return {
    version: manifest.version,
    sections: manifest.sections,
    hash: manifest.hash,
    meta: manifest.meta,
    read: (section, slice) => readSlice(directory, placement, section, slice),
  };
}

async function readSlice(
  directory: string,
  placement: Placement,
  section: string,
  slice: Slice,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(slice.numbers * 4); // padding stays zero
  const ranges = placement.ranges(section, slice);
  const handle = await open(path.join(directory, fileOf(section)), "r");
  try {
    for (const range of ranges)
      await readExactly(handle, bytes.subarray(range.offset, range.offset + range.bytes), range.position);
  } finally {
    await handle.close();
  }
  return bytes;
}

function checkLayout(directory: string, manifest: Manifest, layout: ParameterLayout): void {
  const describe = (tensors: readonly { name: string; shape: readonly number[] }[]): readonly string[] =>
    tensors.map((tensor) => `${tensor.name} [${tensor.shape.join(", ")}]`);
  const stored = manifest.groups.flatMap((group) => describe(group.tensors));
  const wanted = layout.groups.flatMap((group) => describe(group.tensors));
  const odd = Array.from({ length: Math.max(stored.length, wanted.length) }, (_, index) => index).find(
    (index) => stored[index] !== wanted[index],
  );
  if (odd === undefined) return;
  throw new UserError({
    what: `this checkpoint belongs to another model: it holds ${stored[odd] ?? "no further tensor"}`,
    where: directory,
    expected: wanted[odd] ?? "no further tensor",
    mend: "resume with the job that wrote it, or start a new run with another --run-id",
  });
}

/**
 * The newest whole checkpoint of a run, for reading alone (evaluation, encoding); nothing in the folder changes.
 * @throws UserError when the checkpoint belongs to another model.
 */
export async function openLatestCheckpoint(options: {
  readonly directory: string;
  readonly layout: ParameterLayout;
  readonly log: (line: string) => void;
  /** This one, in place of the newest. */
  readonly version?: number;
}): Promise<CheckpointSource | undefined> {
  const checkpoints = path.join(options.directory, "checkpoints");
  const newest = await newestCheckpoint(checkpoints, options.log, { wanted: options.version });
  return newest ? checkpointSource(newest, options.layout) : undefined;
}

/** Why a safetensors file cannot be used, in words, or undefined when the error is of another kind. */
export function fileFault(error: unknown): string | undefined {
  return error instanceof SafetensorsError || error instanceof ShortFile ? error.message : undefined;
}
