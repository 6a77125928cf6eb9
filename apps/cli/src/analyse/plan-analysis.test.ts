import { describe, expect, it } from "vitest";
import { planAnalysis } from "./plan-analysis.ts";

const all = { tasks: ["a", "b", "c"], steps: 10, seeds: [3, 4], budget: undefined };

describe("the plan of an analysis", () => {
  it("has each task alone, all together and every pair, for every seed", () => {
    const { runs, left } = planAnalysis(all);
    expect(left).toEqual([]);
    const kinds = ["single", "single", "single", "all", "pair", "pair", "pair"];
    expect(runs.map(({ kind }) => kind)).toEqual([...kinds, ...kinds]);
    const pairs = runs
      .filter(({ kind, seed }) => kind === "pair" && seed === 3)
      .map(({ tasks }) => tasks.join(""));
    expect([...pairs].sort()).toEqual(["ab", "ac", "bc"]);
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(runs.length);
  });

  it("ends where the budget does, and keeps its order with a larger one", () => {
    const whole = planAnalysis(all).runs;
    for (const budget of [0, 9, 10, 65, 139, 240]) {
      const { runs, left } = planAnalysis({ ...all, budget });
      expect([...runs, ...left]).toEqual(whole);
      expect(runs.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(budget);
      const [next] = left;
      if (next) expect(runs.reduce((sum, { cost }) => sum + cost, next.cost)).toBeGreaterThan(budget);
    }
  });

  it("has one run for two tasks together, which is their pair", () => {
    const { runs } = planAnalysis({ ...all, tasks: ["a", "b"], seeds: [0] });
    expect(runs.map(({ kind }) => kind)).toEqual(["single", "single", "pair"]);
  });
});
