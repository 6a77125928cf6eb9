import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { blockNumbers, type ParameterLayout, type Slice } from "@latentweave/parameters";
import { type CheckpointSink } from "@latentweave/protocol";
import { checkpointName, removeCheckpoint, retain, temporaryName } from "./checkpoint-directory.ts";
import { manifestName } from "./checkpoint-reader.ts";
import { Coverage } from "./coverage.ts";
import { type CheckpointDisk, plainDisk } from "./disk/checkpoint-disk.ts";
import type { FileDigests } from "./disk/digest-files.ts";
import { diskError, errorCode } from "./disk-error.ts";
import { syncDirectory } from "./durable-file.ts";
import { type SealRecord, sha256 } from "./ledger-line.ts";
import { encodeManifest, type Manifest, manifestFormat } from "./manifest.ts";
import { CheckpointContractError, fileOf, type FileName, Placement, planFiles } from "./placement.ts";

/**
 * Writes one checkpoint. Owns a hidden folder beside the finished ones and its open files, nothing else.
 *
 * 1. Memory is bounded by the slices being written: each goes to its place in the file at once. Slices in shared memory
 *    are written from there, others are copied first.
 * 2. Readers see all of it or nothing: data, then manifest, are synced before the folder gets its name.
 * 3. Digests are those of the bytes read back, not of the bytes meant to be written.
 * 4. Whatever fails, the hidden folder is gone afterwards.
 */
export interface WriterOptions {
  /** The run's `checkpoints` folder. */
  readonly checkpoints: string;
  readonly runId: string;
  readonly layout: ParameterLayout;
  readonly version: number;
  readonly sections: readonly string[];
  /** How many checkpoints to keep, this one included. */
  readonly keep: number;
  /** Of those that are there, which stay besides; default: none. */
  readonly pinned?: ((there: ReadonlySet<number>) => ReadonlySet<number>) | undefined;
  /** Default: the process's own means. */
  readonly disk?: CheckpointDisk | undefined;
  /** Called before the checkpoint becomes visible: records it, and makes everything durable that it relies on. */
  readonly beforePublishing: (seal: SealRecord) => Promise<void>;
}

interface OpenFile {
  readonly name: FileName;
  readonly path: string;
  readonly handle: FileHandle;
}

export async function beginCheckpoint(options: WriterOptions): Promise<CheckpointSink> {
  const { checkpoints, layout, version, sections, disk = plainDisk } = options;
  const metadata = { runId: options.runId, version: String(version) };
  const planned = planFiles(layout, sections, metadata);
  const folder = temporaryName(checkpoints, "writing", version);
  const files = new Map<FileName, OpenFile>();
  let over: { readonly error: unknown } | "finished" | "abandoned" | undefined;

  const discard = async (): Promise<void> => {
    for (const { handle } of files.values()) await handle.close().catch(() => undefined);
    files.clear();
    await rm(folder, { recursive: true, force: true });
  };
  /** What to answer once it is over. */
  const refusal = (): { readonly error: unknown } | undefined =>
    typeof over === "string"
      ? { error: new CheckpointContractError(`the checkpoint of version ${version} is ${over} already`) }
      : over;
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const before = refusal();
    if (before) throw before.error;
    try {
      return await work();
    } catch (error) {
      const failure = diskError(error, path.join(checkpoints, checkpointName(version)));
      if (over === "finished") throw failure; // published, but an older one could not be removed
      const meanwhile = refusal();
      if (meanwhile) throw meanwhile.error; // the file was closed under this write
      over = { error: failure };
      await discard().catch(() => undefined);
      throw failure;
    }
  };

  await guarded(async () => {
    await mkdir(folder);
    for (const { name, headerBytes, header } of planned) {
      const file = path.join(folder, name);
      const handle = await open(file, "wx+");
      files.set(name, { name, path: file, handle });
      await handle.truncate(header.fileBytes);
      await disk.write(handle.fd, headerBytes, 0);
    }
  });

  const placement = new Placement(layout, planned);
  const arrived = new Map(sections.map((section) => [section, layout.groups.map(() => new Coverage())]));

  return {
    write: (section, slice, bytes) =>
      guarded(async () => {
        const ranges = accept(placement, arrived, section, slice, bytes);
        const { handle } = files.get(fileOf(section)) as OpenFile;
        const own = bytes.buffer instanceof SharedArrayBuffer ? bytes : copyOf(bytes);
        for (const range of ranges)
          await disk.write(handle.fd, own.subarray(range.offset, range.offset + range.bytes), range.position);
      }),
    place: {
      id: path.basename(folder),
      files: planned.map(({ name }) => path.resolve(folder, name)),
      ranges: (section, slice) =>
        placement.ranges(section, slice).map(({ file, position, offset, bytes }) => ({
          slice: { group: slice.group, start: slice.start + offset / 4, numbers: bytes / 4 },
          file: planned.findIndex(({ name }) => name === file),
          position,
        })),
      written: (section, slice) =>
        guarded(async () => {
          arrive(arrived, section, slice);
        }),
    },
    finish: (meta) =>
      guarded(async () => {
        checkComplete(layout, arrived);
        for (const { handle } of files.values()) await handle.sync();
        const manifest = describe(options, meta, await disk.digest({ folder, layout, sections, metadata }));
        const manifestText = encodeManifest(manifest);
        await writeManifest(folder, manifestText);
        for (const { handle } of files.values()) await handle.close();
        files.clear();
        await syncDirectory(folder);
        await options.beforePublishing({
          version,
          manifest: sha256(manifestText),
          merkleRoot: manifest.merkleRoot,
        });
        await publish(checkpoints, folder, version);
        over = "finished";
        await retain(checkpoints, options.keep, version, options.pinned);
        return { hash: manifest.hash };
      }),
    async abandon() {
      if (over !== undefined) return;
      over = "abandoned";
      await discard();
    },
  };
}

