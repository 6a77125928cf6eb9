import path from "node:path";
import { datasetNames, type DataSource } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";

/**
 * The source that a name on the command line means: a data set of the catalogue, or a file by its ending (.csv, .tsv,
 * .npy, .npz with an array `x`, .txt with a text a line, .idx or MNIST's -ubyte, the last two also with .gz).
 * @throws UserError for any other ending
 */
export function guessDataSource(nameOrPath: string): DataSource {
  const dataset = datasetNames.find((name) => name === nameOrPath);
  if (dataset) return { dataset };
  switch (path.extname(nameOrPath.replace(/\.gz$/, "")).toLowerCase()) {
    case ".csv":
    case ".tsv":
      return { csv: nameOrPath };
    case ".npy":
      return { npy: { x: nameOrPath } };
    case ".npz":
      return { npz: { file: nameOrPath, x: "x" } };
    case ".idx":
      return { idx: { images: nameOrPath } };
    case ".txt":
      return { text: { unlabelled: nameOrPath } };
  }
  if (/-ubyte(?:\.gz)?$/.test(nameOrPath)) return { idx: { images: nameOrPath } };
  throw new UserError({
    what: "cannot tell what kind of data this is",
    where: nameOrPath,
    expected: `.csv, .tsv, .npy, .npz, .idx, .txt, -ubyte, or one of: ${datasetNames.join(", ")}`,
    exitCode: 2,
  });
}
