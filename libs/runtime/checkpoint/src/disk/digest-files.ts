import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import path from "node:path";
import { blockNumbers, blockSlice, type ParameterLayout } from "@latentweave/parameters";
import { merkleLeaf, merkleRoot } from "../merkle.ts";
import { feedTensorHead } from "../parameter-hash.ts";
import { fileOf, type FileName, parametersSection, Placement, planFiles } from "../placement.ts";
import { chunkBytes, ShortFile } from "../safetensors-file.ts";
import { headerLength, parseHeader } from "../safetensors-header.ts";

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

/**
 * Reads back what was written: digests are those of the bytes on disk, not of the bytes meant to be written. In this very
 * thread: asked for piece by piece, 27 million numbers took half as long again.
 */
export function digestFiles({ folder, layout, sections, metadata }: WrittenFiles): FileDigests {
  const planned = planFiles(layout, sections, metadata);
  const files: Record<string, { bytes: number; sha256: string }> = {};
  const parameters = createHash("sha256");
  for (const { name } of planned)
    files[name] = withFile(folder, name, (file) =>
      digestOf(file, name === fileOf(parametersSection) ? feed(file, parameters) : undefined),
    );
  const placement = new Placement(layout, planned);
  const leaves = withFile(folder, fileOf(parametersSection), (file) => blockLeaves(layout, placement, file));
  return { files, hash: parameters.digest("hex"), merkleRoot: merkleRoot(leaves) };
}

function withFile<Result>(folder: string, name: FileName, read: (file: number) => Result): Result {
  const file = openSync(path.join(folder, name), "r");
  try {
    return read(file);
  } finally {
    closeSync(file);
  }
}

type Feed = (chunk: Uint8Array, position: number) => void;

/** @param also gets the chunks too, from the first byte to the last */
function digestOf(file: number, also: Feed | undefined): { bytes: number; sha256: string } {
  const hash = createHash("sha256");
  const bytes = fstatSync(file).size;
  const buffer = new Uint8Array(Math.min(chunkBytes, bytes));
  for (let position = 0; position < bytes;) {
    const chunk = buffer.subarray(0, Math.min(buffer.byteLength, bytes - position));
    readExactly(file, chunk, position);
    hash.update(chunk);
    also?.(chunk, position);
    position += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Feeds the hash of the parameters (`hashOfFile`) with a file from front to back: tensors lie in the order of their names. */
function feed(file: number, hash: Hash): Feed {
  const fileBytes = fstatSync(file).size;
  const first = new Uint8Array(Math.min(8, fileBytes));
  readExactly(file, first, 0);
  const head = new Uint8Array(headerLength(first, fileBytes));
  readExactly(file, head, 0);
  const tensors = [...parseHeader(head, fileBytes).tensors].sort((a, b) => a.position - b.position);
  /** The first that is not over yet. */
  let next = 0;
  return (chunk, position) => {
    const chunkEnd = position + chunk.byteLength;
    for (let tensor = tensors[next]; tensor && tensor.position < chunkEnd; tensor = tensors[(next += 1)]) {
      const end = tensor.position + tensor.bytes;
      if (tensor.position >= position) feedTensorHead(hash, tensor);
      hash.update(
        chunk.subarray(Math.max(0, tensor.position - position), Math.min(end, chunkEnd) - position),
      );
      if (end > chunkEnd) return;
    }
  };
}

function blockLeaves(layout: ParameterLayout, placement: Placement, file: number): Buffer[] {
  const leaves: Buffer[] = [];
  const buffer = new Uint8Array(blockNumbers * 4);
  for (const group of layout.groups)
    for (let block = 0; block < group.blocks; block++) {
      const slice = blockSlice(group, block);
      const bytes = buffer.subarray(0, slice.numbers * 4).fill(0);
      for (const range of placement.ranges(parametersSection, slice))
        readExactly(file, bytes.subarray(range.offset, range.offset + range.bytes), range.position);
      leaves.push(merkleLeaf(bytes));
    }
  return leaves;
}

function readExactly(file: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.byteLength;) {
    const bytes = readSync(file, target, done, target.byteLength - done, position + done);
    if (bytes === 0) throw new ShortFile(position + done);
    done += bytes;
  }
}
