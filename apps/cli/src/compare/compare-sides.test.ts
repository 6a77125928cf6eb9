import { resolveJob } from "@latentweave/job";
import { describe, expect, it } from "vitest";
import type { SideRun } from "./choose-sides.ts";
import { type Comparison, compareSides } from "./compare-sides.ts";
import { comparisonMarkdown, formatComparison } from "./format-comparison.ts";
import { comparisonPage } from "./comparison-page.ts";
import type { MeasuredRun, MeasuredTask } from "./measured-run.ts";
import { figureText, gainText, sentencesOf } from "./say-gains.ts";

const task = {
  data: { dataset: "iris" },
  encoder: [{ kind: "dense", units: 2 }],
  decoder: [{ kind: "dense", units: 4 }],
};

/** A run of these tasks; its errors are in its name. */
function run(
  runId: string,
  seed: number,
  errors: Readonly<Record<string, number>>,
): SideRun & { errors: typeof errors } {
  const tasks = Object.fromEntries(Object.keys(errors).map((name) => [name, task]));
  return { runId, directory: `/runs/${runId}`, job: resolveJob({ tasks, seed, steps: 5 }), errors };
}

type Run = ReturnType<typeof run>;

async function compare(
  sides: readonly { readonly label: string; readonly runs: readonly Run[] }[],
  change: (measured: MeasuredTask, run: Run) => Partial<MeasuredTask> = () => ({}),
  baselines = [sides[0]?.label ?? ""],
): Promise<Comparison> {
  const all = sides.flatMap(({ runs }) => runs);
  return await compareSides({
    sides: sides,
    ...{ baselines, backend: "cpu", conflictRate: () => Promise.resolve(null) },
    measure(directory): Promise<MeasuredRun> {
      const own = all.find((one) => one.directory === directory)!;
      const tasks = Object.entries(own.errors).map(([name, value]) => {
        const measured: MeasuredTask = {
          ...{ dataHash: `hash of ${name}`, split: "test", samples: 100, trainedSamples: 320 },
          figures: [{ name: "reconstruction error", kind: "error", value }],
        };
        return [name, { ...measured, ...change(measured, own) }] as const;
      });
      return Promise.resolve({
        ...{ runId: own.runId, directory, seed: own.job.seed, step: 5, totalSteps: 5, parameters: 22 },
        determinismClass: "backend cpu",
        tasks: new Map(tasks),
      });
    },
  });
}

const alone = {
  label: "alone",
  runs: [
    run("a0", 0, { a: 1 }),
    run("b0", 0, { b: 2 }),
    run("a1", 1, { a: 1.2 }),
    run("b1", 1, { b: 2.2 }),
    run("a2", 2, { a: 1.1 }),
    run("b2", 2, { b: 2.1 }),
  ],
};
const both = {
  label: "both",
  runs: [
    run("ab0", 0, { a: 0.9, b: 2.4 }),
    run("ab1", 1, { a: 1.06, b: 2.66 }),
    run("ab2", 2, { a: 1, b: 2.5 }),
  ],
};

