/** A shard that is lost with its memory costs the steps since the last recovery point, and no bit. */
import { rmSync } from "node:fs";
import path from "node:path";
import { addons, ensureAddon } from "@latentweave/native";
import { beforeAll, expect, test } from "vitest";
import { processOf } from "./processes.ts";
import { recordedSteps, recordedTimelines, vaultsOf } from "./recorded.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining } from "./training.ts";

const addon = await ensureAddon(addons.pageMap);
const runs = temporaryFolder();
const steps = 80;
const everySteps = 5;
/** The first checkpoint is the last: without recovery points everything would be computed again. */
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7", "--workers", "2"],
  ...["--set", "evaluate.everySteps=0", "--set", "checkpoints.everySteps=0"],
  ...["--set", `recovery.everySteps=${everySteps}`],
];
let undisturbed: string;

beforeAll(async () => {
  ({ hash: undisturbed } = await finish(startTraining(runs, "undisturbed", job)));
});

test.each([
  [2, 0],
  [2, 1],
  [3, 2],
])("of %i shards, kill -9 of shard %i, whose memory is removed", async (shards, lost) => {
  const runId = `of-${shards}-${lost}`;
  const training = startTraining(runs, runId, [...job, "--shards", String(shards)]);
  await committed(training, 30);
  // The files of its neighbours go too: they are not read while those live.
  if (addon.kind !== "unavailable") for (const file of vaultsOf(runId)) rmSync(path.join("/dev/shm", file));
  process.kill(processOf(training.mark, `shard-${lost}`), "SIGKILL");
  const at = performance.now();
  const back = await training.waitFor("the way back", (said) =>
    said.kind === "event" && said.event.text.startsWith("back to ") ? said.event.text : undefined,
  );
  const { hash } = await finish(training);
  const timelines = recordedTimelines(path.join(runs, runId));
  const [first] = timelines;
  const reached = recordedSteps(path.join(runs, runId)).filter(([timeline]) => timeline === 0).length;
  const undone = reached - (first?.fromVersion ?? 0);
  console.log(
    `${back}; ${undone} steps undone; ended ${Math.round(performance.now() - at)} ms after the kill`,
  );
  expect(hash).toBe(undisturbed);
  expect(timelines).toMatchObject([{ timeline: 1, reason: "recovered" }]);
  expect(first?.fromVersion).toBeGreaterThan(0);
  expect(undone).toBeLessThanOrEqual(3 * everySteps);
});
