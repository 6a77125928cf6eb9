import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LaunchOptions } from "./launched-run.ts";
import { prepareLaunch } from "./prepare-launch.ts";
import type { TrainFlags } from "./train-flags.ts";

const input = {
  name: "my job",
  tasks: {
    a: {
      data: { csv: "a.csv" },
      encoder: [{ kind: "dense", units: 2 }],
      decoder: [{ kind: "dense", units: 3 }],
    },
  },
  epochs: 3,
};

let runs = "";
beforeEach(async () => {
  runs = await mkdtemp(path.join(os.tmpdir(), "latentweave-launch-"));
});
afterEach(() => rm(runs, { recursive: true, force: true }));

function prepared(flags: Partial<TrainFlags> = {}, job: unknown = input): Promise<LaunchOptions> {
  const all: TrainFlags = { runs, dashboard: 0, host: "127.0.0.1", ...flags };
  return prepareLaunch({ input: job, directory: "/job", file: "job.yaml" }, all, () => undefined);
}

async function keepRun(options: LaunchOptions): Promise<void> {
  const directory = path.join(runs, options.runId);
  await mkdir(directory);
  await writeFile(path.join(directory, "job.json"), JSON.stringify(options.job));
}

describe("flags", () => {
  it("become fields of the job; --set comes before them, and steps take the place of epochs", async () => {
    const { job } = await prepared({
      ...{ steps: 7, seed: 3, workers: 2, shards: 4, backend: "cpu", threads: 2 },
      set: ["seed=9", "tasks.a.encoder[0].units=5"],
    });
    expect(job).toMatchObject({
      ...{ steps: 7, epochs: null, seed: 3 },
      launcher: { kind: "local", workers: 2, shards: 4, placement: "dedicated" },
      compute: { backend: "cpu", threads: 2 },
      tasks: { a: { encoder: [{ units: 5 }] } },
    });
  });

  it("may set a field of what the job leaves to its default", async () => {
    const { job } = await prepared({ set: ["optimiser.learningRate=0.25"] });
    expect(job.optimiser).toMatchObject({ kind: "adam", learningRate: 0.25, beta1: 0.9 });
    await expect(prepared({ set: ["optimiser.learningRat=1"] })).rejects.toThrow(
      'did you mean "learningRate"?',
    );
  });

  it("turn a local job into one over ssh", async () => {
    const { job } = await prepared({ hosts: ["one", "two"], workers: 4, placement: "beside" });
    expect(job.launcher).toEqual({
      ...{ kind: "ssh", hosts: ["one", "two"], workers: 4 },
      ...{ shards: null, placement: "beside", hostAggregation: "auto" },
    });
    await expect(prepared({ hosts: ["one"], launcher: "local" })).rejects.toThrow("takes no hosts");
  });
});

describe("a run's name", () => {
  it("is the job's with the first free number", async () => {
    const first = await prepared();
    expect(first.runId).toBe("my-job-1");
    await keepRun(first);
    expect((await prepared()).runId).toBe("my-job-2");
  });

  it("must not be taken", async () => {
    await keepRun(await prepared({ runId: "x" }));
    await expect(prepared({ runId: "x" })).rejects.toThrow('there is a run "x" already (lost, step 0)');
  });
});

describe("--resume", () => {
  it("takes the newest run of the job", async () => {
    await keepRun(await prepared());
    expect(await prepared({ resume: true })).toMatchObject({ runId: "my-job-1", resume: true });
    await expect(prepared({ resume: true }, { ...input, name: "other" })).rejects.toThrow(
      'there is no run of the job "other" to resume',
    );
  });

  it("without a job takes the run's own", async () => {
    await keepRun(await prepared({ steps: 5 }));
    const flags: TrainFlags = { runs, dashboard: "off", host: "127.0.0.1", resume: true, runId: "my-job-1" };
    expect((await prepareLaunch(undefined, flags, () => undefined)).job.steps).toBe(5);
  });

  it("may change what never changes a bit, and says of anything else what changed", async () => {
    await keepRun(await prepared());
    await expect(prepared({ resume: true, workers: 3, set: ["checkpoints.keep=7"] })).resolves.toMatchObject({
      resume: true,
    });
    await expect(prepared({ resume: true, set: ["tasks.a.encoder[0].units=9"] })).rejects.toThrow(
      "tasks.a.encoder[0].units was 2, is 9",
    );
  });
});

describe("devices", () => {
  it("that are none are told before anything is started", async () => {
    await expect(prepared({ device: ["0", "gpu"] })).rejects.toThrow('--device: "gpu" names no device');
    await expect(prepared({ device: ["1", "cpu"] })).resolves.toMatchObject({ devices: ["1", "cpu"] });
  });
});

describe("a port", () => {
  it("in use is told with the flag's name", async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as net.AddressInfo;
    await expect(prepared({ dashboard: port })).rejects.toThrow(
      `--dashboard ${port}: port ${port} of 127.0.0.1 is in use`,
    );
    await new Promise((resolve) => server.close(resolve));
    await expect(prepared({ dashboard: port })).resolves.toMatchObject({ port, dashboard: true });
  });
});
