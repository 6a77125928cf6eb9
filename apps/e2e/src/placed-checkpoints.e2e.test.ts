/** Shards of the coordinator's host write their parts of a checkpoint where they belong, in place of sending them. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { run } from "./command.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");

test("two shards do so for every checkpoint, which is whole, and nothing else stays beside it", async () => {
  mkdirSync(folder, { recursive: true });
  const job = writeJob(folder, smallJob({ steps: 6, checkpoints: { everySteps: 2, keep: 3 } }));
  const flags = [job, "--shards", "2", "--placement", "dedicated", "--dashboard", "off"];
  const { hash } = await finish(startTraining(runs, "placed", flags));
  for (const shard of ["shard-0", "shard-1"])
    expect(readFileSync(path.join(runs, "placed", "logs", `${shard}.log`), "utf8")).toContain(
      `shard ${shard.at(-1)} writes its parts of checkpoints into the run's folder`,
    );
  expect(readdirSync(path.join(runs, "placed", "checkpoints")).sort()).toEqual([
    "step-00000002",
    "step-00000004",
    "step-00000006",
  ]);
  const { stdout } = await run(["verify", "placed", "--runs", runs]);
  expect(stdout).toContain("checkpoints 6, 4, 2: every byte read");
  const one = await finish(startTraining(runs, "one", [job, "--dashboard", "off"]));
  expect(one.hash).toBe(hash);
});
