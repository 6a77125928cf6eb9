import { loadArithmetic } from "@latentweave/arithmetic";
import { type SplitName, UserError } from "@latentweave/protocol";
import {
  type Estimate,
  estimateGain,
  meanOf,
  type MeasuredPair,
  negativeTransferRate,
  varianceOf,
} from "@latentweave/relatedness";
import type { Side } from "./choose-sides.ts";
import type { Figure, MeasuredRun, MeasuredTask } from "./measured-run.ts";
import { repetitionsOf, tasksOf } from "./repetitions.ts";

/** A task's figure on one side, over its repetitions. */
export interface FigureSummary {
  readonly mean: number;
  /** Over repetitions; null for one. */
  readonly standardDeviation: number | null;
  /** In the order of the side's seeds. */
  readonly values: readonly number[];
}

export interface ComparedFigure {
  readonly name: string;
  readonly kind: Figure["kind"];
  /** By side, in order. */
  readonly sides: readonly FigureSummary[];
}

export interface ComparedTask {
  readonly task: string;
  readonly split: SplitName;
  readonly samples: number;
  readonly figures: readonly ComparedFigure[];
}

export interface ComparedSide {
  readonly label: string;
  readonly seeds: readonly number[];
  readonly runs: readonly string[];
  readonly steps: readonly number[];
  readonly parameters: readonly number[];
  /** Training samples by task. */
  readonly trainedSamples: Readonly<Record<string, readonly number[]>>;
  readonly determinismClasses: readonly string[];
  /** Share of pairs of tasks whose gradients point against each other, over what was recorded; null: nothing was. */
  readonly conflictRate: number | null;
}

/** One side beside one baseline; all gains are shares (0.03: 3 % better). */
export interface Gains {
  readonly side: string;
  readonly baseline: string;
  /** Whether repetitions belong together by their seeds. */
  readonly paired: boolean;
  /** δ_t by task: the mean over its figures. */
  readonly tasks: Readonly<Record<string, Estimate>>;
  /** Δm: the mean of δ_t over tasks. */
  readonly mean: Estimate;
  /** Share of tasks that are harmed beyond what seeds do; null where that is not known. */
  readonly negativeTransferRate: number | null;
}

export interface Comparison {
  readonly confidence: number;
  readonly backend: string;
  readonly sides: readonly ComparedSide[];
  readonly tasks: readonly ComparedTask[];
  readonly gains: readonly Gains[];
  /** What makes the comparison less than fair, in words. */
  readonly warnings: readonly string[];
}

export interface CompareOptions {
  readonly sides: readonly Side[];
  /** Labels of those that the others are set beside. */
  readonly baselines: readonly string[];
  readonly backend: string;
  readonly measure: (directory: string) => Promise<MeasuredRun>;
  readonly conflictRate: (directory: string) => Promise<number | null>;
}

/** @throws UserError where sides do not have the same tasks, data and figures */
export async function compareSides(options: CompareOptions): Promise<Comparison> {
  const { sides } = options;
  requireSameTasks(sides);
  const repeated = sides.map((side) => repetitionsOf(side));
  const measured = new Map<string, MeasuredRun>();
  for (const side of sides)
    for (const { directory } of side.runs)
      if (!measured.has(directory)) measured.set(directory, await options.measure(directory));
  const runOf = (directory: string): MeasuredRun => measured.get(directory) as MeasuredRun;

  const names = tasksOf(sides[0]?.runs ?? []);
  const results = names.map((task) =>
    repeated.map((repetitions) =>
      repetitions.map(({ runs }) => {
        const directory = runs.get(task)?.directory ?? "";
        return { run: runOf(directory), task: runOf(directory).tasks.get(task) as MeasuredTask };
      }),
    ),
  );
  for (const [index, task] of names.entries())
    requireSameFigures(
      task,
      (results[index] ?? []).flatMap((entries) => entries),
    );

  const tasks = names.map((task, index): ComparedTask => {
    const [first] = (results[index] ?? []).flat();
    return {
      task,
      split: first?.task.split ?? "test",
      samples: first?.task.samples ?? 0,
      figures: (first?.task.figures ?? []).map(({ name, kind }, place) => ({
        ...{ name, kind },
        sides: (results[index] ?? []).map((entries) =>
          summary(entries.map((entry) => entry.task.figures[place]?.value ?? Number.NaN)),
        ),
      })),
    };
  });
  const described: ComparedSide[] = [];
  for (const [index, { label, runs }] of sides.entries()) {
    const own = runs.map(({ directory }) => runOf(directory));
    const rates = [];
    for (const { directory } of own) rates.push(await options.conflictRate(directory));
    const known = rates.filter((rate) => rate !== null);
    described.push({
      label,
      seeds: (repeated[index] ?? []).map(({ seed }) => seed),
      runs: own.map(({ runId }) => runId),
      steps: distinct(own.map(({ step }) => step)),
      parameters: distinct(own.map(({ parameters }) => parameters)),
      trainedSamples: Object.fromEntries(
        names.map((task, at) => [
          task,
          distinct((results[at]?.[index] ?? []).map((entry) => entry.task.trainedSamples)),
        ]),
      ),
      determinismClasses: distinct(own.map(({ determinismClass }) => determinismClass)),
      conflictRate: known.length > 0 ? meanOf(known) : null,
    });
  }
  const unfinished = [...measured.values()].filter(({ step, totalSteps }) => step < totalSteps);
  return {
    confidence: 0.95,
    backend: options.backend,
    sides: described,
    tasks,
    gains: options.baselines.flatMap((baseline) =>
      sides.flatMap(({ label }) => (label === baseline ? [] : [gainsOf(label, baseline, described, tasks)])),
    ),
    warnings: [
      ...unfinished.map(
        ({ runId, step, totalSteps }) =>
          `run ${runId} has a checkpoint of step ${step} of ${totalSteps} only`,
      ),
      ...budgetWarnings(described, names),
    ],
  };
}

