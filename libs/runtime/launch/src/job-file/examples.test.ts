import { fileURLToPath } from "node:url";
import { resolveJob } from "@latentweave/job";
import { type DataShape, resolveModel } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import { loadJobFile } from "./load-job-file.ts";

const label = { name: "y", kind: "class", classes: 10 } as const;
const image: DataShape = { inputShape: [28, 28, 1], columns: [label] };
const row = (numbers: number): DataShape => ({ inputShape: [numbers], columns: [] });

describe("every example", () => {
  it.each([
    ["digits-and-fashion/job.ts", { digits: image, fashion: image }, 912_852],
    ["convolutional/job.ts", { digits: image, fashion: image }, 626_230],
    // Twice (784·512+512 + 512·512+512 + 512·784+784 + 512·10+10).
    ["few-labels/job.ts", { few: image, labels: image }, 2_143_796],
    // Three times (64·64+64 + 64·32+32 + 32·64+64 + 64·64+64), and the head's 192·64+64.
    ["tutorial/job.ts", { digits: row(64), iris: row(64), penguins: row(64) }, 49_888],
    ["tutorial/shared-latent.job.ts", { digits: image, iris: row(4), penguins: row(7) }, 123_579],
  ])("resolves to a model: %s", async (file, shapes, parameters) => {
    const path = fileURLToPath(new URL(`../../../../../examples/${file}`, import.meta.url));
    const { input } = await loadJobFile(path);
    const job = resolveJob(input, path);
    expect(resolveModel(job, shapes).layout.parameters).toBe(parameters);
    // Four workers can share a step evenly.
    for (const task of Object.values(job.tasks)) expect(task.slots % 4).toBe(0);
  });
});
