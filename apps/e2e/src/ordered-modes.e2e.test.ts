/** The modes stale and async on real processes: whatever is killed, every planned step is applied once, and can be proved. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { processOf } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining, type Training, workerProcess } from "./training.ts";

const runs = temporaryFolder();
const written = temporaryFolder();
const steps = 60;
const jobOf = (mode: string): string[] => [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7"],
  ...["--set", `mode=${mode}`, "--set", "checkpoints.everySteps=20", "--set", "evaluate.everySteps=25"],
  ...["--workers", "2", "--shards", "2"],
];

interface Commit {
  readonly kind: string;
  readonly step: number;
  readonly fromVersion: number;
  readonly order: {
    readonly planned: number;
    readonly basis: number;
    readonly givenUp: readonly { readonly why: string }[];
  };
}

/** The commits in effect. */
function commitsOf(runId: string): Commit[] {
  const text = readFileSync(path.join(runs, runId, "ledger", "commits.jsonl"), "utf8");
  let commits: Commit[] = [];
  for (const line of text.trimEnd().split("\n")) {
    const { record } = JSON.parse(line) as { record: Commit };
    if (record.kind === "commit") commits.push(record);
    if (record.kind === "timeline") commits = commits.filter(({ step }) => step < record.fromVersion);
  }
  return commits;
}

/** Each planned step once, the closing evaluation last, and none older than the bound. */
function expectEverythingOnce(runId: string, bound: number): void {
  const commits = commitsOf(runId);
  const all = Array.from({ length: steps + 1 }, (_, step) => step);
  expect(commits.map(({ step }) => step)).toEqual(all);
  expect(commits.map(({ order }) => order.planned).toSorted((a, b) => a - b)).toEqual(all);
  const staleness = commits.map(({ step, order }) => step - order.basis);
  expect(Math.min(...staleness)).toBe(0);
  expect(Math.max(...staleness)).toBeLessThanOrEqual(bound);
  // Two workers do have two planned steps in hand.
  expect(Math.max(...staleness)).toBeGreaterThan(0);
}

/** The record is consistent, every step of it comes to the same bits again, and so does the version after some step. */
async function expectProved(runId: string, hash: string): Promise<void> {
  const proof = await run(["verify", runId, "--recompute", `0..${steps}`, "--runs", runs]);
  expect(proof.stdout).toMatch(/^consistent$/m);
  expect(proof.stdout).toMatch(/^proved: steps 0 to 60/m);
  expect(proof.code).toBe(0);
  const file = path.join(written, `${runId}.safetensors`);
  const again = await run(["replay", runId, "--to", String(steps), "-o", file, "--runs", runs, "--json"]);
  expect(again.code, again.stderr).toBe(0);
  expect(again.stdout).toContain(hash);
  const middle = await run(["replay", runId, "--to", "33", "-o", file, "--runs", runs]);
  expect(middle.code, middle.stderr).toBe(0);
}

async function kill(training: Training, name: string, after: number): Promise<void> {
  await committed(training, after);
  process.kill(processOf(training.mark, name), "SIGKILL");
}

describe.each([
  ["stale", '{"kind":"stale","bound":2}', 2],
  ["async", '{"kind":"async"}', steps],
])("%s", (name, mode, bound) => {
  test("kill -9 of a worker, the other shard and the leading one: every planned step once, proved and replayed", async () => {
    const training = startTraining(runs, `${name}-killed`, jobOf(mode));
    await kill(training, "worker-1", 8);
    await kill(training, "shard-1", 24);
    await kill(training, "shard-0", 38);
    const { hash } = await finish(training);
    expectEverythingOnce(`${name}-killed`, bound);
    await expectProved(`${name}-killed`, hash);
    expect(await leftBehind(training.mark)).toEqual([]);
  });

  test("Ctrl-C with steps in hand, then --resume: every planned step once", async () => {
    const training = startTraining(runs, `${name}-stopped`, jobOf(mode));
    await committed(training, 27);
    training.signal("SIGINT");
    expect((await training.ended).code).toBe(130);
    const { hash } = await finish(startTraining(runs, `${name}-stopped`, ["--resume"]));
    expectEverythingOnce(`${name}-stopped`, bound);
    await expectProved(`${name}-stopped`, hash);
  });
});

test("a worker that stands still: stale computes again what would come too late, and says so", async () => {
  const training = startTraining(runs, "still", jobOf('{"kind":"stale","bound":2}'));
  const victim = await workerProcess(training, "worker-1");
  await committed(training, 8);
  process.kill(victim, "SIGSTOP");
  // Bound 2: without it two or three steps could follow, until it is lost or what it had is given up.
  await committed(training, 20);
  process.kill(victim, "SIGCONT");
  await finish(training);
  expectEverythingOnce("still", 2);
  const givenUp = commitsOf("still").flatMap(({ order }) => order.givenUp);
  expect(givenUp.map(({ why }) => why)).toContain("stale");
  const told = training.said.flatMap((said) => (said.kind === "event" ? [said.event.text] : []));
  expect(told.some((text) => text.includes("would have come too late"))).toBe(true);
});
