import { readFile } from "node:fs/promises";
import path from "node:path";
import { preparedManifestSchema, splitNames, UserError, type PreparedManifest } from "@latentweave/protocol";
import { fileBytes, sha256Of } from "./files.ts";

/*
 * A prepared root holds <dataHash>/manifest.json and, beside it, the shards that it names; both are written once and
 * never changed. Data with the same hash are the same data, whoever prepared them from whatever files.
 */

export const manifestFile = "manifest.json";

/** JSON with sorted keys and no white space: the same text for the same value. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    fields.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** The hash that names prepared data: of everything in the manifest but the hash itself. */
export function dataHashOf(manifest: Omit<PreparedManifest, "dataHash">): string {
  return sha256Of(canonicalJson({ ...manifest, dataHash: undefined }));
}

/** @throws UserError when there is no manifest, or it is damaged or was changed */
export async function readPreparedManifest(directory: string): Promise<PreparedManifest> {
  const file = path.join(directory, manifestFile);
  const problem = (what: string, cause?: unknown): UserError =>
    new UserError({ what, where: file, mend: "delete the folder; it is prepared again when needed", cause });
  let parsed;
  try {
    parsed = preparedManifestSchema.safeParse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    throw problem("the manifest of prepared data cannot be read", error);
  }
  if (!parsed.success || dataHashOf(parsed.data) !== parsed.data.dataHash) {
    throw problem("the manifest of prepared data is damaged", parsed.error);
  }
  return parsed.data;
}

/** The manifest, if it and every file that it names lie there in full length; their content is checked when it is read. */
export async function findPrepared(root: string, dataHash: string): Promise<PreparedManifest | undefined> {
  const directory = path.join(root, dataHash);
  const manifest = await readPreparedManifest(directory).catch(() => undefined);
  if (manifest?.dataHash !== dataHash) return undefined;
  const { text } = manifest.preprocessing;
  const files = [
    ...splitNames.flatMap((split) => manifest.splits[split].shards),
    ...(text ? [text.vocabulary] : []),
  ];
  const sizes = await Promise.all(files.map(({ file }) => fileBytes(path.join(directory, file))));
  return files.every(({ bytes }, index) => sizes[index] === bytes) ? manifest : undefined;
}

/**
 * The path of a file of prepared data, for serving it over HTTP; undefined for anything that is not plainly the
 * manifest or a shard, so that no request leads out of the folder. The file need not exist.
 */
export function preparedFilePath(root: string, dataHash: string, file: string): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(dataHash) || !/^(?:manifest\.json|[0-9a-f]{64}\.arrow)$/.test(file))
    return undefined;
  return path.join(root, dataHash, file);
}
