import { createHash } from "node:crypto";
import { z } from "zod";

/** What a checkpoint holds and how to tell that it is whole. */
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

const manifestSchema = z.strictObject({
  format: z.literal("latentweave-checkpoint"),
  formatVersion: z.literal(1),
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

const zeros = "0".repeat(64);
const field = '"checksum": "';

export function encodeManifest(manifest: Manifest): string {
  const blank = `${JSON.stringify({ ...manifest, checksum: zeros }, undefined, 2)}\n`;
  return withChecksum(blank, sha256(blank));
}

/** @throws ManifestError when a byte of it has changed or it is no manifest. */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const text = Buffer.from(bytes).toString("utf8");
  const at = checksumPosition(text);
  if (at === undefined) throw new ManifestError("manifest.json has no checksum");
  const claimed = text.slice(at, at + 64);
  // Compared as bytes: invalid UTF-8 would otherwise be read as something else than it is.
  const same = Buffer.from(text, "utf8").equals(bytes) && sha256(withChecksum(text, zeros)) === claimed;
  if (!same) throw new ManifestError("manifest.json does not match its own checksum");
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

function checksumPosition(text: string): number | undefined {
  const at = text.lastIndexOf(field);
  return at < 0 ? undefined : at + field.length;
}

function withChecksum(text: string, checksum: string): string {
  const at = checksumPosition(text) ?? 0;
  return text.slice(0, at) + checksum + text.slice(at + 64);
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
