import { describe, expect, it } from "vitest";
import type { RunSpec } from "@latentweave/plan";
import type { CommitPoint } from "@latentweave/telemetry";
import { createProgress } from "./progress.ts";

const spec = {
  tasks: [{ name: "digits", slots: 2, microBatch: 8, evaluationShardRows: [10] }],
  phases: [{ name: "joint", steps: 100, resetOptimiser: false, graphs: [{ task: "digits" }] }],
  evaluation: { everySteps: 10, microBatch: 8, split: "test" },
  checkpointEverySteps: 0,
} as unknown as RunSpec;

function point(step: number, evaluation: CommitPoint["evaluation"] = {}): CommitPoint {
  const loss = { digits: 1 / (step + 1) };
  return { step, atMs: 0, stepMs: 1, samplesPerSecond: 1, workers: 1, loss, evaluation };
}

const past = [point(9), point(10, { digits: { loss: 0.5 } }), point(11)];

describe("what a coordinator shows of a run that another one began", () => {
  it("is what that one had seen: samples, the last loss, the last evaluation", () => {
    expect(createProgress(spec, 12, past).tasks()).toEqual([
      {
        task: "digits",
        samplesSeen: 12 * 16,
        training: { loss: 1 / 12 },
        evaluation: { step: 10, values: { loss: 0.5 } },
      },
    ]);
  });

  it("goes back with the run", () => {
    const progress = createProgress(spec, 12, past);
    progress.goTo(5);
    expect(progress.tasks()).toMatchObject([{ samplesSeen: 5 * 16, evaluation: null }]);
  });
});
