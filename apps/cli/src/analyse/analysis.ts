import path from "node:path";
import { loadArithmetic } from "@latentweave/arithmetic";
import type { LoadedBackend } from "@latentweave/compute";
import type { SplitName } from "@latentweave/protocol";
import {
  bestGrouping,
  type Estimate,
  estimateMean,
  groupingGain,
  meanOf,
  type RankAgreement,
  rankAgreement,
  spearman,
} from "@latentweave/relatedness";
import { type MeasuredRun, measureRun } from "../compare/measured-run.ts";
import type { Matrix } from "../relatedness/similarity.ts";
import type { GradientPoint } from "../report/gradient-series.ts";
import { type CheapScore, cheapScores } from "./cheap-scores.ts";
import type { SubRun } from "./plan-analysis.ts";
import { meanMatrix, taskGain, transferMatrix } from "./transfer-matrix.ts";

export interface Analysis {
  readonly tasks: readonly string[];
  readonly split: SplitName;
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly trained: readonly string[];
  /** Runs that the budget had no room for. */
  readonly left: readonly string[];
  /** Mean over seeds; entry (i, j): gain of task j with task i over alone. */
  readonly transfer: Matrix;
  readonly transferBySeed: readonly Matrix[];
  /** Gain of each task in the run of all tasks, by seed; null where there is none. */
  readonly together: Readonly<Record<string, readonly number[]>> | null;
  readonly scores: readonly (CheapScore & { readonly agreement: RankAgreement })[];
  /** Spearman between the transfer matrices of two seeds, mean over pairs of seeds: what no score can be asked to beat by much. */
  readonly reliability: number | null;
  readonly suggestion: Suggestion | null;
  readonly gradients: readonly GradientPoint[];
}

export interface Suggestion {
  readonly groups: readonly (readonly string[])[];
  /** On the very figures by which it was chosen: too good by what choosing does. */
  readonly gain: number;
  /** Chosen on all seeds but one, measured on that one; null for one seed. */
  readonly expected: Estimate | null;
}

export interface AnalyseOptions {
  readonly tasks: readonly string[];
  readonly steps: number;
  readonly done: readonly SubRun[];
  readonly left: readonly SubRun[];
  readonly folder: string;
  readonly split: SplitName | undefined;
  readonly mostGroups: number;
  readonly backend: LoadedBackend;
  readonly note: (line: string) => void;
}

export async function analyse(options: AnalyseOptions): Promise<Analysis> {
  const { tasks, done, folder, backend, note } = options;
  const runs: { readonly run: SubRun; readonly measured: MeasuredRun }[] = [];
  for (const run of done) {
    const measured = await measureRun(path.join(folder, run.runId), {
      ...{ backend, log: note },
      ...(options.split === undefined ? {} : { split: options.split }),
    });
    runs.push({ run, measured });
  }
  const seeds = [...new Set(done.map(({ seed }) => seed))].filter((seed) =>
    tasks.every((task) =>
      done.some((run) => run.seed === seed && run.kind === "single" && run.tasks[0] === task),
    ),
  );
  const transferBySeed = seeds.map((seed) => transferMatrix(tasks, seed, runs));
  const transfer = meanMatrix(transferBySeed);
  const { scores, gradients } = await scoresOf(options, seeds);
  return {
    tasks,
    split: runs[0]?.measured.tasks.values().next().value?.split ?? "test",
    seeds,
    steps: options.steps,
    trained: done.map(({ runId }) => runId),
    left: options.left.map(({ runId }) => runId),
    transfer,
    transferBySeed,
    together: togetherOf(tasks, seeds, runs),
    scores: scores.map((score) => ({ ...score, agreement: agreementOf(score.matrix, transfer) })),
    reliability: reliabilityOf(transferBySeed),
    suggestion: suggestionOf(tasks, transfer, transferBySeed, options.mostGroups),
    gradients,
  };
}

/** Means over seeds of the scores of each; gradients of the first. */
async function scoresOf(
  { tasks, done, folder, backend, note }: AnalyseOptions,
  seeds: readonly number[],
): Promise<{ readonly scores: readonly CheapScore[]; readonly gradients: readonly GradientPoint[] }> {
  const found: Awaited<ReturnType<typeof cheapScores>>[] = [];
  for (const seed of seeds) {
    const own = done.filter((run) => run.seed === seed);
    const all = own.find((run) => run.tasks.length === tasks.length);
    if (!all) continue;
    const single = new Map(
      own
        .filter(({ kind }) => kind === "single")
        .map((run) => [run.tasks[0] ?? "", path.join(folder, run.runId)] as const),
    );
    found.push(await cheapScores({ all: path.join(folder, all.runId), single, backend, note }));
  }
  const [first] = found;
  if (!first) return { scores: [], gradients: [] };
  return {
    gradients: first.gradients,
    scores: first.scores.map((score, at) => ({
      ...score,
      matrix: meanMatrix(found.map(({ scores }) => scores[at]?.matrix ?? [])),
    })),
  };
}

function agreementOf(score: Matrix, measured: Matrix): RankAgreement {
  const pairs = measured.flatMap((row, from) =>
    row.flatMap((gain, to) => {
      const value = score[from]?.[to] ?? null;
      return from === to || gain === null || value === null
        ? []
        : [{ from, to, score: value, measured: gain }];
    }),
  );
  return rankAgreement(pairs, measured.length);
}

function reliabilityOf(matrices: readonly Matrix[]): number | null {
  const found: number[] = [];
  for (let a = 0; a < matrices.length; a++)
    for (let b = a + 1; b < matrices.length; b++) {
      const both = (matrices[a] ?? []).flatMap((row, i) =>
        row.flatMap((value, j) => {
          const other = matrices[b]?.[i]?.[j] ?? null;
          return value === null || other === null ? [] : [[value, other] as const];
        }),
      );
      const rho =
        both.length < 2
          ? null
          : spearman(
              both.map(([one]) => one),
              both.map(([, one]) => one),
            );
      if (rho !== null) found.push(rho);
    }
  return found.length > 0 ? meanOf(found) : null;
}

function togetherOf(
  tasks: readonly string[],
  seeds: readonly number[],
  runs: readonly { readonly run: SubRun; readonly measured: MeasuredRun }[],
): Analysis["together"] {
  const of = (seed: number, kind: SubRun["kind"], task: string) =>
    runs
      .find(({ run }) => run.seed === seed && run.kind === kind && run.tasks.includes(task))
      ?.measured.tasks.get(task)?.figures;
  const gains = tasks.map(
    (task) =>
      [
        task,
        seeds.flatMap((seed) => {
          const [own, alone] = [of(seed, "all", task), of(seed, "single", task)];
          return own && alone ? [taskGain(own, alone)] : [];
        }),
      ] as const,
  );
  return gains.every(([, values]) => values.length > 0) ? Object.fromEntries(gains) : null;
}

function suggestionOf(
  tasks: readonly string[],
  transfer: Matrix,
  bySeed: readonly Matrix[],
  mostGroups: number,
): Suggestion | null {
  const best = bestGrouping(transfer, mostGroups);
  if (!best) return null;
  const heldOut = bySeed.flatMap((own, at) => {
    const others = bySeed.filter((_, index) => index !== at);
    const chosen = others.length > 0 ? bestGrouping(meanMatrix(others), mostGroups) : undefined;
    return (chosen && groupingGain(chosen.groups, own)) ?? [];
  });
  return {
    groups: best.groups.map((group) => group.map((task) => tasks[task] ?? "")),
    gain: best.gain,
    expected: heldOut.length > 1 ? estimateMean(heldOut, loadArithmetic()) : null,
  };
}
