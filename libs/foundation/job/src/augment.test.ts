import { describe, expect, it } from "vitest";
import type { JobInput } from "./job-schema.ts";
import { dense } from "./layer-functions.ts";
import { resolveJob } from "./resolve-job.ts";
import { complaint } from "./testing/complaint.ts";

type Task = JobInput["tasks"][string];

function job(more: Partial<Task>): JobInput {
  const task = {
    data: { dataset: "mnist" },
    input: [784],
    encoder: [dense(8)],
    decoder: [dense(784)],
  } as const;
  return { tasks: { digits: { ...task, ...more } }, steps: 10 };
}

describe("augmentation", () => {
  it("has every default filled in, keeps its order, and resolves to itself", () => {
    const resolved = resolveJob(
      job({
        augment: [
          { kind: "cutout", size: 8 },
          { kind: "flip" },
          { kind: "shift", pixels: 2 },
          { kind: "scale", from: 1, to: 1 },
        ],
      }),
    );
    expect(resolved.tasks.digits?.augment).toEqual([
      { kind: "cutout", size: 8, rate: 1 },
      { kind: "flip", axis: "horizontal", rate: 0.5 },
      { kind: "shift", pixels: 2 },
      { kind: "scale", from: 1, to: 1 },
    ]);
    expect(resolveJob(resolved)).toEqual(resolved);
  });

  it("stays out of a resolved job that has none", () => {
    expect(resolveJob(job({ augment: [] }))).toEqual(resolveJob(job({})));
    expect(resolveJob(job({})).tasks.digits).not.toHaveProperty("augment");
  });

  it.each([
    ["a kind that is none", { kind: "flipp" }, /augment\[0\][^]*flip/],
    ["a field that is none", { kind: "rotate", degres: 9 }, /did you mean "degrees"/],
    ["an axis that is none", { kind: "flip", axis: "diagonal" }, /augment\[0\]\.axis/],
    ["a rate above 1", { kind: "flip", rate: 1.5 }, /augment\[0\]\.rate[^]*at most 1/],
    ["what never happens", { kind: "cutout", size: 3, rate: 0 }, /augment\[0\]\.rate[^]*above 0/],
    ["half a pixel", { kind: "shift", pixels: 0.5 }, /augment\[0\]\.pixels[^]*whole number/],
    ["more than a half turn", { kind: "rotate", degrees: 181 }, /augment\[0\]\.degrees[^]*at most 180/],
    ["a size of nothing", { kind: "scale", from: 0, to: 1 }, /augment\[0\]\.from[^]*above 0/],
    ["from above to", { kind: "scale", from: 1.2, to: 0.8 }, /augment\[0\]\.from[^]*1\.2[^]*0\.8[^]*swap/],
    ["a factor below 0", { kind: "brightness", amount: 1.1 }, /augment\[0\]\.amount[^]*at most 1/],
    ["no deviation", { kind: "jitter", deviation: 0 }, /augment\[0\]\.deviation[^]*above 0/],
  ])("is refused with %s", (_title, change, message) => {
    expect(complaint(job({ augment: [change] } as unknown as Partial<Task>))).toMatch(message);
  });

  it("is refused for text, whose rows are counts of words", () => {
    const data = { text: { train: "books.train" } };
    expect(complaint(job({ data, augment: [{ kind: "jitter", deviation: 0.1 }] }))).toMatch(
      /tasks\.digits\.augment[^]*words of a text[^]*masking/,
    );
  });
});