function requireSameTasks(sides: readonly Side[]): void {
  const [first, ...others] = sides;
  if (!first || others.length === 0)
    throw new UserError({
      what: "there is one side only, and nothing to compare it with",
      expected: "two sides or more; runs of one job that differ in their seed are one side",
      mend: "name runs of another job too, or set them apart: A=RUN,RUN B=RUN,RUN",
      exitCode: 2,
    });
  const wanted = tasksOf(first.runs);
  for (const side of others) {
    const own = tasksOf(side.runs);
    const missing = wanted.filter((task) => !own.includes(task));
    const more = own.filter((task) => !wanted.includes(task));
    if (missing.length + more.length > 0)
      throw new UserError({
        what: [
          ...(missing.length > 0 ? [`lacks the tasks ${missing.join(", ")}`] : []),
          ...(more.length > 0 ? [`has the tasks ${more.join(", ")}, which ${first.label} has not`] : []),
        ].join(" and "),
        where: `side ${side.label}`,
        expected: `the tasks of ${first.label}: ${wanted.join(", ")}`,
        mend: "name runs that train the same tasks; several runs make one side: LABEL=RUN,RUN",
      });
  }
}

function requireSameFigures(
  task: string,
  entries: readonly { readonly run: MeasuredRun; readonly task: MeasuredTask }[],
): void {
  const [first, ...others] = entries;
  if (!first) return;
  const namesOf = (one: MeasuredTask): string => one.figures.map(({ name }) => name).join(", ");
  for (const { run, task: own } of others) {
    if (own.dataHash !== first.task.dataHash)
      throw new UserError({
        what: `run ${run.runId} was trained on other data than ${first.run.runId}`,
        where: `task ${task}`,
        expected: `data with hash ${first.task.dataHash}`,
        mend: "compare runs of the same data, with the same split and scale",
      });
    if (namesOf(own) !== namesOf(first.task))
      throw new UserError({
        what: `run ${run.runId} is measured by ${namesOf(own) || "nothing"}, ${first.run.runId} by ${namesOf(first.task) || "nothing"}`,
        where: `task ${task}`,
        expected: "the same reconstruction and heads",
        mend: "compare runs whose tasks have the same losses",
      });
  }
}

function summary(values: readonly number[]): FigureSummary {
  return {
    mean: meanOf(values),
    standardDeviation: values.length > 1 ? Math.sqrt(varianceOf(values)) : null,
    values,
  };
}

function gainsOf(
  side: string,
  baseline: string,
  sides: readonly ComparedSide[],
  tasks: readonly ComparedTask[],
): Gains {
  const arithmetic = loadArithmetic();
  const [own, other] = [side, baseline].map((label) => sides.findIndex((one) => one.label === label)) as [
    number,
    number,
  ];
  const seedsOf = (index: number): string => (sides[index]?.seeds ?? []).join();
  const paired = seedsOf(own) === seedsOf(other);
  const pairsOf = ({ figures }: ComparedTask): MeasuredPair[] =>
    figures.map((figure) => ({
      lowerIsBetter: figure.kind === "error",
      own: figure.sides[own]?.values ?? [],
      baseline: figure.sides[other]?.values ?? [],
    }));
  const withFigures = tasks.filter(({ figures }) => figures.length > 0);
  const byTask = withFigures.map(
    (task) => [task.task, estimateGain(pairsOf(task), paired, arithmetic)] as const,
  );
  // Tasks count alike, however many figures they have.
  const all = withFigures.flatMap((task) =>
    pairsOf(task).map((pair) => ({ ...pair, weight: 1 / task.figures.length })),
  );
  return {
    side,
    baseline,
    paired,
    tasks: Object.fromEntries(byTask),
    mean: estimateGain(all, paired, arithmetic),
    negativeTransferRate: negativeTransferRate(byTask.map(([, estimate]) => estimate)),
  };
}

function budgetWarnings(sides: readonly ComparedSide[], tasks: readonly string[]): string[] {
  const warnings: string[] = [];
  for (const task of tasks) {
    const budgets = sides.map(({ trainedSamples }) => (trainedSamples[task] ?? []).join("/"));
    if (new Set(budgets).size > 1)
      warnings.push(
        `unequal budgets: training samples of ${task} are ${sides.map(({ label }, at) => `${budgets[at] ?? ""} (${label})`).join(", ")}`,
      );
  }
  const classes = new Set(sides.flatMap(({ determinismClasses }) => determinismClasses));
  if (classes.size > 1)
    warnings.push(`runs of ${classes.size} determinism classes: ${[...classes].join(" | ")}`);
  return warnings;
}

function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}
