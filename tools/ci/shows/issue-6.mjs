/** The learning: what its issue asked to be shown, in its order. */
import { autoencoderRows } from "./issue-6-autoencoders.mjs";
import { combiningRows } from "./issue-6-combining.mjs";
import { fduMtlRows } from "./issue-6-fdu-mtl.mjs";
import { guardRows } from "./issue-6-guard.mjs";
import { multiMnistRows } from "./issue-6-multi-mnist.mjs";
import { relatedRows } from "./issue-6-related.mjs";
import { reportRows } from "./issue-6-report.mjs";
import { schoolRows } from "./issue-6-school.mjs";

export const items = [
  ...[...combiningRows, ...relatedRows],
  ...autoencoderRows,
  ...schoolRows,
  ...fduMtlRows,
  ...multiMnistRows,
  ...guardRows,
  ...reportRows,
].sort((a, b) => a.number - b.number);
