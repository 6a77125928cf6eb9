/** Frames that are wrong in every way, against each kind of process: nothing but the connection that brought one ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { createFaultyProxy, keyedRandom, sampleMessages } from "@latentweave/faults";
import { closeCodes, type Message, protocolVersion, systemClock } from "@latentweave/protocol";
import { start } from "./command.ts";
import { attackServer, type AttackOutcome } from "./fuzz/attack-server.ts";
import { startHostileServer } from "./fuzz/attack-worker.ts";
import { processOf, residentBytes } from "./fuzz/process-memory.ts";
import { leftBehind } from "./left-behind.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { throttle } from "./throttle.ts";
import { addressOf, committed, finish, startTraining, type Training } from "./training.ts";

/** Of each process; `npm run shows` asks for as many as its issue names. */
const frames = Number(process.env["LATENTWEAVE_FUZZ_FRAMES"] ?? 2_000);
/** Another seed finds other ways of being wrong; a failing one is in the title of the test. */
const seed = Number(process.env["LATENTWEAVE_FUZZ_SEED"] ?? 1);
/** A busy machine needs 20 ms for a frame; most need a tenth of that. */
const timeout = 240_000 + 2 * frames * 20;
/** Of the frames, after which caches and code have the size that they will have. */
const warmShare = 0.2;
/** Garbage comes and goes by as much; a leak of a kilobyte for each of 100,000 frames is half as much again. */
const mostGrowthBytes = 64 * 2 ** 20;

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
let job: string;

beforeAll(() => {
  job = writeJob(folder, smallJob({ steps: 10_000_000 }));
});

/** How much larger a process has become since it was warm, at most. */
class Growth {
  readonly #bytes: () => number;
  #warm: number | undefined;
  #most = 0;

  constructor(bytes: () => number) {
    this.#bytes = bytes;
  }

  look(): void {
    const now = this.#bytes();
    this.#warm ??= now;
    this.#most = Math.max(this.#most, now - this.#warm);
  }

  get most(): number {
    return this.#most;
  }
}

describe(`wrong frames (seed ${seed}, ${frames} of them)`, { timeout }, () => {
  test("harm neither coordinator nor parameter server nor the run that goes on meanwhile", async () => {
    const training = startTraining(runs, "fuzzed", [job]);
    const port = Number(new URL(await addressOf(training)).port);
    await committed(training, 20);
    // As few steps as will do: a run without disturbance has to make them all once more.
    const letGo = throttle(processOf(training.mark, "worker"), 0.05);
    const hello = (id: string): Message => ({
      ...{ type: "hello", runId: "fuzzed", protocol: protocolVersion, role: "worker", id },
      ...{ host: "elsewhere", pid: 1, software: "fuzz", determinismClass: { backend: "native" } },
    });
    const targets = [
      { path: "/v1/coordinator", verb: "coordinator", opening: [hello("fuzz")] },
      {
        path: "/v1/shards/0",
        verb: "parameter-server",
        opening: [
          { type: "attach", runId: "fuzzed", protocol: protocolVersion, workerId: "fuzz" } satisfies Message,
        ],
      },
    ] as const;
    for (const { path: at, verb, opening } of targets) {
      const pid = processOf(training.mark, verb);
      const growth = new Growth(() => residentBytes(pid));
      const outcome = await attackServer({
        ...{ port, path: at, opening, frames, seed },
        samples: sampleMessages("fuzzed", "fuzz"),
        every: { frames: Math.ceil(frames * warmShare), look: () => growth.look() },
      });
      console.log(`${verb}: ${JSON.stringify(outcome.ends)}, grown by ${growth.most} bytes`);
      expectAnswers(outcome);
      expect(growth.most, verb).toBeLessThan(mostGrowthBytes);
      expect(processOf(training.mark, verb), "it is the same process").toBe(pid);
    }

    letGo();
    await stopAndCompare(training);
    // The worker of the run itself has noticed nothing.
    const events = training.said.flatMap((said) => (said.kind === "event" ? [said.event.text] : []));
    expect(events.filter((text) => /worker-\d+.* (lost|connected again)/.test(text))).toEqual([]);
  });

  test("harm no worker", async () => {
    const script = path.join(folder, "fuzzed-worker.mjs");
    await build({
      entryPoints: [fileURLToPath(new URL("fuzz/fuzzed-worker.ts", import.meta.url))],
      outfile: script,
      bundle: true,
      platform: "node",
      format: "esm",
      conditions: ["latentweave-source"],
      logLevel: "error",
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
      },
    });
    let hung = 0;
    const specText = readFileSync(path.join(runs, "fuzzed", "spec.json"), "utf8");
    const server = await startHostileServer(specText, seed, () => (hung += 1));
    const worker = spawn(process.execPath, ["--expose-gc", script, `ws://127.0.0.1:${server.port}`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: worker.stdout });
    const said = async (): Promise<{ workers: number; residentBytes: number }> => {
      worker.stdin.write("\n");
      const [line] = (await once(lines, "line")) as [string];
      return JSON.parse(line) as { workers: number; residentBytes: number };
    };
    try {
      let warm: number | undefined;
      let most = 0;
      for (let part = 1; part <= 1 / warmShare; part++) {
        while (server.frames < part * warmShare * frames) {
          expect(worker.exitCode, "the worker's process has ended").toBeNull();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const now = (await said()).residentBytes;
        warm ??= now;
        most = Math.max(most, now - warm);
      }
      const { workers } = await said();
      console.log(
        `worker: ${server.frames} frames, ended as it should ${workers} times, grown by ${most} bytes`,
      );
      expect(most).toBeLessThan(mostGrowthBytes);
      expect(hung).toBe(0);
    } finally {
      worker.stdin.end();
      await once(worker, "close");
      server.close();
    }
    expect(worker.exitCode).toBe(0);
  });
});

