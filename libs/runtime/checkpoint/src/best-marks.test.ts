import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { bestVersion, openBestMarks } from "./best-marks.ts";
import { checkpointName } from "./checkpoint-directory.ts";

function folder(versions: readonly number[]): { readonly run: string; readonly checkpoints: string } {
  const run = mkdtempSync(path.join(os.tmpdir(), "latentweave-best-"));
  onTestFinished(() => rmSync(run, { recursive: true, force: true }));
  const checkpoints = path.join(run, "checkpoints");
  for (const version of versions)
    mkdirSync(path.join(checkpoints, checkpointName(version)), { recursive: true });
  return { run, checkpoints };
}

describe("the best of a run's checkpoints", () => {
  it("is the newest that was marked and is there", async () => {
    const { run, checkpoints } = folder([10, 20]);
    const marks = openBestMarks(checkpoints);
    marks.mark({ version: 10, loss: 3 });
    marks.mark({ version: 30, loss: 2 });
    expect(marks.best).toEqual({ version: 30, loss: 2 });
    await marks.written();
    expect(await bestVersion(run)).toEqual({ version: 10, loss: 3 });
    expect(openBestMarks(checkpoints).best).toEqual({ version: 30, loss: 2 });
  });

  it("stays, and so does one before it as long as its successor is not there", async () => {
    const marks = openBestMarks(folder([10]).checkpoints);
    expect([...marks.pinned(new Set([10]))]).toEqual([]);
    marks.mark({ version: 10, loss: 3 });
    marks.mark({ version: 30, loss: 2 });
    expect([...marks.pinned(new Set([10, 20]))]).toEqual([30, 10]);
    expect([...marks.pinned(new Set([10, 20, 30]))]).toEqual([30]);
    await marks.written();
  });

  it("is forgotten where what was marked was computed wrong", async () => {
    const { run, checkpoints } = folder([10, 20]);
    const marks = openBestMarks(checkpoints);
    marks.mark({ version: 10, loss: 3 });
    marks.mark({ version: 20, loss: 2 });
    marks.takeBack(15);
    await marks.written();
    expect(await bestVersion(run)).toEqual({ version: 10, loss: 3 });
  });

  it("is none where the file is damaged", async () => {
    const { run, checkpoints } = folder([10]);
    writeFileSync(path.join(checkpoints, "best.json"), '[{"version":10}, 3');
    expect(await bestVersion(run)).toBeUndefined();
    expect(openBestMarks(checkpoints).best).toBeUndefined();
  });
});
