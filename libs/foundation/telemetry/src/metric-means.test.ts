import { describe, expect, it } from "vitest";
import { metricMeans } from "./metric-means.ts";

describe("sums that people are told of", () => {
  it("are means per sample, and shares of right answers", () => {
    expect(metricMeans({ samples: 4, loss: 2, label: 1, "label.correct": 3 }, 8)).toEqual({
      ...{ loss: 0.5, label: 0.25, "label.accuracy": 0.75 },
    });
    expect(metricMeans({ loss: 2 }, 8)).toEqual({ loss: 0.25 });
  });

  it("are of the labels that are there, where some are missing", () => {
    const sums = { samples: 10, loss: 5, label: 3, "label.correct": 2, "label.labels": 4, other: 5 };
    expect(metricMeans(sums, 10)).toEqual({ loss: 0.5, label: 0.75, "label.accuracy": 0.5, other: 0.5 });
    expect(metricMeans({ samples: 10, loss: 5, label: 0, "label.labels": 0 }, 10)).toEqual({ loss: 0.5 });
  });

  it("count labels into one F1, where any was there or predicted", () => {
    const sums = { samples: 2, "tags.truePositives": 3, "tags.falsePositives": 1, "tags.falseNegatives": 2 };
    expect(metricMeans(sums, 2)).toEqual({ "tags.f1": 6 / 9 });
    const none = { samples: 2, "tags.truePositives": 0, "tags.falsePositives": 0, "tags.falseNegatives": 0 };
    expect(metricMeans(none, 2)).toEqual({});
  });
});