/** In shared memory, which the disk's thread reads where it lies. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  copy.set(bytes);
  return copy;
}

function accept(
  placement: Placement,
  arrived: ReadonlyMap<string, readonly Coverage[]>,
  section: string,
  slice: Slice,
  bytes: Uint8Array,
): ReturnType<Placement["ranges"]> {
  const ranges = placement.ranges(section, slice);
  if (bytes.byteLength !== slice.numbers * 4)
    throw new CheckpointContractError(
      `${slice.numbers} numbers were announced, ${bytes.byteLength} bytes came`,
    );
  arrive(arrived, section, slice);
  return ranges;
}

function arrive(arrived: ReadonlyMap<string, readonly Coverage[]>, section: string, slice: Slice): void {
  const coverage = arrived.get(section)?.[slice.group];
  if (!coverage) throw new CheckpointContractError(`the checkpoint has no section "${section}"`);
  if (!coverage.add(slice.start, slice.numbers))
    throw new CheckpointContractError(
      `part of group ${slice.group}, numbers ${slice.start} to ${slice.start + slice.numbers} of "${section}", came twice`,
    );
}

function checkComplete(layout: ParameterLayout, arrived: ReadonlyMap<string, readonly Coverage[]>): void {
  for (const [section, groups] of arrived)
    for (const [index, coverage] of groups.entries()) {
      const group = layout.groups[index];
      const missing = coverage.firstMissing(group?.numbers ?? 0);
      if (missing !== undefined)
        throw new CheckpointContractError(
          `"${section}" of group "${group?.name}" is missing from number ${missing} on`,
        );
    }
}

function describe(
  { runId, layout, version, sections }: WriterOptions,
  meta: Readonly<Record<string, unknown>>,
  { files, hash, merkleRoot }: FileDigests,
): Manifest {
  return {
    format: "latentweave-checkpoint",
    formatVersion: manifestFormat,
    runId,
    version,
    sections: [...sections],
    hash,
    merkleRoot,
    blockNumbers,
    files: { ...files },
    groups: layout.groups.map(({ name, tasks, numbers, tensors }) => ({
      name,
      tasks: [...tasks],
      numbers,
      tensors: tensors.map((tensor) => ({
        name: tensor.name,
        shape: [...tensor.shape],
        offset: tensor.offset,
      })),
    })),
    meta,
  };
}

async function writeManifest(folder: string, text: string): Promise<void> {
  const handle = await open(path.join(folder, manifestName), "wx");
  try {
    await handle.writeFile(text, "utf8");
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives the folder its name; a damaged checkpoint of the same version makes room. */
async function publish(checkpoints: string, folder: string, version: number): Promise<void> {
  const directory = path.join(checkpoints, checkpointName(version));
  try {
    await rename(folder, directory);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(errorCode(error) ?? "")) throw error;
    await removeCheckpoint(checkpoints, { version, directory });
    await rename(folder, directory);
  }
  await syncDirectory(checkpoints);
}
