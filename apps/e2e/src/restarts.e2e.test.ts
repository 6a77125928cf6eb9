/** Processes of a run that end before it does are started again, and what was learned is the same to the bit. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { leftBehind } from "./left-behind.ts";
import { processOf } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining, type Training } from "./training.ts";

const runs = temporaryFolder();
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", "50", "--seed", "7"],
  ...["--set", "evaluate.everySteps=0", "--set", "checkpoints.everySteps=10"],
];
let undisturbed: string;

beforeAll(async () => {
  ({ hash: undisturbed } = await finish(startTraining(runs, "undisturbed", [...job, "--workers", "2"])));
});

/** Kills processes of a run after some steps, and waits for its end. @returns what was told of it */
async function killAndFinish(runId: string, shards: number, names: readonly string[]): Promise<Training> {
  const training = startTraining(runs, runId, [...job, "--workers", "2", "--shards", String(shards)]);
  await committed(training, 12);
  const victims = names.map((name) => processOf(training.mark, name));
  const [at, steps] = [performance.now(), commitsOf(training).length];
  for (const pid of victims) process.kill(pid, "SIGKILL");
  const next = await training.waitFor("a step after the kill", () => commitsOf(training)[steps]);
  const ms = Math.round(performance.now() - at);
  console.log(`${names.join(", ")} of ${shards} shard(s): step ${next} was committed ${ms} ms later`);
  const end = await finish(training);
  expect(end.hash).toBe(undisturbed);
  for (const name of names)
    expect(
      training.said.filter((said) => said.kind === "event" && said.event.text === restarted(name)),
    ).toHaveLength(1);
  expect(await leftBehind(training.mark)).toEqual([]);
  return training;
}

const restarted = (name: string): string => `${name}: it was ended by SIGKILL; starting it again`;

const commitsOf = (training: Training): number[] =>
  training.said.flatMap((said) => (said.kind === "commit" ? [said.point.step] : []));

test("kill -9 of the only shard", async () => {
  await killAndFinish("shard", 1, ["shard-0"]);
});

test("kill -9 of the leading shard of two", async () => {
  await killAndFinish("leader", 2, ["shard-0"]);
});

test("kill -9 of the other shard of two", async () => {
  await killAndFinish("follower", 2, ["shard-1"]);
});

test("kill -9 of the coordinator: no step is computed twice, and the run began when it began", async () => {
  const training = await killAndFinish("coordinator", 1, ["coordinator"]);
  const steps = commitsOf(training);
  expect(new Set(steps).size).toBe(steps.length);
  const began = new Set(
    training.said.flatMap((said) => (said.kind === "snapshot" ? [said.snapshot.startedAtMs] : [])),
  );
  expect(began.size).toBe(1);
  const state = JSON.parse(readFileSync(path.join(runs, "coordinator", "run.json"), "utf8")) as object;
  expect(state).toMatchObject({ state: "finished", generation: 2, startedAtMs: [...began][0] });
});

test("kill -9 of everything but the launcher at once", async () => {
  await killAndFinish("everything", 2, ["coordinator", "shard-0", "shard-1", "worker-0", "worker-1"]);
});
