import { type CombinerName, combinerNames } from "@latentweave/job";
import { describe, expect, it } from "vitest";
import { knownCombiners } from "./known-combiners.ts";
import { ask, combined, unit } from "./testing/ask.ts";

/** The Jacobian with which TorchJD documents its aggregators; the numbers are its own test values. */
const rows = [
  [-4, 1, 1],
  [6, 1, 1],
];
const sumOf = (name: CombinerName, options = {}): number[] =>
  combined(rows, ask(name, { rows, options }).weights);

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(Math.abs((actual[i] ?? Number.NaN) - value)).toBeLessThan(1e-4));
}

describe("known answers", () => {
  it.each<[CombinerName, object, number[]]>([
    ["sum", {}, [2, 2, 2]],
    ["mean", {}, [1, 1, 1]],
    ["mgda", {}, [0, 1, 1]],
    ["pcgrad", {}, [0.5848, 3.8012, 3.8012]],
    ["cagrad", { c: 0.5 }, [0.1835, 1.2041, 1.2041]],
    ["imtl-g", {}, [0.0767, 1, 1]],
    ["aligned-mtl", {}, [0.2133, 0.9673, 0.9673]],
    ["upgrad", {}, [0.2929, 1.9004, 1.9004]],
    ["dualproj", {}, [0.5563, 1.1109, 1.1109]],
    ["config", {}, [0.1588, 2.0706, 2.0706]],
  ])("%s combines the gradients to what TorchJD has", (name, options, expected) => {
    expectClose(sumOf(name, options), expected);
  });

  it("nash-mtl and fairgrad with alpha 1 have the direction of TorchJD's bargaining solution", () => {
    expectClose(unit(sumOf("nash-mtl")), [0.0542, 0.7061, 0.7061]);
    expectClose(unit(sumOf("fairgrad", { alpha: 1 })), [0.0542, 0.7061, 0.7061]);
  });

  it.each<[CombinerName, number[]]>([
    ["mgda", [0.6, 0.4]],
    ["pcgrad", [2.2222, 1.5789]],
    ["cagrad", [0.7041, 0.5]],
    ["imtl-g", [0.5923, 0.4077]],
    ["upgrad", [1.1109, 0.7894]],
  ])("%s has the known weights", (name, expected) => {
    expectClose(ask(name, { rows }).weights, expected);
  });

  it("cagrad divides by 1 + c² or 1 + c where it is asked to", () => {
    const plain = sumOf("cagrad");
    expectClose(
      sumOf("cagrad", { rescale: "square" }),
      plain.map((x) => x / 1.25),
    );
    expectClose(
      sumOf("cagrad", { rescale: "linear" }),
      plain.map((x) => x / 1.5),
    );
  });
});

describe("the combiners that a job can name", () => {
  it("are those that there are, in the same order", () => {
    expect(knownCombiners.map(({ name }) => name)).toEqual(combinerNames);
  });
});
