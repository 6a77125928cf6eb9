import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Arithmetic } from "@latentweave/arithmetic";
import { blockSlice, type ParameterLayout } from "@latentweave/parameters";
import { UserError } from "@latentweave/protocol";
import { checkpointSource, manifestName, verifyCheckpoint } from "./checkpoint-reader.ts";
import { sha256 } from "./ledger-line.ts";
import type { Manifest } from "./manifest.ts";
import { merkleLeaf, merkleRoot } from "./merkle.ts";
import { hashOfFile } from "./parameter-hash.ts";
import { parametersSection } from "./placement.ts";
import { openSafetensors } from "./safetensors-file.ts";

/** What a checkpoint's bytes come to, computed from the files alone. */
export interface Examination {
  readonly kind: "whole";
  readonly manifest: Manifest;
  /** SHA-256 of manifest.json. */
  readonly manifestDigest: string;
  readonly hash: string;
  readonly merkleRoot: string;
  readonly versionDigest: string;
}

/** Reads every byte of a checkpoint and recomputes all that is said of it elsewhere. Damage is a value, not an error. */
export async function examineCheckpoint(
  directory: string,
  layout: ParameterLayout,
  arithmetic: Pick<Arithmetic, "digest">,
): Promise<Examination | { readonly kind: "damaged"; readonly reason: string }> {
  const verification = await verifyCheckpoint(directory);
  if (verification.kind === "damaged") return verification;
  const { manifest } = verification;
  try {
    return {
      kind: "whole",
      manifest,
      manifestDigest: sha256(await readFile(path.join(directory, manifestName))),
      hash: await hashOf(path.join(directory, "parameters.safetensors")),
      ...(await digestBlocks(directory, manifest, layout, arithmetic)),
    };
  } catch (error) {
    if (error instanceof UserError) return { kind: "damaged", reason: error.message };
    throw error;
  }
}

async function hashOf(file: string): Promise<string> {
  const opened = await openSafetensors(file);
  return await hashOfFile(opened).finally(() => opened.close());
}

async function digestBlocks(
  directory: string,
  manifest: Manifest,
  layout: ParameterLayout,
  arithmetic: Pick<Arithmetic, "digest">,
): Promise<Pick<Examination, "merkleRoot" | "versionDigest">> {
  const source = await checkpointSource({ directory, manifest }, layout);
  const leaves: Buffer[] = [];
  const version = createHash("sha256");
  for (const group of layout.groups)
    for (let block = 0; block < group.blocks; block++) {
      const bytes = await source.read(parametersSection, blockSlice(group, block));
      leaves.push(merkleLeaf(bytes));
      version.update(littleEndian(arithmetic.digest(bytes)));
    }
  return { merkleRoot: merkleRoot(leaves), versionDigest: version.digest("hex") };
}

/** An XXH3 of 16 hexadecimal digits as the 8 bytes that a version digest is made of. */
function littleEndian(digest: string): Uint8Array {
  return Buffer.from(digest, "hex").reverse();
}
