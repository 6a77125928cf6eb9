/** From upright digits to turned ones through a shared latent: node examples/reproduce/translate/run.mjs [--keep FOLDER] */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { latentweave } from "../../../tools/bench/own-command.mjs";
import { idxOf } from "../image-sets.mjs";
import { openRunFolder } from "../run-folder.mjs";
import { trainOnce } from "../train-once.mjs";
import { writeSets } from "./write-sets.mjs";

const { values } = parseArgs({
  options: { keep: { type: "string" }, steps: { type: "string", default: "2000" } },
});
const { folder, runs, close } = openRunFolder("translate", values.keep);
await writeSets(folder);

const dense = (units, activation = "linear") => ({ kind: "dense", units, activation });
const task = (name, more) => ({
  ...{ data: { idx: idxOf(name), scale: "unit" }, input: [784], microBatch: 64, slots: 4 },
  ...{ encoder: [dense(256, "relu")], decoder: [dense(784, "sigmoid")], ...more },
});
const jobOf = (more, rest) => ({
  ...{ name: "translate", tasks: { upright: task("upright", more), turned: task("turned", more) } },
  model: { kind: "shared", trunk: [dense(128, "relu")], latent: 32, trunkDecoder: [dense(256, "relu")] },
  ...{ steps: Number(values.steps), evaluate: { everySteps: 0 }, ...rest },
});
/** Heads of the label that are one and the same, so that both tasks put a digit where the other does. */
const head = { heads: { label: { kind: "classification", weight: 1 } } };
const jobs = {
  "no-labels": jobOf({}, {}),
  labels: jobOf(head, { regulariser: { omega: "mean", lambda: 1, on: "heads" } }),
};
for (const [name, job] of Object.entries(jobs)) {
  const file = path.join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(job));
  await trainOnce(file, { runs, runId: name, workers: 2 });
  for (const [from, to] of [
    ["upright", "turned"],
    ["turned", "upright"],
  ]) {
    const picture = path.join(folder, `${name}-${from}-${to}.png`);
    console.log(
      `${name}:`,
      await latentweave([
        ...["translate", name, "--runs", runs, "--from", from, "--to", to, "--paired"],
        ...["--png", picture],
      ]),
    );
  }
}
close();
