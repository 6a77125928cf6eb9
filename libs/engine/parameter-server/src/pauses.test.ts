import { describe, expect, it } from "vitest";
import { createPauses } from "./pauses.ts";

const tasks = ["a", "b", "c"];
const why = "its loss is NaN";

describe("pauses", () => {
  it("last so many steps, counted from the one that was not finite", () => {
    const pauses = createPauses(tasks, 10);
    pauses.begin(1, 5, why);
    expect([5, 14, 15].map((step) => [...pauses.at(step)])).toEqual([[1], [1], []]);
    expect(pauses.told(new Set([0, 1]))).toEqual([{ task: "b", since: 5, until: 15, why }]);
  });

  it("last to the end where nobody is to be tried again", () => {
    const pauses = createPauses(tasks, 0);
    pauses.begin(2, 5, why);
    expect([...pauses.at(1_000_000)]).toEqual([2]);
  });

  it("go on from what a checkpoint kept, and begin anew after a trial that failed", () => {
    const first = createPauses(tasks, 10);
    first.begin(0, 0, why);
    first.begin(1, 5, why);
    const again = createPauses(tasks, 10, first.state);
    expect([...again.at(9)]).toEqual([0, 1]);
    again.begin(0, 12, why);
    expect(again.state).toEqual({ a: { since: 12, until: 22, why }, b: { since: 5, until: 15, why } });
    again.begin(2, 30, why);
    expect(again.state).toEqual({ c: { since: 30, until: 40, why } });
  });
});
