import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { buildRunSpec } from "@latentweave/coordinator-engine";
import { encodeNpy, prepare } from "@latentweave/datasets";
import { resolveJob } from "@latentweave/job";
import { loadJobFile } from "@latentweave/launch";
import { cacheDirectory, type PreparedManifest } from "@latentweave/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type JobFormat, jobText } from "./job-text.ts";
import { type ProposedTask, proposeTask, taskName, type TaskWish } from "./propose-task.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-init-"));
  const rows = Array.from({ length: 100 }, (_, row) => {
    const price = row % 9 === 0 ? "" : (row * 0.37).toFixed(2);
    return `${row % 7},${price},${row % 2 === 0 ? "north" : "south"},remark number ${row},${row % 3 === 0 ? "yes" : "no"}`;
  });
  await writeFile(
    path.join(directory, "my wine.csv"),
    ["age,price,region,remark,bought", ...rows].join("\n"),
  );
  const bytes = Uint8Array.from({ length: 80 * 4 * 5 }, (_, index) => index % 256);
  await writeFile(path.join(directory, "images.npy"), encodeNpy([80, 4, 5], bytes));
  const floats = Float32Array.from({ length: 90 * 6 }, (_, index) => (index % 11) / 3);
  await writeFile(path.join(directory, "signals.npy"), encodeNpy([90, 6], floats));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function write(wishes: readonly TaskWish[], format: JobFormat): Promise<string> {
  const tasks: ProposedTask[] = [];
  for (const wish of wishes) {
    const taken = tasks.map(({ name }) => name);
    tasks.push(
      await proposeTask(
        { ...wish, file: path.join(directory, wish.file) },
        directory,
        taken,
        () => undefined,
      ),
    );
  }
  const file = path.join(directory, `job.${format}`);
  await writeFile(
    file,
    jobText({ name: "mine", tasks, latent: undefined, steps: 50, file: `job.${format}` }, format),
  );
  return file;
}

/** All that `train` checks before it starts processes. */
async function check(file: string): Promise<unknown> {
  const loaded = await loadJobFile(file);
  const job = resolveJob(loaded.input, file);
  const manifests: Record<string, PreparedManifest> = {};
  for (const [name, task] of Object.entries(job.tasks))
    manifests[name] = await prepare(task.data, {
      taskName: name,
      baseDirectory: loaded.directory,
      cacheDirectory: cacheDirectory(),
      log: () => undefined,
    });
  return JSON.parse(JSON.stringify(buildRunSpec({ job, manifests, userModule: null })));
}

describe("a job made from files", () => {
  it.each([
    ["a table with a target", [{ file: "my wine.csv", target: "bought" }]],
    ["images and signals together", [{ file: "images.npy" }, { file: "signals.npy" }]],
  ])("can be trained as it is, and is the same in TypeScript, YAML and JSON: %s", async (_, wishes) => {
    const specs = [];
    for (const format of ["ts", "yaml", "json"] as const)
      specs.push(await check(await write(wishes, format)));
    expect(specs[1]).toEqual(specs[0]);
    expect(specs[2]).toEqual(specs[0]);
  });

  it("says in comments what was done with the columns", async () => {
    const text = await readFile(await write([{ file: "my wine.csv", target: "bought" }], "ts"), "utf8");
    expect(text).toContain("// Left out, as text with more than 20 values: remark.");
    expect(text).toContain("// Rows with empty cells are dropped (in price).");
    expect(text).toContain('oneHot: ["region"], target: "bought", missing: "drop", scale: "standard"');
    expect(text).toContain('heads: { bought: { kind: "classification" } },');
    expect(text).toContain("my_wine: {");
  });

  it("does not take a column that is not there", async () => {
    await expect(write([{ file: "my wine.csv", target: "bougt" }], "ts")).rejects.toThrow(
      'did you mean "bought"?',
    );
    await expect(write([{ file: "images.npy", target: "x" }], "ts")).rejects.toThrow("has no columns");
  });

  it("names tasks after files, each differently", () => {
    expect(taskName("/a/b c.csv", [])).toBe("b_c");
    expect(taskName("b c.npy", ["b_c"])).toBe("b_c_2");
    expect(taskName("2024.csv.gz", [])).toBe("task_2024");
    expect(taskName("shared.npy", [])).toBe("task_shared");
  });
});
