import { z } from "zod";
import { textWithOwnChecksum, withOwnChecksum } from "./own-checksum.ts";

/** What a checkpoint holds and how to tell that it is whole. */
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

/** Raised with every change that an older reader would misread. */
export const manifestFormat = 2;

const manifestSchema = z.strictObject({
  format: z.literal("latentweave-checkpoint"),
  formatVersion: z.literal(manifestFormat),
  runId: z.string().min(1),
  /** Version of the weights: the number of steps that changed them. */
  version: count,
  /** `parameters` and the names of the optimiser's states. */
  sections: z.array(z.string().min(1)).min(1),
  /** SHA-256 of the parameters (docs/checkpoints.md, "Hash"). */
  hash: digest,
  /** Over the parameter blocks in layout order (docs/checkpoints.md, "Merkle root"). */
  merkleRoot: digest,
  blockNumbers: z.int().min(1),
  files: z.record(z.string(), z.strictObject({ bytes: count, sha256: digest })),
  /** The layout, so that blocks can be rebuilt from the files alone; offsets count numbers within the group. */
  groups: z.array(
    z.strictObject({
      name: z.string(),
      tasks: z.array(z.string()),
      numbers: count,
      tensors: z.array(z.strictObject({ name: z.string(), shape: z.array(count), offset: count })),
    }),
  ),
  /** What else the run needs to go on, such as an optimiser's counts of updates. */
  meta: z.record(z.string(), z.unknown()),
  /** SHA-256 of this file with these 64 digits written as zeros. */
  checksum: digest,
});

export type Manifest = Omit<z.infer<typeof manifestSchema>, "checksum">;

/** A manifest cannot be trusted; `message` says why. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

export function encodeManifest(manifest: Manifest): string {
  return withOwnChecksum(manifest);
}

/** @throws ManifestError when a byte of it has changed or it is no manifest. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const text = textWithOwnChecksum(bytes);
  if (text === undefined)
    throw new ManifestError(otherFormat(bytes) ?? "manifest.json does not match its own checksum");
  const parsed = manifestSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ManifestError(
      `manifest.json, field "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "invalid"}`,
    );
  }
  const { checksum: _, ...manifest } = parsed.data;
  return manifest;
}

/** That it was written by another Latentweave, where that is what it is. */
function otherFormat(bytes: Uint8Array): string | undefined {
  const format = /"formatVersion": (\d{1,6}),/.exec(Buffer.from(bytes).toString("utf8"))?.[1];
  if (format === undefined || format === String(manifestFormat)) return undefined;
  return `manifest.json has format ${format}; this version of Latentweave reads format ${manifestFormat}`;
}
