/** What it costs to lose a shard's process, with its memory kept and without; and where that memory goes. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { addons, ensureAddon } from "@latentweave/native";
import { beforeAll, describe, expect, test } from "vitest";
import type { Said } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { processesWith, processOf } from "./processes.ts";
import { recordedSteps, recordedTimelines, vaultsOf } from "./recorded.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining } from "./training.ts";

const addon = await ensureAddon(addons.pageMap);
const runs = temporaryFolder();
const steps = 40;
const checkpointSteps = 15;
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7", "--workers", "2"],
  ...["--set", "evaluate.everySteps=0", "--set", `checkpoints.everySteps=${checkpointSteps}`],
];
const eachOnce = Array.from({ length: steps }, (_, step) => [0, step]);
let undisturbed: string;

beforeAll(async () => {
  ({ hash: undisturbed } = await finish(startTraining(runs, "undisturbed", job)));
});

/** Vaults lie where every run of this machine has its own. */
const ownId = (): string => `vault-${randomUUID().slice(0, 8)}`;

describe.skipIf(addon.kind === "unavailable" || process.platform !== "linux")("where memory is kept", () => {
  test("a launcher killed with everything else: the next one goes on where it stopped, and nothing stays in memory", async () => {
    const id = ownId();
    const first = startTraining(runs, id, [...job, "--shards", "2"]);
    await committed(first, checkpointSteps + 5);
    for (const { pid } of processesWith(first.mark)) process.kill(pid, "SIGKILL");
    await first.ended;
    expect(await leftBehind(first.mark)).toEqual([]);
    expect(vaultsOf(id)).toHaveLength(2);
    const next = startTraining(runs, id, [...job, "--shards", "2", "--resume"]);
    expect((await finish(next)).hash).toBe(undisturbed);
    expect(recordedSteps(path.join(runs, id))).toEqual(eachOnce);
    expect(vaultsOf(id)).toEqual([]);
  });

  test("a run that is told to end at once leaves nothing in memory", async () => {
    const id = ownId();
    const training = startTraining(runs, id, [...job, "--shards", "2"]);
    await committed(training, 5);
    expect(vaultsOf(id)).toHaveLength(2);
    training.signal("SIGINT");
    training.signal("SIGINT");
    await training.ended;
    expect(await leftBehind(training.mark)).toEqual([]);
    expect(vaultsOf(id)).toEqual([]);
  });
});

/** The version of a checkpoint that was written. */
function checkpointOf(said: Said): number | undefined {
  const text = said.kind === "event" ? said.event.text : "";
  const version = /^checkpoint of step (\d+) written/.exec(text)?.[1];
  return version === undefined ? undefined : Number(version);
}

/** Before the command comes a shell that gives it, and it alone, a memory file system of a container's size. */
const isolate = ["unshare", "--mount", "--map-root-user"];
const mayIsolate = spawnSync("unshare", [...isolate.slice(1), "true"]).status === 0;

test.skipIf(addon.kind === "unavailable" || !mayIsolate)(
  "where /dev/shm has no room memory lies in the run's folder: no step is undone, and nothing stays there",
  async () => {
    const id = ownId();
    const directory = path.join(runs, id);
    const mount = 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$0" "$@"';
    const training = startTraining(runs, id, job, { within: [...isolate, "sh", "-c", mount] });
    await committed(training, checkpointSteps + 5);
    const kept = readdirSync(directory).filter((name) => name.startsWith("latentweave-vault-"));
    expect(kept).toHaveLength(1);
    process.kill(processOf(training.mark, "shard-0"), "SIGKILL");
    expect((await finish(training)).hash).toBe(undisturbed);
    expect(recordedSteps(directory)).toEqual(eachOnce);
    expect(readdirSync(directory).filter((name) => name.includes("vault"))).toEqual([]);
    expect(readFileSync(path.join(directory, "logs", "shard-0.log"), "utf8")).toMatch(
      /this shard's memory is kept in .* \(\/dev\/shm: \d+ bytes are needed, \d+ are free\)/,
    );
  },
);

describe.skipIf(addon.kind === "unavailable" || !mayIsolate)("memory between processes that is short", () => {
  // 27 MB of parameters: a container's usual 64 MB hold the shard's own memory and not all that goes to and fro.
  const wide = ["--steps", "3", "--set", 'model.trunk=[{"kind":"dense","units":4096}]'];
  let roomy: string;
  beforeAll(async () => {
    ({ hash: roomy } = await finish(startTraining(runs, ownId(), [...job, ...wide])));
  });

  test.each([
    [
      "a /dev/shm of 64 MB",
      "size=64m",
      /not through shared memory: \d+ bytes are needed, \d+ are free in \/dev\/shm/,
    ],
    ["a /dev/shm that nobody may write to", "ro", /not through shared memory: .* could not be made/],
  ])(
    "%s: it is said at the terminal, the next way is taken, and the bits are the same",
    async (_, how, said) => {
      const id = ownId();
      const mount = `mount -t tmpfs -o ${how} tmpfs /dev/shm && exec "$0" "$@"`;
      const within = [...isolate, "sh", "-c", mount];
      const training = startTraining(runs, id, [...job, ...wide], { within });
      expect((await finish(training)).hash).toBe(roomy);
      const told = training.said.flatMap((one) => (one.kind === "event" ? [one.event] : []));
      const notices = told.filter(({ text }) => text.includes("not through shared memory"));
      expect(notices.map(({ level }) => level)).toEqual(["warning"]);
      expect(notices[0]?.text).toMatch(said);
      expect(await leftBehind(training.mark)).toEqual([]);
    },
  );
});

for (const { shards, lost } of [
  { shards: 1, lost: 0 },
  { shards: 2, lost: 0 },
  { shards: 2, lost: 1 },
])
  test(`without it: shard ${lost} of ${shards} killed, the run goes back to its checkpoint and ends with the same bits`, async () => {
    const id = ownId();
    // Nor with a copy at another shard.
    const flags = ["--shards", String(shards), "--set", "recovery.everySteps=0"];
    const training = startTraining(runs, id, [...job, ...flags], { env: { LATENTWEAVE_VAULT: "off" } });
    const written = await training.waitFor("a checkpoint", checkpointOf);
    process.kill(processOf(training.mark, `shard-${lost}`), "SIGKILL");
    expect((await finish(training)).hash).toBe(undisturbed);
    const directory = path.join(runs, id);
    // The kill may have come after the next one.
    const fromVersion = recordedTimelines(directory)[0]?.fromVersion ?? 0;
    expect([written, written + checkpointSteps]).toContain(fromVersion);
    expect(recordedTimelines(directory)).toEqual([{ timeline: 1, fromVersion, reason: "recovered" }]);
    expect(recordedSteps(directory).filter(([timeline]) => timeline === 1)).toEqual(
      eachOnce.slice(fromVersion).map(([, step]) => [1, step]),
    );
    expect(await leftBehind(training.mark)).toEqual([]);
  });
