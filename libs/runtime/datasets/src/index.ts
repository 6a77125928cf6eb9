export { type DatasetEntry } from "./catalogue/dataset-entry.ts";
export {
  type DatasetOptions,
  type FetchedDataset,
  type ListedDataset,
  datasetCatalogue,
  getDataset,
  listDatasets,
} from "./catalogue/get-dataset.ts";
export { type DescribedColumn, describeCsv } from "./formats/describe-csv.ts";
export { encodeNpy } from "./formats/npy.ts";
export { guessDataSource } from "./prepare/guess-source.ts";
export { readInputs } from "./prepare/read-inputs.ts";
export { type PrepareOptions, prepare } from "./prepare/prepare.ts";
export { takeRows } from "./prepare/take-rows.ts";
export { type UserDataset, type UserDatasets, type UserRows } from "./prepare/user-dataset.ts";
export { findPrepared, preparedFilePath, readPreparedManifest } from "./prepared-store.ts";
export {
  type OpenPreparedOptions,
  type PreparedReader,
  type PreparedRow,
  type PreparedRows,
  openPrepared,
} from "./reader/open-prepared.ts";
export { type PreparedLocation, ShardUnavailable } from "./reader/shard-store.ts";
