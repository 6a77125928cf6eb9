/**
 * node examples/tutorial/gains.mjs [--seeds N] [--steps N] [--job NAME] [--out DIR]: what sharing gains the tutorial's
 * tasks. Trains the model with all tasks and each task alone, with as many steps and samples, and writes reports.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { latentweave } from "../../tools/ci/latentweave.mjs";

const tasks = ["digits", "iris", "penguins"];
const jobs = { bank: "job.ts", "shared-latent": "shared-latent.job.ts" };
const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "3" },
    steps: { type: "string", default: "1000" },
    job: { type: "string", multiple: true, default: Object.keys(jobs) },
    out: { type: "string", default: "runs/tutorial-gains" },
  },
});
const unknown = values.job.find((name) => !(name in jobs));
if (unknown !== undefined) {
  console.error(`there is no job "${unknown}"\n  expected: ${Object.keys(jobs).join(" or ")}`);
  process.exit(2);
}
const show = async (args) => process.stdout.write((await latentweave(args)).stdout);
const isFinished = (folder) =>
  existsSync(path.join(folder, "run.json")) &&
  JSON.parse(readFileSync(path.join(folder, "run.json"), "utf8")).state === "finished";

for (const name of values.job) {
  const folder = path.resolve(values.out, name);
  const train = async (side, runId, seed, more) => {
    const runs = path.join(folder, side);
    if (isFinished(path.join(runs, runId))) return;
    const before = existsSync(path.join(runs, runId, "spec.json")) ? ["--resume"] : [];
    const given = [
      "--seed",
      String(seed),
      "--steps",
      values.steps,
      "--set",
      "evaluate.everySteps=0",
      ...more,
    ];
    await latentweave([
      ...["train", path.join(import.meta.dirname, jobs[name]), "--runs", runs, "--run-id", runId],
      ...["--workers", "2", "--quiet", "--dashboard", "off", ...before, ...given],
    ]);
    console.log(`trained ${name}: ${side}/${runId}`);
  };
  for (let seed = 0; seed < Number(values.seeds); seed++) {
    for (const task of tasks) await train("alone", `${task}-seed-${seed}`, seed, ["--tasks", task]);
    await train("together", `seed-${seed}`, seed, []);
  }
  await show([
    ...["compare", `alone=${path.join(folder, "alone")}`, `together=${path.join(folder, "together")}`],
    ...["--html", path.join(folder, "gains.html"), "--markdown", path.join(folder, "gains.md")],
    ...["--json", path.join(folder, "gains.json")],
  ]);
  await show([
    ...["evaluate", "seed-0", "--runs", path.join(folder, "together")],
    ...["--report", path.join(folder, "report")],
  ]);
  console.log(
    `\nreports: ${path.join(folder, "gains.html")}, ${path.join(folder, "report", "report.html")}\n`,
  );
}
