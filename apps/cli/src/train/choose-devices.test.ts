import type { ResolvedJob } from "@latentweave/job";
import { describe, expect, it } from "vitest";
import { chooseDevices } from "./choose-devices.ts";
import { countWorkers } from "./launch-worker.ts";
import type { LaunchOptions } from "./launched-run.ts";

const job = {
  launcher: { kind: "local", workers: null, shards: 1 },
  compute: { backend: null, threads: 1, precision: "float32" },
  tasks: { a: { slots: 8 } },
} as unknown as ResolvedJob;
const twoGpus = (): readonly string[] => ["0", "1"];

describe("the devices of a run's workers", () => {
  it("are all GPUs of this machine, one worker each, where nothing else was asked for", () => {
    const devices = chooseDevices(job, [], twoGpus);
    expect(devices).toEqual(["0", "1"]);
    expect(countWorkers(job, { devices } as unknown as LaunchOptions)).toBe(2);
  });

  it("are those that were asked for", () => {
    expect(chooseDevices(job, ["1"], twoGpus)).toEqual(["1"]);
    expect(chooseDevices(job, ["cpu"], twoGpus)).toEqual(["cpu"]);
  });

  it("are left to each process where the backend uses no GPU, or the workers are elsewhere", () => {
    const wasm = { ...job, compute: { ...job.compute, backend: "wasm" as const } };
    const ssh = { ...job, launcher: { ...job.launcher, kind: "ssh" as const, hosts: ["one"] } };
    expect(chooseDevices(wasm, [], twoGpus)).toEqual([]);
    expect(chooseDevices(ssh, [], twoGpus)).toEqual([]);
  });
});