describe("a comparison", () => {
  it("joins runs of single tasks to one side, and takes gains seed by seed", async () => {
    const { gains, sides, tasks } = await compare([alone, both]);
    expect(sides.map(({ seeds }) => seeds)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect(tasks.map(({ figures }) => figures[0]?.sides.map(({ values }) => values))).toEqual([
      [
        [1, 1.2, 1.1],
        [0.9, 1.06, 1],
      ],
      [
        [2, 2.2, 2.1],
        [2.4, 2.66, 2.5],
      ],
    ]);
    const [one] = gains;
    expect(one?.paired).toBe(true);
    const own = [0.1, 1 - 1.06 / 1.2, 1 - 1 / 1.1];
    expect(one?.tasks.a?.mean).toBeCloseTo((own[0]! + own[1]! + own[2]!) / 3, 12);
    expect(one?.tasks.a?.interval?.[0]).toBeGreaterThan(0);
    expect(one?.tasks.b?.interval?.[1]).toBeLessThan(0);
    expect(one?.negativeTransferRate).toBe(0.5);
    expect(one?.mean.n).toBe(3);
  });

  it("says who is harmed, in words, tables, Markdown and a page that loads nothing", async () => {
    const comparison = await compare([alone, both]);
    expect(sentencesOf(comparison)[0]).toMatch(
      /^both beside alone: Δm −4\.\d+ % \(95 % interval .* over 3 seeds: worse\); harmed: b \(50\.0 % of tasks\)$/,
    );
    expect(formatComparison(comparison)).toContain("Δm, mean of tasks");
    expect(comparisonMarkdown(comparison)).toMatch(/\| a \| \+10\.\d+ % \|/);
    const html = comparisonPage(comparison);
    expect(html).toContain("Gain over alone");
    expect(html).not.toMatch(/<script|src="http|href=|NaN|undefined/);
  });

  it("knows no interval and no negative transfer from one seed", async () => {
    const [first, second] = [
      { ...alone, runs: alone.runs.slice(0, 2) },
      { ...both, runs: both.runs.slice(0, 1) },
    ];
    const { gains } = await compare([first, second]);
    expect(gains[0]).toMatchObject({ negativeTransferRate: null, mean: { n: 1, interval: null } });
    expect(sentencesOf(await compare([first, second]))[0]).toContain("one seed");
  });

  it("sets every side beside each baseline that is named", async () => {
    const third = {
      ...both,
      label: "other",
      runs: both.runs.map((one) => ({ ...one, directory: `${one.directory}x` })),
    };
    const { gains } = await compare([alone, both, third], undefined, ["alone", "both"]);
    expect(gains.map(({ side, baseline }) => `${side}/${baseline}`)).toEqual([
      "both/alone",
      "other/alone",
      "alone/both",
      "other/both",
    ]);
    expect(gains[3]?.mean.mean).toBeCloseTo(0, 12);
  });

  it("warns of budgets and determinism classes that differ", async () => {
    const { warnings } = await compare([alone, both], (_, { runId }) => ({
      trainedSamples: runId.startsWith("ab") ? 640 : 320,
    }));
    expect(warnings).toEqual([
      "unequal budgets: training samples of a are 320 (alone), 640 (both)",
      "unequal budgets: training samples of b are 320 (alone), 640 (both)",
    ]);
  });
});

describe("what cannot be compared is refused, with what differs", () => {
  it.each([
    [
      "other tasks",
      () =>
        compare([
          { label: "x", runs: [run("x", 0, { a: 1 })] },
          { label: "y", runs: [run("y", 0, { a: 1, c: 1 })] },
        ]),
      /side y: has the tasks c, which x has not/,
    ],
    ["one side", () => compare([both]), /there is one side only/],
    [
      "other data",
      () => compare([alone, both], (_, { runId }) => (runId === "ab1" ? { dataHash: "other" } : {})),
      /task a: run ab1 was trained on other data than a0/,
    ],
    [
      "other figures",
      () => compare([alone, both], (_, { runId }) => (runId === "ab0" ? { figures: [] } : {})),
      /run ab0 is measured by nothing, a0 by reconstruction error/,
    ],
    [
      "a task twice for one seed",
      () => compare([both, { label: "z", runs: [run("z0", 0, { a: 1, b: 1 }), run("z1", 0, { b: 1 })] }]),
      /both train the task "b" with seed 0/,
    ],
    [
      "a seed that lacks a task",
      () => compare([both, { label: "z", runs: [run("z0", 0, { a: 1, b: 1 }), run("z1", 1, { b: 1 })] }]),
      /no run with seed 1 trains "a"/,
    ],
  ] as const)("%s", async (_, comparing, message) => {
    await expect(comparing()).rejects.toThrow(message);
  });
});

describe("a figure in words", () => {
  it("ends where its spread does", () => {
    const text = (mean: number, standardDeviation: number | null) =>
      figureText("error", { mean, standardDeviation, values: [] });
    expect(text(0.00026351, 0.0000204)).toBe("0.000264 ± 0.000020");
    expect(text(1.2345, 0.5)).toBe("1.23 ± 0.50");
    expect(text(1.2345, 0)).toBe("1.234 ± 0");
    expect(text(0.0043801, null)).toBe("0.004380");
    expect(figureText("share", { mean: 0.91234, standardDeviation: 0.004, values: [] })).toBe(
      "91.23 ± 0.40 %",
    );
  });
});

describe("a gain in words", () => {
  it("has sensible digits", () => {
    expect([0.00123, -0.0456, 0.123, 3.4567, Number.NaN].map(gainText)).toEqual([
      "+0.12 %",
      "−4.56 %",
      "+12.3 %",
      "+346 %",
      "–",
    ]);
  });
});
