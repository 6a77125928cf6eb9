export { type DataSource, type DatasetName, dataSourceSchema, datasetNames } from "./data-source.ts";
