import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Compute, MicroBatch } from "@latentweave/model";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { faultFolder } from "../journal/fault-folder.ts";
import { readComputed, readJournal } from "../journal/journal.ts";
import type { Fault } from "../plan/fault.ts";
import { parsePlan } from "../plan/parse-plan.ts";
import { strikeCompute } from "./strike-compute.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "latentweave-faults-"));
  faultFolder(directory).make();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const honest = {
  run: () => Promise.resolve({ gradients: [new Float32Array([0, 1, 2, 3])] }),
} as unknown as Compute;

function device(fault: object): (step: number, slot?: number) => Promise<Float32Array> {
  const parsed = parsePlan([{ to: "worker-0", ...fault }], "p").faults[0] as Fault;
  const faults = [{ number: 1, fault: parsed }];
  const compute = strikeCompute(
    honest,
    { process: "worker-0", folder: directory, faults, disk: null, routes: {} },
    faultFolder(directory),
  );
  return async (step, slot = 0) => {
    const result = await compute.run({ step, round: 0, task: "a", slot } as unknown as MicroBatch);
    return result.gradients[0] as Float32Array;
  };
}

describe("a device that is struck", () => {
  it("answers with one NaN, once, however often the step is computed", async () => {
    const compute = device({ do: "nan-gradient", at: { step: 2 } });
    expect([...(await compute(1))]).toEqual([0, 1, 2, 3]);
    expect([...(await compute(2))].filter(Number.isNaN)).toHaveLength(1);
    expect([...(await compute(2))]).toEqual([0, 1, 2, 3]);
    // Nor after a restart of the process.
    expect([...(await device({ do: "nan-gradient", at: { step: 2 } })(3))]).toEqual([0, 1, 2, 3]);
  });

  it("flips exactly the named bit of one number that is not zero", async () => {
    const values = await device({ do: "flip-gradient-bit", bit: 31, at: { step: 0 } })(0);
    expect([...values].filter((value) => value < 0)).toHaveLength(1);
    expect([...values].map(Math.abs)).toEqual([0, 1, 2, 3]);
  });

  it("answers wrongly now and then, in the same places again, and only for as long as it is to", async () => {
    const fault = { do: "wrong-answers", probability: 0.3, forSteps: 20, at: { step: 5 } };
    const compute = device(fault);
    const wrong: number[] = [];
    for (let step = 0; step < 40; step++) if ((await compute(step)).join() !== "0,1,2,3") wrong.push(step);
    expect(wrong.length).toBeGreaterThan(1);
    expect(wrong.length).toBeLessThan(20);
    expect(wrong.every((step) => step >= 5 && step < 25)).toBe(true);
    const again: number[] = [];
    for (let step = 0; step < 40; step++) if ((await compute(step)).join() !== "0,1,2,3") again.push(step);
    expect(again).toEqual(wrong);
  });

  it("has weights mapped if it could before", async () => {
    const setting = { process: "worker-0", folder: directory, faults: [], disk: null, routes: {} };
    const struck = (compute: Compute): Compute => strikeCompute(compute, setting, faultFolder(directory));
    const mapping = { ...honest, mapWeights: (shard: number) => Promise.resolve(`not of shard ${shard}`) };
    expect(await struck(mapping).mapWeights?.(3, {} as never)).toBe("not of shard 3");
    expect(struck(honest).mapWeights).toBeUndefined();
  });

  it("notes what it computes and when it was struck", async () => {
    const compute = device({ do: "inf-gradient", at: { step: 1 } });
    await compute(0, 3);
    expect(await compute(1)).toContain(Infinity);
    const folder = faultFolder(directory);
    expect(readComputed(folder.computed("worker-0")).map(({ step, slot }) => [step, slot])).toEqual([
      [0, 3],
      [1, 0],
    ]);
    expect(readJournal(folder.journal)).toMatchObject([
      { kind: "struck", fault: 1, step: 1, process: "worker-0" },
    ]);
  });
});
