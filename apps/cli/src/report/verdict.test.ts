import { describe, expect, it } from "vitest";
import type { RunFigures, TaskReport } from "./make-report.ts";
import { beatsPca, verdictsOf } from "./verdict.ts";

function figures(reconstructionError: number | null, accuracy: number): RunFigures {
  return { runId: "r", step: 1, samples: 10_000, reconstructionError, heads: { label: { accuracy } } };
}

function report(more: Partial<TaskReport>): TaskReport {
  return {
    task: "digits",
    split: "test",
    samples: 10_000,
    trainingRows: 60_000,
    together: figures(0.01, 0.95),
    alone: [],
    baselines: null,
    ...more,
  };
}

const baselines = {
  pca: { components: 32, explained: 0.8, error: 0.016 },
  linear: { accuracy: 0.92, iterations: 40, converged: true },
};

describe("what a report says in words", () => {
  it("sets the run beside both baselines", () => {
    expect(verdictsOf(report({ baselines }))).toEqual([
      "digits: error 37.5 % below that of PCA with as many components",
      "digits: label 3.0 points above the linear classifier",
    ]);
  });

  it("says it as plainly when the run comes off worse", () => {
    const together = figures(0.02, 0.9);
    expect(verdictsOf(report({ together, baselines }))).toEqual([
      "digits: error 25.0 % above that of PCA with as many components",
      "digits: label 2.0 points below the linear classifier",
    ]);
    expect(beatsPca(report({ together, baselines }))).toBe(false);
  });

  it("compares with training alone, and calls chance what chance can do", () => {
    const alone = [figures(0.008, 0.951)];
    expect(verdictsOf(report({ alone }))).toEqual([
      "digits: trained together, error 25.0 % above that of training alone",
      "digits: trained together, label 0.1 points below training alone (no more than chance does on 10,000 samples)",
    ]);
  });

  it("says nothing of what was not measured", () => {
    const together = figures(null, 0.95);
    expect(verdictsOf(report({ together }))).toEqual([]);
    expect(beatsPca(report({ together, baselines }))).toBeUndefined();
  });
});
