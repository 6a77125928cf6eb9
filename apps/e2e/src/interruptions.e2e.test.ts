/** What happens to a run, and what becomes of it: never other bits, never anything left running. */
import { existsSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining, workerProcess } from "./training.ts";

const runs = temporaryFolder();
const steps = 120;
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7"],
  ...["--set", "evaluate.everySteps=0"],
];
let undisturbed: string;

beforeAll(async () => {
  ({ hash: undisturbed } = await finish(startTraining(runs, "undisturbed", [...job, "--workers", "2"])));
});

test("kill -9 of a worker in the middle: the same hash", async () => {
  const training = startTraining(runs, "killed", [...job, "--workers", "2"]);
  const victim = await workerProcess(training, "worker-1");
  await committed(training, 8);
  process.kill(victim, "SIGKILL");
  const end = await finish(training);
  expect(end.hash).toBe(undisturbed);
  // It was noticed, and said.
  expect(training.said.some((said) => said.kind === "event" && /worker-1/.test(said.event.text))).toBe(true);
  expect(training.said.some((said) => said.kind === "commit" && said.point.workers === 1)).toBe(true);
  expect(await leftBehind(training.mark)).toEqual([]);
});

test("Ctrl-C at a random step, then --resume: the same hash, and nothing left running in between", async () => {
  // Random on purpose: any step must do. The name of the test says which one it was where it fails.
  const step = 1 + Math.floor(Math.random() * (steps / 2));
  const training = startTraining(runs, "interrupted", [...job, "--workers", "2"]);
  await committed(training, step);
  training.signal("SIGINT");
  const { code, stderr } = await training.ended;
  expect(code, stderr).toBe(130);
  expect(await leftBehind(training.mark)).toEqual([]);
  expect(training.said.at(-1)).toMatchObject({ kind: "end", state: "interrupted" });

  const resumed = startTraining(runs, "interrupted", ["--resume"]);
  const end = await finish(resumed);
  expect(end.hash, `interrupted after step ${step}`).toBe(undisturbed);
  expect(await leftBehind(resumed.mark)).toEqual([]);
});

test("the whole launcher killed at once: --resume goes on, and no process outlives it", async () => {
  const training = startTraining(runs, "gone", [
    ...job,
    "--workers",
    "2",
    "--set",
    "checkpoints.everySteps=5",
  ]);
  await committed(training, 12);
  training.signal("SIGKILL");
  await training.ended;
  expect(await leftBehind(training.mark)).toEqual([]);
  expect(existsSync(path.join(runs, "gone", "checkpoints"))).toBe(true);

  const end = await finish(startTraining(runs, "gone", ["--resume", "--set", "checkpoints.everySteps=5"]));
  expect(end.hash).toBe(undisturbed);
});

test("`latentweave stop` ends a run after a checkpoint", async () => {
  const training = startTraining(runs, "stopped", [...job, "--workers", "1"]);
  await committed(training, 3);
  const stop = await run(["stop", "stopped", "--runs", runs]);
  expect(stop.code, stop.stderr).toBe(0);
  expect((await training.ended).code).toBe(130);
  expect(training.said.at(-1)).toMatchObject({ kind: "end", state: "interrupted" });
  expect(await leftBehind(training.mark)).toEqual([]);
});
