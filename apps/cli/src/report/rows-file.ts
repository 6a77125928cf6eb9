import { writeFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { formatCount } from "../show/numbers.ts";
import type { EncodedRows } from "./encode-rows.ts";

export interface RowsFile {
  readonly file: string;
  readonly format: ".npy" | ".csv";
}

/**
 * What `--output` names, looked at before anything is computed.
 * @param what the rows are, for the message @param instead what else there is
 * @throws UserError for a name that ends otherwise
 */
export function rowsFile(file: string, what: string, instead = ""): RowsFile {
  const format = path.extname(file).toLowerCase();
  if (format === ".npy" || format === ".csv") return { file, format };
  throw new UserError({
    where: `--output ${file}`,
    what: `${what} cannot be written as "${format}"`,
    expected: `.npy or .csv${instead}`,
    mend: "choose another name",
    exitCode: 2,
  });
}

/** @param of names the columns of a table @returns what was written, for people */
export async function writeRows(
  { file, format }: RowsFile,
  encoded: EncodedRows,
  of: "latent" | "reconstruction",
): Promise<string> {
  const { toCsv, toNpy } = await import("./encode-rows.ts");
  await writeFile(file, format === ".npy" ? toNpy(encoded) : toCsv(encoded, of));
  return `${file}: ${formatCount(encoded.rows)} rows of ${encoded.shape.join("×")} numbers`;
}
