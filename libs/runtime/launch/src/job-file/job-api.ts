import {
  activation,
  averagePooling,
  convolution,
  defineJob,
  dense,
  dropout,
  flatten,
  maxPooling,
  normalisation,
  reshape,
  transposedConvolution,
  userLayer,
} from "@latentweave/job";

/** What `import { ... } from "latentweave"` gives a job file, installed or not. */
const jobApi = {
  activation,
  averagePooling,
  convolution,
  defineJob,
  dense,
  dropout,
  flatten,
  maxPooling,
  normalisation,
  reshape,
  transposedConvolution,
  userLayer,
};

const key = "latentweave.job-api";

/** Text of a module that exports the job API of this very process; a job file runs in the process that loads it. */
export function jobApiModule(): string {
  (globalThis as Record<symbol, unknown>)[Symbol.for(key)] = jobApi;
  const names = Object.keys(jobApi).join(", ");
  return `export const { ${names} } = globalThis[Symbol.for(${JSON.stringify(key)})];`;
}
