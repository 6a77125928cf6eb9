/** Processes of a run that end before it does are started again, and what was learned is the same to the bit. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { addons, ensureAddon } from "@latentweave/native";
import type { CommitPoint } from "@latentweave/telemetry";
import { beforeAll, expect, test } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { processOf } from "./processes.ts";
import { recordedSteps } from "./recorded.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { addressOf, committed, exampleJob, finish, startTraining, type Training } from "./training.ts";

const addon = await ensureAddon(addons.pageMap);
const runs = temporaryFolder();
const steps = 50;
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7"],
  ...["--set", "evaluate.everySteps=0", "--set", "checkpoints.everySteps=10"],
];
let undisturbed: string;

beforeAll(async () => {
  ({ hash: undisturbed } = await finish(startTraining(runs, "undisturbed", [...job, "--workers", "2"])));
});

/** Kills processes of a run after some steps, and waits for its end. @returns what was told of it */
async function killAndFinish(
  runId: string,
  shards: number | "beside",
  names: readonly string[],
): Promise<Training> {
  const where = shards === "beside" ? ["--placement", "beside"] : ["--shards", String(shards)];
  const training = startTraining(runs, runId, [...job, "--workers", "2", ...where]);
  await committed(training, 12);
  const victims = names.map((name) => processOf(training.mark, name));
  const [at, before] = [performance.now(), commitsOf(training).length];
  for (const pid of victims) process.kill(pid, "SIGKILL");
  const next = await training.waitFor("a step after the kill", () => commitsOf(training)[before]);
  const ms = Math.round(performance.now() - at);
  console.log(`${names.join(", ")} of ${shards} shard(s): step ${next} was committed ${ms} ms later`);
  const end = await finish(training);
  expect(end.hash).toBe(undisturbed);
  // A step may be told twice, when the first word of it was not on disk yet; it is written once, and none is undone.
  if (addon.kind === "ready")
    expect(recordedSteps(path.join(runs, runId))).toEqual(
      Array.from({ length: steps }, (_, step) => [0, step]),
    );
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

test.each(["worker-0", "worker-1"])("kill -9 of %s with the shard beside it", async (name) => {
  await killAndFinish(`beside-${name}`, "beside", [name]);
});

test("a worker that is asked to leave goes, and the shard beside it stays at work", async () => {
  const training = startTraining(runs, "beside-left", [...job, "--workers", "2", "--placement", "beside"]);
  await committed(training, 12);
  const pid = processOf(training.mark, "worker-1");
  process.kill(pid, "SIGTERM");
  await training.waitFor("its leave", (said) =>
    said.kind === "event" && /^worker worker-1 left/.test(said.event.text) ? true : undefined,
  );
  expect(processOf(training.mark, "worker-1")).toBe(pid);
  expect((await finish(training)).hash).toBe(undisturbed);
  const texts = training.said.flatMap((said) => (said.kind === "event" ? [said.event.text] : []));
  expect(texts.filter((text) => /shard .* was lost/.test(text))).toEqual([]);
  expect(await leftBehind(training.mark)).toEqual([]);
});

test("kill -9 of the coordinator: no step is computed twice, and the run began when it began", async () => {
  const training = await killAndFinish("coordinator", 1, ["coordinator"]);
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

/** Longer than any test waits. */
const longJob = [...job, "--steps", "10000"];

/** A run whose coordinator has just been killed. */
async function withoutCoordinator(runId: string): Promise<Training> {
  const training = startTraining(runs, runId, [...longJob, "--workers", "2"]);
  await committed(training, 12);
  process.kill(processOf(training.mark, "coordinator"), "SIGKILL");
  await training.waitFor("the restart", (said) =>
    said.kind === "event" && said.event.text === restarted("coordinator") ? true : undefined,
  );
  return training;
}

async function expectStopped(training: Training): Promise<void> {
  const { code, stderr } = await training.ended;
  expect(code, stderr).toBe(130);
  const last = training.said.at(-1);
  expect(last).toMatchObject({ kind: "end", state: "interrupted", hash: expect.any(String) as string });
  // After a checkpoint of what the shards had come to, not of what the last one happened to hold.
  expect(last?.kind === "end" ? last.step : 0).toBeGreaterThanOrEqual(12);
  expect(await leftBehind(training.mark)).toEqual([]);
}

test("a page that connects again after kill -9 of the coordinator still has the whole curve", async () => {
  const training = await withoutCoordinator("curve");
  const before = commitsOf(training).length;
  await training.waitFor("a step after the kill", () => commitsOf(training)[before]);
  const answer = await fetch(new URL("/api/v1/history", await addressOf(training)));
  expect(((await answer.json()) as CommitPoint[])[0]?.step).toBe(0);
  training.signal("SIGINT");
  await expectStopped(training);
});

test("Ctrl-C while there is no coordinator ends the run after a checkpoint", async () => {
  const training = await withoutCoordinator("ctrl-c");
  training.signal("SIGINT");
  await expectStopped(training);
});

test("`latentweave stop` while there is no coordinator ends the run after a checkpoint", async () => {
  const training = await withoutCoordinator("stop");
  const stop = await run(["stop", "stop", "--runs", runs, "--json"]);
  expect(stop.code, stop.stderr).toBe(0);
  expect(JSON.parse(stop.stdout)).toMatchObject({ state: "interrupted" });
  await expectStopped(training);
});

test("`latentweave stop --now` ends everything, and no process is started again", async () => {
  const training = startTraining(runs, "now", [...longJob, "--workers", "1"]);
  await committed(training, 1);
  const stop = await run(["stop", "now", "--now", "--runs", runs]);
  expect(stop.code, stop.stderr).toBe(0);
  expect((await training.ended).code).toBe(130);
  expect(
    training.said.filter((said) => said.kind === "event" && /starting it again/.test(said.event.text)),
  ).toEqual([]);
  expect(await leftBehind(training.mark)).toEqual([]);
});
