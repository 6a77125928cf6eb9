import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Fault, faultFolder, parsePlan } from "@latentweave/faults";
import { expect, it, onTestFinished } from "vitest";
import type { DrillDisk } from "./disk.ts";
import { createStriker, type DisturbedRun } from "./strike.ts";

it("ends a fault that was still beginning when the run ended: the next start finds the disk as it was", async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), "latentweave-strike-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const folder = faultFolder(directory);
  folder.make();
  let isFull = false;
  const filling = signal();
  const filled = signal();
  const disk = {
    async fill() {
      filling.give();
      await filled.given;
      isFull = true;
      return async () => {
        isFull = false;
      };
    },
  } as unknown as DrillDisk;
  const plan = parsePlan([{ do: "disk-full", to: "coordinator", at: { step: 1 }, forMs: 600_000 }], "p");
  const striker = createStriker({ plan, folder, network: undefined, disk, say: () => undefined });
  const run = { alive: () => [{ name: "coordinator", pid: 1 }] } as unknown as DisturbedRun;

  const striking = striker.strike(1, plan.faults[0] as Fault, { run, step: 1, isOver: () => false });
  await filling.given;
  const ended = striker.endAll();
  filled.give();
  await Promise.all([striking, ended]);
  expect(isFull).toBe(false);
});

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give: () => void = () => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}
