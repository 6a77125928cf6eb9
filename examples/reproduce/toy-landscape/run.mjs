/** node examples/reproduce/toy-landscape/run.mjs [NAME...]: where combiners lead on the toy landscape of the papers. */
import { importSources } from "../../../tools/build/bundle-sources.mjs";

const shown = ["sum", "pcgrad", "cagrad", "aligned-mtl", "mgda", "imtl-g", "nash-mtl", "famo"];
/** A run that has arrived is closer than 0.08, one that has not is farther than 8. */
const arrived = 0.1;

const library = await importSources(`export { loadArithmetic } from "@latentweave/arithmetic";
  export { combinerNames } from "@latentweave/job";
  export { arrivals, starts } from "./libs/algorithm/multitask/src/testing/toy-landscape.ts";`);
const names = process.argv.slice(2);
const unknown = names.find((name) => !library.combinerNames.includes(name));
if (unknown !== undefined) {
  console.error(`there is no combiner named "${unknown}"\n  expected: ${library.combinerNames.join(", ")}`);
  process.exit(2);
}
const arithmetic = library.loadArithmetic();
console.log(`50,000 steps of Adam from each of ${library.starts.map((start) => `(${start})`).join(" ")}\n`);
console.log("| combiner | reaches the Pareto front from | ends at | distances |\n| --- | --- | --- | --- |");
for (const name of names.length > 0 ? names : shown) {
  const runs = library.arrivals(arithmetic, name);
  const count = runs.filter(({ distance }) => distance < arrived).length;
  const ends = runs.map(({ end }) => `(${end.map((x) => x.toFixed(2)).join(", ")})`).join(" ");
  const distances = runs.map(({ distance }) => distance.toFixed(3)).join(", ");
  console.log(`| ${name} | ${count} of ${runs.length} | ${ends} | ${distances} |`);
}