/** Every way of being wrong has its answer, and every connection ends. */
function expectAnswers({ ends, hung }: AttackOutcome): void {
  expect(hung).toBe(0);
  for (const code of [closeCodes.damaged, closeCodes.protocolError])
    expect(ends[code] ?? 0, String(code)).toBeGreaterThan(frames / 20);
}

test("what is damaged on the way to a worker is sent again: the same hash", async () => {
  const training = startTraining(runs, "damaged", [job]);
  const proxy = await createFaultyProxy({
    target: { host: "127.0.0.1", port: Number(new URL(await addressOf(training)).port) },
    listen: { host: "127.0.0.1", port: 0 },
    clock: systemClock,
    random: keyedRandom(seed),
    asFromAfar: true,
    faults: [
      { kind: "corrupt", direction: "both", every: 101 },
      { kind: "truncate", direction: "both", every: 149 },
      { kind: "duplicate", direction: "both", every: 211 },
      { kind: "reorder", direction: "both", every: 263 },
    ],
  });
  const joined = start(["join", `http://127.0.0.1:${proxy.port}`]);
  const isEnough = (): boolean => {
    const { corrupt, truncate, duplicate, reorder } = proxy.counts();
    return Math.min(corrupt, truncate, duplicate, reorder) >= 1;
  };
  const damaged = training.waitFor("two workers, and damage of every kind", (said) =>
    said.kind === "commit" && said.point.workers === 2 && isEnough() ? true : undefined,
  );
  // A worker that gives up is an error, and nothing to wait for.
  const gaveUp = joined.ended.then(({ code, stderr }) => `the worker ended with ${code}:\n${stderr}`);
  expect(await Promise.race([damaged, gaveUp])).toBe(true);
  console.log(`damaged on the way: ${JSON.stringify(proxy.counts())}`);
  await stopAndCompare(training);
  // That the run is over may have been damaged as well: then it waits for a coordinator, as workers do.
  await Promise.race([joined.ended, wait(10_000)]);
  joined.signal("SIGTERM");
  await joined.ended;
  await proxy.close();
});

/** Whatever the run has come to is what a run without disturbance comes to in as many steps. */
async function stopAndCompare(training: Training): Promise<void> {
  const stopped = start(["stop", training.runId, "--runs", runs]);
  expect((await stopped.ended).code).toBe(0);
  await training.ended;
  expect(await leftBehind(training.mark)).toEqual([]);
  const end = training.said.at(-1);
  if (end?.kind !== "end" || end.hash === null) throw new Error(training.stderr());
  const steps = ["--steps", String(end.step)];
  const undisturbed = startTraining(runs, `${training.runId}-undisturbed`, [job, ...steps]);
  expect(end.hash).toBe((await finish(undisturbed)).hash);
}
