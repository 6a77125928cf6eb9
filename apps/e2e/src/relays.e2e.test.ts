/** Four workers of one host, the parameter server on another: one of them speaks for all. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { faultFolder, faultsEnvironment, type FaultSetting, readJournal } from "@latentweave/faults";
import { cacheDirectory, type CommitRecord } from "@latentweave/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining, type Training } from "./training.ts";
import { createTwoHosts, type TwoHosts } from "./two-hosts.ts";

const runs = temporaryFolder();
/** `npm run shows` asks for as many as its issue names. */
const steps = Number(process.env["LATENTWEAVE_E2E_STEPS"] ?? 8);
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7"],
  ...["--set", "evaluate.everySteps=5"],
];
let hosts: TwoHosts;
let ssh: string;
let takeDown = (): Promise<void> => Promise.resolve();
let alone: string;

beforeAll(async () => {
  hosts = await createTwoHosts(cacheDirectory());
  takeDown = () => hosts.down();
  ssh = await hosts.startSsh();
  ({ hash: alone } = await finish(
    startTraining(runs, "alone", [...job, "--workers", "1", "--dashboard", "off"]),
  ));
});

afterAll(() => takeDown());

/** Coordinator and parameter server on a, four workers on b. @param faults that workers do to themselves */
async function train(runId: string, settings: readonly string[], faults?: FaultSetting): Promise<Training> {
  const remote = path.join(runs, `${runId}.sh`);
  const exported = Object.entries(faults ? faultsEnvironment(faults) : {}).map(
    ([name, value]) => `export ${name}='${value}'\n`,
  );
  const program = path.join(root, "apps/cli/bin/latentweave.mjs");
  await writeFile(
    remote,
    `#!/bin/sh\n${exported.join("")}export LATENTWEAVE_CACHE=${hosts.cacheOfB}\nexec ${process.execPath} ${program} "$@"\n`,
    { mode: 0o755 },
  );
  return startTraining(
    runs,
    runId,
    [
      ...[...job, ...settings, "--dashboard", "off"],
      ...["--launcher", "ssh", "--hosts", "b", "--workers", "4"],
    ],
    {
      within: hosts.on.a,
      env: { LATENTWEAVE_SSH_COMMAND: ssh, LATENTWEAVE_REMOTE_COMMAND: remote },
    },
  );
}

interface Bytes {
  readonly pushed: number;
  readonly broadcast: number;
}

/** Of gradients that reached the parameter server, and weights that left it. */
async function bytesOf(runId: string): Promise<Bytes> {
  const text = await readFile(path.join(runs, runId, "metrics/workers.jsonl"), "utf8");
  const rows = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { process: string; pushedBytes?: number; broadcastBytes?: number });
  const sum = (of: "pushedBytes" | "broadcastBytes"): number =>
    rows.reduce((total, row) => total + (row[of] ?? 0), 0);
  return { pushed: sum("pushedBytes"), broadcast: sum("broadcastBytes") };
}

async function commitsOf(runId: string): Promise<CommitRecord[]> {
  const text = await readFile(path.join(runs, runId, "ledger/commits.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .flatMap((line) => {
      const { record } = JSON.parse(line) as { record: { kind: string } & CommitRecord };
      return record.kind === "commit" ? [record] : [];
    });
}

const saysRelay = ({ said }: Training): string[] =>
  said.flatMap((one) =>
    one.kind === "event" && / speaks for /.test(one.event.text) ? [one.event.text] : [],
  );

test("a host sends one sum and gets one copy: the same hash, less than 0.3 of the bytes each way, and the record proves it", async () => {
  const apart = await train("apart", ["--set", "launcher.hostAggregation=off"]);
  expect((await finish(apart)).hash).toBe(alone);
  const together = await train("together", []);
  expect((await finish(together)).hash).toBe(alone);
  expect(saysRelay(apart)).toEqual([]);
  expect(saysRelay(together)).toEqual([expect.stringMatching(/^worker b-\d speaks for 4 workers of host /)]);
  const [before, after] = [await bytesOf("apart"), await bytesOf("together")];
  const [pushed, broadcast] = [after.pushed / before.pushed, after.broadcast / before.broadcast];
  console.log(`of 4 senders' bytes: ${pushed.toFixed(3)} of gradients, ${broadcast.toFixed(3)} of weights`);
  expect(pushed).toBeLessThan(0.3);
  expect(broadcast).toBeLessThan(0.3);
  // Everybody is named for what it computed, and so is who added it up.
  const names = new Set<string>();
  for (const { tasks } of await commitsOf("together"))
    for (const { shards } of tasks)
      for (const { nodes, sums } of shards) {
        for (const [, , worker] of nodes) names.add(worker);
        expect(new Set(sums?.map(([, , relay]) => relay)).size).toBe(1);
      }
  expect(names.size).toBe(4);
  const proved = await run(["verify", "together", "--runs", runs, "--recompute", "0..3"]);
  expect(proved.code, proved.stderr).toBe(0);
  expect(proved.stdout + proved.stderr).toMatch(/proved/);
});

test("kill -9 of the worker that speaks for all, in the middle of a sum, and of the next one: the same hash, each micro-batch once", async () => {
  const folder = faultFolder(path.join(runs, "faults"));
  await mkdir(folder.directory);
  folder.make();
  const kill = (number: number, step: number): FaultSetting["faults"][number] => ({
    number,
    fault: { do: "kill", to: "any-worker", at: { step, moment: "mid-relay" } },
  });
  const training = await train("killed", [], {
    ...{ process: "worker-0", folder: folder.directory, disk: null, routes: {} },
    faults: [kill(1, 2), kill(2, 5)],
  });
  const end = await finish(training);
  expect(end.hash).toBe(alone);
  const struck = readJournal(folder.journal).filter(({ kind }) => kind === "struck");
  expect(struck).toHaveLength(2);
  expect(new Set(saysRelay(training)).size).toBeGreaterThan(1);
  const verified = await run(["verify", "killed", "--runs", runs]);
  expect(verified.code, verified.stderr).toBe(0);
  expect(await leftBehind(training.mark)).toEqual([]);
});

test("the worker that speaks for all is stopped in its tracks: others go on without it, to the same hash", async () => {
  // Slow enough that there are steps left once somebody has noticed, and measured ones before.
  const training = await train("stopped", ["--steps", "60", "--set", "evaluate.everySteps=0"]);
  const reference = startTraining(runs, "alone-60", [
    ...[...job, "--steps", "60", "--set", "evaluate.everySteps=0", "--workers", "1", "--dashboard", "off"],
  ]);
  await committed(training, 12);
  const [text = ""] = saysRelay(training);
  const relay = /^worker (\S+)/.exec(text)?.[1];
  const pid = await training.waitFor("the relay's process", (said) =>
    said.kind === "event"
      ? Number(new RegExp(`worker ${relay} joined \\(process (\\d+)`).exec(said.event.text)?.[1]) || undefined
      : undefined,
  );
  process.kill(pid, "SIGSTOP");
  try {
    const end = await finish(training);
    expect(end.hash).toBe((await finish(reference)).hash);
  } finally {
    process.kill(pid, "SIGCONT");
  }
});
