import type { ResolvedLauncher } from "@latentweave/job";
import type { GroupSpec } from "@latentweave/parameters";
import { describe, expect, it } from "vitest";
import { countShards } from "./launch-worker.ts";
import type { LaunchOptions } from "./launched-run.ts";
import { settlePlacement } from "./settle-placement.ts";

const local: ResolvedLauncher = {
  ...{ kind: "local", workers: 3, shards: null },
  ...{ placement: "auto", hostAggregation: "auto" },
};

function model(rows: number): { groups: readonly GroupSpec[] } {
  const tensor = {
    name: "kernel",
    shape: [rows, 1_000],
    initialiser: { kind: "constant", value: 0 },
  } as const;
  return { groups: [{ name: "a", tasks: ["a"], tensors: [tensor] }] };
}

function settled(launcher: ResolvedLauncher, rows: number): { placement: string; shards: number } {
  const { job } = settlePlacement({ job: { launcher } } as unknown as LaunchOptions, model(rows));
  return { placement: job.launcher.placement, shards: countShards(job, 3) };
}

describe("where a job leaves open where its shards are", () => {
  it("a small model has one of its own, a large one has one beside each worker", () => {
    expect(settled(local, 7_999)).toEqual({ placement: "dedicated", shards: 1 });
    expect(settled(local, 8_000)).toEqual({ placement: "beside", shards: 3 });
  });

  it("as many as were asked for are taken either way", () => {
    expect(settled({ ...local, shards: 2 }, 10)).toEqual({ placement: "dedicated", shards: 2 });
    expect(settled({ ...local, shards: 2 }, 8_000)).toEqual({ placement: "beside", shards: 2 });
  });

  it("over ssh they stay with the coordinator, and what was asked for is left alone", () => {
    expect(settled({ ...local, kind: "ssh", hosts: ["one"] }, 8_000)).toEqual({
      ...{ placement: "dedicated", shards: 1 },
    });
    expect(settled({ ...local, placement: "dedicated" }, 8_000)).toEqual({
      ...{ placement: "dedicated", shards: 1 },
    });
  });
});
