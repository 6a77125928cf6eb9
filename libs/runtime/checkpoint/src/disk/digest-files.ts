import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { blockNumbers, blockSlice, type ParameterLayout } from "@latentweave/parameters";
import { merkleLeaf, merkleRoot } from "../merkle.ts";
import { hashOfFile } from "../parameter-hash.ts";
import { fileOf, type FileName, parametersSection, Placement, planFiles } from "../placement.ts";
import { openSafetensors, readExactly, visitRange } from "../safetensors-file.ts";

/** A checkpoint whose data is all in its folder. */
export interface WrittenFiles {
  readonly folder: string;
  readonly layout: ParameterLayout;
  readonly sections: readonly string[];
  /** Of the safetensors headers. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface FileDigests {
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  /** Of the parameters (`hashOfFile`). */
  readonly hash: string;
  readonly merkleRoot: string;
}

/** Reads back what was written: digests are those of the bytes on disk, not of the bytes meant to be written. */
export async function digestFiles({
  folder,
  layout,
  sections,
  metadata,
}: WrittenFiles): Promise<FileDigests> {
  const planned = planFiles(layout, sections, metadata);
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const { name } of planned) files[name] = await withFile(folder, name, digestOf);
  const parameters = fileOf(parametersSection);
  const reader = await openSafetensors(path.join(folder, parameters));
  const hash = await hashOfFile(reader).finally(() => reader.close());
  const placement = new Placement(layout, planned);
  const leaves = await withFile(folder, parameters, (handle) => blockLeaves(layout, placement, handle));
  return { files, hash, merkleRoot: merkleRoot(leaves) };
}

async function withFile<Result>(
  folder: string,
  name: FileName,
  read: (handle: FileHandle) => Promise<Result>,
): Promise<Result> {
  const handle = await open(path.join(folder, name), "r");
  return await read(handle).finally(() => handle.close());
}

async function digestOf(handle: FileHandle): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  const bytes = (await handle.stat()).size;
  await visitRange(handle, 0, bytes, (chunk) => hash.update(chunk));
  return { bytes, sha256: hash.digest("hex") };
}

async function blockLeaves(
  layout: ParameterLayout,
  placement: Placement,
  handle: FileHandle,
): Promise<Buffer[]> {
  const leaves: Buffer[] = [];
  const buffer = new Uint8Array(blockNumbers * 4);
  for (const group of layout.groups)
    for (let block = 0; block < group.blocks; block++) {
      const slice = blockSlice(group, block);
      const bytes = buffer.subarray(0, slice.numbers * 4).fill(0);
      for (const range of placement.ranges(parametersSection, slice))
        await readExactly(handle, bytes.subarray(range.offset, range.offset + range.bytes), range.position);
      leaves.push(merkleLeaf(bytes));
    }
  return leaves;
}
