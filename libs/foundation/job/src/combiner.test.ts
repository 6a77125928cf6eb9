import { UserError } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { type CombinerName, combinerNames, combinerParts } from "./combiner-schema.ts";
import { dense } from "./layer-functions.ts";
import { resolveJob } from "./resolve-job.ts";

const task = { data: { dataset: "mnist" as const }, encoder: [dense(3)], decoder: [dense(4)] };
const withCombiner = (combiner: unknown, more: object = {}): object => ({
  tasks: { a: task, b: task },
  model: { kind: "shared", latent: 3 },
  combiner,
  steps: 10,
  ...more,
});
const resolved = (combiner: unknown) => resolveJob(withCombiner(combiner)).combiner;

function messageOf(job: object): string {
  try {
    resolveJob(job);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  }
  return "no error";
}

describe("a job's combiner", () => {
  it("is the sum, a name, or a name with options, and has every default in the end", () => {
    expect(resolved(undefined)).toBe("sum");
    expect(resolved("pcgrad")).toBe("pcgrad");
    expect(resolved({ kind: "pcgrad" })).toBe("pcgrad");
    const cagrad = {
      ...{ kind: "cagrad", c: 0.5, rescale: "none" },
      ...{ scalePrivate: false, weightsEverySteps: 1 },
    };
    expect(resolved("cagrad")).toEqual(cagrad);
    expect(resolved({ kind: "cagrad", c: 0.4 })).toEqual({ ...cagrad, c: 0.4 });
    expect(resolved({ kind: "gls", scalePrivate: true })).toEqual({ kind: "gls", scalePrivate: true });
    const held = { kind: "nash-mtl", scalePrivate: false, weightsEverySteps: 4 };
    expect(resolved({ kind: "nash-mtl", weightsEverySteps: 4 })).toEqual(held);
    expect(combinerParts(resolved(held))).toEqual({
      ...{ name: "nash-mtl", options: {} },
      ...{ scalePrivate: false, weightsEverySteps: 4 },
    });
  });

  it.each(combinerNames)("%s resolves to itself, also after a trip through JSON", (name: CombinerName) => {
    const once = resolved(name);
    expect(resolved(JSON.parse(JSON.stringify(once)))).toEqual(once);
    expect(combinerParts(once)).toEqual(combinerParts(name));
    expect(combinerParts(once)).toMatchObject({ name, scalePrivate: false });
  });

  it.each([
    ["a name that there is not", "PCgrat", /combiner: got "PCgrat"[^]*did you mean "pcgrad"/],
    ["a kind that there is not", { kind: "upgrat" }, /combiner\.kind: got "upgrat"[^]*did you mean "upgrad"/],
    [
      "an option that there is not",
      { kind: "cagrad", alpha: 1 },
      /combiner\.alpha: unknown key[^]*kind, c, rescale, weightsEverySteps, scalePrivate/,
    ],
    ["a value out of range", { kind: "cagrad", c: 1 }, /combiner\.c: got 1\n {2}expected: a number below 1/],
    ["a value that is none", { kind: "mgda", normalise: "l2" }, /combiner\.normalise: got "l2"[^]*"norm"/],
    ["half a step", { kind: "dwa", everySteps: 0.5 }, /combiner\.everySteps: got 0\.5[^]*whole number/],
    ["no steps", { kind: "upgrad", weightsEverySteps: 0 }, /combiner\.weightsEverySteps: got 0/],
    [
      "weights that hold, of a method that looks at losses alone",
      { kind: "famo", weightsEverySteps: 2 },
      /combiner\.weightsEverySteps: unknown key/,
    ],
    ["no name", { c: 0.4 }, /combiner\.kind: is missing[^]*"nash-mtl"/],
    ["a number", 3, /combiner: got 3/],
  ])("is refused with %s", (_, combiner, message) => {
    expect(messageOf(withCombiner(combiner))).toMatch(message);
  });

  it("is refused where there is nothing to combine", () => {
    expect(messageOf(withCombiner("upgrad", { tasks: { a: task } }))).toMatch(
      /combiner: got "upgrad", but there is one task[^]*leave combiner out/,
    );
    const apart = { model: { kind: "private" } };
    expect(messageOf(withCombiner("uw", apart))).toMatch(/in a private model they share no parameter/);
    expect(messageOf(withCombiner({ kind: "uw", scalePrivate: true }, apart))).toBe("no error");
    expect(messageOf(withCombiner("mean", apart))).toBe("no error");
  });
});
