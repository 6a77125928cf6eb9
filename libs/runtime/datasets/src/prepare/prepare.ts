import { rm, stat, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { DataSource } from "@latentweave/job";
import {
  UserError,
  type PreparedManifest,
  type PreparedSplit,
  type PreparedText,
  type SplitName,
} from "@latentweave/protocol";
import { catalogue } from "../catalogue/catalogue.ts";
import type { DatasetEntry } from "../catalogue/dataset-entry.ts";
import { getDataset } from "../catalogue/get-dataset.ts";
import { encodeShard } from "../arrow-shard.ts";
import { createDirectoryAtomically, fileProblem, sha256Of, writeFileAtomically } from "../files.ts";
import type { CsvOptions } from "../formats/csv.ts";
import { canonicalJson, dataHashOf, findPrepared, manifestFile } from "../prepared-store.ts";
import { isSparse, takeSparseRows } from "../sparse-rows.ts";
import { encodeVocabulary } from "../text/vocabulary-file.ts";
import { fitScale } from "./fit-scale.ts";
import { loadSource } from "./load-source.ts";
import type { LoadedRows, LoadedSource } from "./loaded-source.ts";
import { filesOf, type SourceFiles, sourceFiles } from "./source-files.ts";
import { loadUserDataset, type UserDatasets } from "./user-dataset.ts";
import { mixUnlabelled, shardLengths, splitRows } from "./split-rows.ts";
import { describeTargets, labelWarnings, splitTargets, type Targets } from "./split-targets.ts";
import { takeRows } from "./take-rows.ts";

export interface PrepareOptions {
  /** For messages. */
  readonly taskName: string;
  /** What relative paths start from: the folder of the job's file. */
  readonly baseDirectory: string;
  /** The cache (`cacheDirectory()` of @latentweave/protocol); data sets of the catalogue are fetched into it. */
  readonly cacheDirectory: string;
  /** The root of prepared data. Default: `prepared` in the cache. */
  readonly into?: string;
  /** Data sets of the job's extensions, and what fixes what they yield. */
  readonly user?: { readonly datasets: UserDatasets; readonly text: string } | undefined;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Rises whenever the same source would be prepared into other bytes, or said to be other things. */
const preparerVersion = 2;

/**
 * Makes sure that a task's data lie prepared in `into`/<dataHash>, and returns their manifest. Instant when nothing
 * has changed: then only sizes and times of the source's files are looked at. Safe with several processes at once.
 * @throws UserError, naming the task, for anything wrong with the source
 */
export async function prepare(source: DataSource, options: PrepareOptions): Promise<PreparedManifest> {
  try {
    const manifest = await prepareSource(source, options);
    for (const warning of labelWarnings(manifest)) options.log(`${options.taskName}: careful: ${warning}`);
    return manifest;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { where } = error.parts;
    throw new UserError({ ...error.parts, where: `task ${options.taskName}${where ? `: ${where}` : ""}` });
  }
}

async function prepareSource(source: DataSource, options: PrepareOptions): Promise<PreparedManifest> {
  const root = options.into ?? path.join(options.cacheDirectory, "prepared");
  const entry = source.dataset === undefined ? undefined : catalogue[source.dataset];
  const index = new SourceIndex(root, source);
  const files =
    entry || source.user ? undefined : filesOf(sourceFiles(source, options.baseDirectory, undefined));
  const quickKey = files && index.key(await stamps(files));
  const known = quickKey && (await index.find(quickKey));
  if (known) return known;

  const contentKey = index.key(files ? await hashes(files) : namedContent(entry, options));
  const manifest = (await index.find(contentKey)) ?? (await prepareAnew(source, entry, root, options));
  await index.put(contentKey, manifest);
  if (quickKey) await index.put(quickKey, manifest);
  return manifest;
}

/**
 * What fixes the rows of a source that names no files. What an extension reads besides is not known: only its text and
 * options say whether it would yield the same.
 */
function namedContent(entry: DatasetEntry | undefined, { user }: PrepareOptions): string[] {
  return entry ? entry.files.map((file) => file.sha256) : [sha256Of(user?.text ?? "")];
}

async function prepareAnew(
  source: DataSource,
  entry: DatasetEntry | undefined,
  root: string,
  options: PrepareOptions,
): Promise<PreparedManifest> {
  const dataset = entry && (await getDataset(entry.name, { ...options, verify: true }));
  const files = source.user ? undefined : sourceFiles(source, options.baseDirectory, dataset);
  const what =
    source.user?.name ?? source.dataset ?? path.basename(filesOf(files as SourceFiles)[0] as string);
  options.log(`${options.taskName}: preparing ${what}`);
  const loaded = files
    ? await loadSource(source, files, tableOptions(source, entry))
    : await loadUserDataset(source, options.user?.datasets ?? {}, options.baseDirectory);
  for (const note of loaded.notes ?? []) options.log(`${options.taskName}: ${note}`);
  const manifest = await writePrepared(root, source, loaded);
  const { train, validation, test } = manifest.splits;
  options.log(
    `${options.taskName}: ${train.rows} training, ${validation.rows} validation and ${test.rows} test rows ` +
      `in ${train.shards.length + validation.shards.length + test.shards.length} shards (${manifest.dataHash.slice(0, 12)})`,
  );
  return manifest;
}

/** The source's own choice of columns, or else the catalogue's. */
function tableOptions(source: DataSource, entry: DatasetEntry | undefined): CsvOptions {
  return {
    features: source.features ?? entry?.features,
    oneHot: source.oneHot ?? (source.features ? undefined : entry?.oneHot),
    target: source.target ?? entry?.target,
    ...{ targetKind: source.targetKind, classes: source.classes, unlabelled: source.unlabelled },
    missing: source.missing,
  };
}

async function writePrepared(
  root: string,
  source: DataSource,
  loaded: LoadedSource,
): Promise<PreparedManifest> {
  const unlabelled = loaded.unlabelledRows ?? 0;
  const dealt = splitRows(loaded.train.rows - unlabelled, source.split, loaded.test !== undefined);
  const rows = { ...dealt, train: mixUnlabelled(dealt.train, loaded.train.rows, unlabelled, source.split) };
  const scale = fitScale(source.scale, loaded, rows.train);
  const targets = splitTargets(loaded, rows, source.split?.labelledRows);
  let manifest: PreparedManifest | undefined;
  await removeBroken(root, async () =>
    createDirectoryAtomically(root, async (temporary) => {
      const write = (split: SplitName, from: LoadedRows, places: Uint32Array): Promise<PreparedSplit> =>
        writeSplit(temporary, loaded, from, places, targets[split]);
      const content: Omit<PreparedManifest, "dataHash"> = {
        format: "latentweave-prepared",
        version: 1,
        x: loaded.x,
        y: loaded.y && describeTargets(loaded.y, targets),
        preprocessing: {
          scale,
          oneHot: loaded.oneHot,
          ...(source.width === undefined ? {} : { width: source.width }),
          ...(loaded.text && { text: await writeText(temporary, loaded.text) }),
        },
        splits: {
          train: await write("train", loaded.train, rows.train),
          validation: await write("validation", loaded.train, rows.validation),
          test: loaded.test
            ? await write(
                "test",
                loaded.test,
                Uint32Array.from({ length: loaded.test.rows }, (_, row) => row),
              )
            : await write("test", loaded.train, rows.test),
        },
      };
      manifest = { ...content, dataHash: dataHashOf(content) };
      await writeFile(path.join(temporary, manifestFile), `${JSON.stringify(manifest, undefined, 2)}\n`);
      return manifest.dataHash;
    }),
  );
  return manifest as unknown as PreparedManifest;
}

/** The vocabulary beside the shards, so that other lines can be read as these were. */
async function writeText(
  directory: string,
  { vocabulary, weighting }: NonNullable<LoadedSource["text"]>,
): Promise<PreparedText> {
  const written = await writeNamedByContent(directory, encodeVocabulary(vocabulary));
  const { terms, counted, words } = vocabulary;
  return {
    vocabulary: { ...written, terms: terms.length, counted, words },
    ...weighting,
  };
}

/** A file of prepared data, as the manifest names it. */
async function writeNamedByContent(
  directory: string,
  content: Uint8Array,
): Promise<{ readonly file: string; readonly bytes: number; readonly sha256: string }> {
  const sha256 = sha256Of(content);
  const file = `${sha256}.arrow`;
  await writeFile(path.join(directory, file), content);
  return { file, bytes: content.length, sha256 };
}

/** Renaming keeps a folder that is there already; one that lost files must go first. */
async function removeBroken(root: string, create: () => Promise<string>): Promise<void> {
  const directory = await create();
  if (await findPrepared(root, path.basename(directory))) return;
  await rm(directory, { recursive: true, force: true });
  await create();
}

async function writeSplit(
  directory: string,
  loaded: LoadedSource,
  from: LoadedRows,
  places: Uint32Array,
  targets: Targets | undefined,
): Promise<PreparedSplit> {
  const shards: PreparedSplit["shards"] = [];
  let start = 0;
  for (const rows of shardLengths(places.length)) {
    const part = places.subarray(start, start + rows);
    const width = (targets?.length ?? 0) / places.length;
    const shard = encodeShard(loaded, {
      rows,
      x: isSparse(from.x) ? takeSparseRows(from.x, part) : takeRows(from.x, loaded.x.width, part),
      y: targets?.slice(start * width, (start + rows) * width),
    });
    start += rows;
    const { file, bytes, sha256 } = await writeNamedByContent(directory, shard);
    shards.push({ file, rows, bytes, sha256 });
  }
  return { rows: places.length, bytes: shards.reduce((sum, shard) => sum + shard.bytes, 0), shards };
}

/** Remembers which prepared data came of which source: <root>/sources/<key>.json. */
class SourceIndex {
  readonly #root: string;
  readonly #source: DataSource;

  constructor(root: string, source: DataSource) {
    this.#root = root;
    this.#source = source;
  }

  key(files: readonly string[]): string {
    return sha256Of(canonicalJson({ preparerVersion, source: this.#source, files }));
  }

  async find(key: string): Promise<PreparedManifest | undefined> {
    const dataHash = await readFile(this.#file(key), "utf8").catch(() => undefined);
    return dataHash === undefined ? undefined : findPrepared(this.#root, dataHash.trim());
  }

  async put(key: string, manifest: PreparedManifest): Promise<void> {
    await writeFileAtomically(this.#file(key), [Buffer.from(`${manifest.dataHash}\n`)]);
  }

  #file(key: string): string {
    return path.join(this.#root, "sources", key);
  }
}

function stamps(files: readonly string[]): Promise<string[]> {
  return Promise.all(
    files.map(async (file) => {
      try {
        const { size, mtimeMs, ino } = await stat(file);
        return `${file} ${size} ${mtimeMs} ${ino}`;
      } catch (error) {
        throw fileProblem(error, file);
      }
    }),
  );
}

async function hashes(files: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const file of files) {
    try {
      found.push(sha256Of(await readFile(file)));
    } catch (error) {
      throw fileProblem(error, file);
    }
  }
  return found;
}
