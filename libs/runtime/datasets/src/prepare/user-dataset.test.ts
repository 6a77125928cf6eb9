import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { prepare } from "./prepare.ts";
import type { UserDatasets } from "./user-dataset.ts";

function folder(): string {
  const made = mkdtempSync(path.join(os.tmpdir(), "latentweave-user-data-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const ramp = (rows: number): Float32Array => Float32Array.from({ length: rows * 2 }, (_, at) => at / 10);

let loads = 0;
const datasets: UserDatasets = {
  ramp: {
    load({ options: { rows = 10 } }) {
      loads += 1;
      return {
        shape: [2],
        x: ramp(rows as number),
        y: Int32Array.from({ length: rows as number }, (_, i) => i % 3),
      };
    },
  },
  file: {
    load: async ({ readFile }) => ({ shape: [1], x: Float32Array.from(await readFile("numbers.bin")) }),
  },
  tagged: {
    load: () => ({ shape: [2], x: ramp(4), y: Float32Array.of(1, 0, 0, 1, Number.NaN, 1, 1, 0) }),
  },
  own: { load: () => ({ shape: [2], x: ramp(4), test: { x: ramp(2) } }) },
  short: { load: () => ({ shape: [3], x: ramp(4) }) },
  odd: { load: () => ({ shape: [2], x: ramp(4).fill(Number.NaN, 3, 4) }) },
  broken: {
    load() {
      throw new Error("no such sensor");
    },
  },
};

async function prepared(
  user: { name: string; options?: object },
  into: string,
  text = "one",
  more: object = {},
) {
  return await prepare({ user, ...more } as never, {
    ...{ taskName: "t", baseDirectory: into, cacheDirectory: into, log: () => undefined },
    user: { datasets, text },
  });
}

describe("a data set of the job's extensions", () => {
  it("is prepared as others are, once for as long as its text and options stay", async () => {
    const into = folder();
    loads = 0;
    const first = await prepared({ name: "ramp" }, into);
    expect(first.x).toMatchObject({ dtype: "float32", shape: [2], width: 2 });
    expect(first.y).toMatchObject({ kind: "class", classes: 3 });
    expect([first.splits.train.rows, first.splits.test.rows]).toEqual([8, 2]);
    expect((await prepared({ name: "ramp" }, into)).dataHash).toBe(first.dataHash);
    expect(loads).toBe(1);
    expect((await prepared({ name: "ramp", options: { rows: 20 } }, into)).splits.train.rows).toBe(16);
    expect((await prepared({ name: "ramp" }, into, "another text")).dataHash).toBe(first.dataHash);
    expect(loads).toBe(3);
  });

  it("may read files beside the job, and bring test rows of its own", async () => {
    const into = folder();
    writeFileSync(path.join(into, "numbers.bin"), Uint8Array.of(1, 2, 3, 4, 5));
    expect((await prepared({ name: "file" }, into)).splits.train.rows).toBe(4);
    const own = await prepared({ name: "own" }, into);
    expect([own.splits.train.rows, own.splits.test.rows]).toEqual([4, 2]);
  });

  it("has targets of the kind that the job names, classes with names, and rows without a label", async () => {
    const into = folder();
    const labels = await prepared({ name: "tagged" }, into, "one", {
      targetKind: "labels",
      unlabelled: true,
    });
    expect(labels.y).toMatchObject({ kind: "labels", width: 2 });
    const named = await prepared({ name: "ramp" }, into, "one", { classes: ["a", "b", "c", "d"] });
    expect(named.y).toMatchObject({ kind: "class", classes: 4, names: ["a", "b", "c", "d"] });
    const less = await prepared({ name: "ramp" }, into, "one", { unlabelled: 2 });
    expect(less.y).toMatchObject({ kind: "class", classes: 2 });
    const tagged = prepared({ name: "tagged" }, into, "one", { targetKind: "labels" });
    await expect(tagged).rejects.toThrow(/row 2, column 0/);
  });

  it.each([
    ["ramps", /task t.*no data set "ramps".*ramp, file/s],
    ["short", /x has 8 numbers, for samples of 3/],
    ["odd", /row 1/],
    ["broken", /its load\(\) failed: no such sensor/],
  ])("says what is wrong: %s", async (name, message) => {
    await expect(prepared({ name }, folder())).rejects.toThrow(message);
  });
});
