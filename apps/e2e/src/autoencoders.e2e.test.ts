/** Autoencoders that draw: one hash, whatever the cluster looks like, and a record that proves it. */
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { run } from "./command.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { finish, startTraining } from "./training.ts";

const runs = temporaryFolder();
const variational = { kind: "variational", units: 2, beta: 0.5, annealing: { steps: 5 }, freeBits: 0.01 };

const adversarial = {
  ...{ kind: "adversarial", units: 2, weight: 0.3 },
  discriminator: [
    { kind: "dense", units: 6, activation: "relu" },
    { kind: "dropout", rate: 0.2 },
  ],
};

interface Evaluated {
  readonly tasks: readonly [
    {
      readonly together: {
        readonly likelihood: {
          readonly draws: number;
          readonly negativeLogLikelihood: number;
          readonly negativeLowerBound: number;
        };
      };
    },
  ];
}

const jobs = {
  "a shared variational latent behind noise": {
    model: { kind: "shared", latent: variational },
    task: { noise: { kind: "gaussian", deviation: 0.2 } },
  },
  "an importance-weighted bound": {
    model: { kind: "private" },
    task: { latent: { kind: "variational", units: 2, samples: 3 } },
  },
} as const;

test.each(Object.entries(jobs))(
  "%s: one hash for 1 worker, and for 3 with 2 shards and operations one by one; the record proves it",
  async (name, { model, task }) => {
    const folder = mkdtempSync(path.join(runs, "job-"));
    const job = smallJob({ model, steps: 8, task: { ...task, slots: 4 } });
    const file = writeJob(folder, job);
    const hash = async (runId: string, flags: readonly string[], env = {}): Promise<string> =>
      (await finish(startTraining(runs, `${name.split(" ")[1]}-${runId}`, [file, ...flags], { env }))).hash;
    const alone = await hash("one", ["--workers", "1"]);
    const three = ["--workers", "3", "--shards", "2"];
    expect(await hash("three", three, { LATENTWEAVE_PROGRAMS: "off" })).toBe(alone);
    const runId = `${name.split(" ")[1]}-three`;
    const verified = await run(["verify", runId, "--recompute", "0..7", "--runs", runs]);
    expect(verified).toMatchObject({ code: 0 });
    const told = await run(["evaluate", runId, "--draws", "50", "--json", "--runs", runs]);
    const { likelihood } = (JSON.parse(told.stdout) as Evaluated).tasks[0].together;
    expect(likelihood.draws).toBe(50);
    expect(likelihood.negativeLogLikelihood).toBeLessThanOrEqual(likelihood.negativeLowerBound);
  },
);

const adversaries = {
  "a discriminator with an optimiser of its own": {
    model: { kind: "private" },
    task: { latent: adversarial },
  },
  "several discriminators of a shared latent, with the job's optimiser": {
    model: { kind: "shared", latent: { ...adversarial, optimiser: "job" } },
    task: {},
  },
} as const;

test.each(Object.entries(adversaries))(
  "%s: one hash for 1 worker with programs and for 3 with 2 shards without; the record proves it",
  async (name, { model, task }) => {
    const folder = mkdtempSync(path.join(runs, "job-"));
    const short = name.split(" ")[0] as string;
    const evaluate = { everySteps: 4 };
    const file = writeJob(folder, smallJob({ model, steps: 8, evaluate, task: { ...task, slots: 4 } }));
    const hash = async (runId: string, flags: readonly string[], programs: "on" | "off"): Promise<string> => {
      const env = programs === "off" ? { LATENTWEAVE_PROGRAMS: programs } : {};
      return (await finish(startTraining(runs, `${short}-${runId}`, [file, ...flags], { env }))).hash;
    };
    const three = ["--workers", "3", "--shards", "2"];
    const alone = await hash("one", ["--workers", "1"], "on");
    expect(await hash("three", three, "off")).toBe(alone);
    const verified = await run(["verify", `${short}-three`, "--recompute", "0..7", "--runs", runs]);
    expect(verified).toMatchObject({ code: 0 });
  },
);
