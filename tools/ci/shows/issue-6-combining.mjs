/** Shows 1, 2 and 11: combiners' known answers and bits, the toy landscape, and what combining costs. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { importSources } from "../../build/bundle-sources.mjs";
import { plain, root, runCommand } from "../run-command.mjs";
import { matrixRow } from "./matrix-rows.mjs";
import { compareHashes } from "./one-hash.mjs";
import { reproduce } from "./reproduction.mjs";

/** Workers and shards: 1, 2, 3 and 1, 2, 4. */
const clusters = [
  [1, 1],
  [2, 2],
  [3, 4],
];
const steps = 6;
/** Reach the front from all starts; the sum from one fewer. */
const arriving = ["nash-mtl", "mgda", "imtl-g", "famo"];

async function knownAnswers(say) {
  const { code, output } = await runCommand(
    ["npx", "vitest", "run", "src/known-answers.test.ts", "src/weightings", "src/gradients", "src/solvers"],
    { cwd: path.join(root, "libs/algorithm/multitask") },
  );
  const text = plain(output);
  const [, count] = /Tests\s+(?:\d+ failed \| )?(\d+) passed/.exec(text) ?? [];
  say(`known answers, and properties of weightings, combiners and solvers: ${count ?? "no"} tests passed`);
  if (code !== 0) say(text.slice(-2000));
  return { count: Number(count ?? 0), isGreen: code === 0 };
}

const dense = (units, activation) => ({ kind: "dense", units, ...(activation && { activation }) });

/** Three tasks that share a trunk and pull it in different directions: other classes, other images. */
function jobOf(combiner) {
  const task = (dataset) => ({
    ...{ data: { dataset }, input: [784], encoder: [], decoder: [dense(784, "sigmoid")] },
    ...{ heads: { label: { kind: "classification" } }, microBatch: 8, slots: 2 },
  });
  return {
    ...{ name: `bits of ${combiner}`, combiner, steps },
    tasks: { digits: task("mnist"), clothes: task("fashion-mnist"), again: task("mnist") },
    model: { kind: "shared", trunk: [dense(16, "relu")], latent: 8, trunkDecoder: [dense(16, "relu")] },
    ...{ evaluate: { everySteps: 0 }, checkpoints: { everySteps: 0 } },
  };
}

async function hasOneHash(combiner, context) {
  const file = path.join(context.scratch, `${combiner}.json`);
  writeFileSync(file, JSON.stringify(jobOf(combiner)));
  const runs = clusters.map(([workers, shards]) => ({
    id: `${combiner}-${workers}-${shards}`,
    flags: ["--workers", String(workers), "--shards", String(shards), "--dashboard", "off"],
  }));
  return (await compareHashes(file, steps, runs, context)).met;
}

export const combiningRows = [
  {
    number: "1",
    title: "Known answers of all combiners; 1, 2, 3 workers with 1, 2, 4 shards",
    bar: "within 1e-4; one hash for every combiner",
    async run(context) {
      const { count, isGreen } = await knownAnswers(context.say);
      const { combinerNames } = await importSources(`export { combinerNames } from "@latentweave/job";`);
      const different = [];
      for (const combiner of combinerNames)
        if (!(await hasOneHash(combiner, context))) different.push(combiner);
      return {
        figure: `${count} tests passed; ${combinerNames.length - different.length} of ${combinerNames.length} combiners have one hash${different.length > 0 ? `, not: ${different.join(", ")}` : ""}`,
        met: isGreen && count > 0 && different.length === 0,
      };
    },
  },
  {
    number: "2",
    title: "Toy landscape: starts from which a combiner reaches the Pareto front",
    bar: `${arriving.join(", ")} from 5 of 5, the sum from 4`,
    async run({ say }) {
      const { code, output } = await reproduce("toy-landscape", { say });
      const reached = Object.fromEntries(
        [...output.matchAll(/^\| (\S+) \| (\d+) of 5 /gm)].map(([, name, count]) => [name, Number(count)]),
      );
      return {
        figure: ["sum", ...arriving].map((name) => `${name} ${reached[name] ?? "?"} of 5`).join(", "),
        met: code === 0 && reached.sum === 4 && arriving.every((name) => reached[name] === 5),
      };
    },
  },
  matrixRow(
    "11",
    "The dearest combiners with 16 tasks that share 1 million parameters",
    "time ≤ 1.05 × that of the sum",
    "16-tasks",
  ),
];
