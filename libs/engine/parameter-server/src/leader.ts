import type { GuardDecision } from "@latentweave/multitask";
import type { ParameterLayout } from "@latentweave/parameters";
import { isWeighing, ownTasks, type RunSpec, type StepPlan } from "@latentweave/plan";
import type { Deal, MessageOf, PausedTask } from "@latentweave/protocol";
import type { CombineRule } from "./combine-rule.ts";
import { recordedGradients, type RecordedGradients } from "./recorded-gradients.ts";
import { type ProductRows, productRows } from "./product-rows.ts";
import { type BlockProducts, combinedNormSquared, type Products, sumProducts } from "./products.ts";
import { weighSlots } from "./weigh-slots.ts";

export type Received = MessageOf<"reduced">["received"];

export type Verdict =
  | { readonly kind: "waiting" }
  | {
      readonly kind: "decided";
      readonly weights: readonly number[];
      readonly scale: number;
      readonly gradientNorm: number | null;
      /** Where the step's record tells of them. */
      readonly gradients?: RecordedGradients;
      /** What each of a task's slots counts, by task in job order, under a robust rule that weighs them. */
      readonly slots?: readonly (readonly number[])[];
      /** Tasks that are left out, in job order; absent where there are none. */
      readonly paused?: readonly PausedTask[];
      /** What the guard has decided in this step. */
      readonly guard?: readonly GuardDecision[];
      /** What the tasks have of the steps to come, where it follows from this step's evaluation. */
      readonly deal?: Deal;
    }
  /** A number that is not finite never reaches a weight. */
  | {
      readonly kind: "refused";
      readonly reason: string;
      /** Whose they are, where the step can be taken without these tasks once it is borne out that they are. */
      readonly pausable?: readonly string[];
    };

/**
 * Collects what the shards report of one step and decides it. Pure but for what it has collected: `verdict` may be
 * asked at any time.
 */
export interface StepDecision {
  /** @param odd tasks whose gradients are not finite */
  reduced(
    index: number,
    finite: boolean,
    products: readonly BlockProducts[],
    received: Received,
    odd?: readonly string[],
  ): void;
  /** What each shard has received, for the record. */
  received(): (readonly [index: number, received: Received])[];
  /**
   * @param isBorneOut whoever computes the step comes to the same numbers, finite or not
   * @param evaluated mean losses of the step's evaluation, one per task (plan: `evaluatedLosses`)
   */
  verdict(
    losses: readonly number[] | undefined,
    isBorneOut?: boolean,
    evaluated?: readonly (number | undefined)[],
  ): Verdict;
}

export function createStepDecision(options: {
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly plan: StepPlan;
  readonly shards: number;
  readonly combine: CombineRule;
  /** The record tells how the tasks' gradients lie to each other (recorded-gradients.ts). */
  readonly records?: boolean;
  readonly clipScale: (normSquared: number, maxNorm: number) => number;
}): StepDecision {
  const { spec, layout, plan, combine } = options;
  const updates = plan.rounds.some((round) => round.update);
  const reports = new Map<
    number,
    {
      finite: boolean;
      products: readonly BlockProducts[];
      received: Received;
      odd: readonly string[] | undefined;
    }
  >();
  const takesPart = new Set(plan.rounds.at(-1)?.tasks.map(({ taskIndex }) => taskIndex));
  const names = (tasks: Iterable<number>): string[] =>
    [...tasks].sort((a, b) => a - b).map((task) => spec.tasks[task]?.name ?? "");

  /** Whose numbers are not finite, and which; of tasks that are paused nobody asks. */
  const oddTasks = (losses: readonly number[], paused: ReadonlySet<number>): Map<number, string> => {
    const all = [...reports.values()].flatMap(({ odd = [] }) => odd);
    const odd = new Map<number, string>();
    for (const [task, loss] of losses.entries()) {
      if (paused.has(task)) continue;
      if (!Number.isFinite(loss)) odd.set(task, `loss is ${loss}`);
      else if (all.includes(spec.tasks[task]?.name ?? "")) odd.set(task, "gradient holds NaN or infinity");
    }
    return odd;
  };

  /** Of the tasks; and what each slot counts, where a rule says so. */
  const productsOf = (
    leftOut: ReadonlySet<number>,
  ): Products & { readonly slots?: readonly (readonly number[])[] } => {
    const rows = productRows(spec);
    const blocks = [...reports.values()].flatMap((report) => report.products);
    const products = sumProducts(layout, rows.count, blocks);
    for (const task of leftOut) leaveOut(products, rows, task);
    if (!rows.rule) return products;
    const weighed = weighSlots(
      rows,
      rows.rule,
      products,
      (task) => takesPart.has(task) && !leftOut.has(task),
    );
    return { ...weighed.products, slots: weighed.slots };
  };

  return {
    reduced(index, finite, products, received, odd) {
      reports.set(index, { finite, products, received, odd });
    },
    received: () =>
      [...reports].sort(([a], [b]) => a - b).map(([index, report]) => [index, report.received] as const),
    verdict(losses, isBorneOut = false, evaluated) {
      if (losses === undefined || (updates && reports.size < options.shards)) return { kind: "waiting" };
      const paused = combine.pauses?.at(plan.step) ?? new Set<number>();
      const odd = oddTasks(losses, paused);
      const isOut = [...(updates ? paused : []), ...odd.keys()];
      const leftOut = new Set(isOut.filter((task) => takesPart.has(task)));
      const [first] = odd;
      if (first) {
        const canDoWithout = combine.pauses !== undefined && leftOut.size < takesPart.size;
        if (!canDoWithout || !isBorneOut)
          return {
            kind: "refused",
            reason: `the ${first[1].replace(" ", ` of task "${spec.tasks[first[0]]?.name}" `)}`,
            ...(canDoWithout && { pausable: names(odd.keys()) }),
          };
      }
      if (updates && [...reports.values()].some((report) => !report.finite && report.odd === undefined))
        return { kind: "refused", reason: "a gradient holds NaN or infinity" };
      /** Once nothing can refuse the step any more: pauses begin with it. */
      const without = (): { readonly paused?: readonly PausedTask[] } => {
        for (const [task, why] of odd) combine.pauses?.begin(task, plan.step, `its ${why}`);
        const left = combine.pauses?.told(leftOut) ?? [];
        return left.length > 0 ? { paused: left } : {};
      };
      const watched = (): { guard?: readonly GuardDecision[]; deal?: Deal } => {
        if (!evaluated) return {};
        const guard = combine.watch?.({ losses: evaluated, step: plan.step, last: plan.last }) ?? [];
        // Nothing is trained on after the closing evaluation.
        const deal = plan.last ? undefined : combine.sampling?.note({ ...plan, losses: evaluated });
        return { ...(guard.length > 0 && { guard }), ...(deal && { deal }) };
      };
      if (!updates)
        return {
          kind: "decided",
          weights: spec.tasks.map(() => 1),
          scale: 1,
          gradientNorm: null,
          ...without(),
          ...watched(),
        };
      const needed = needsProducts(spec, combine, plan.step);
      const products = needed || options.records === true ? productsOf(leftOut) : undefined;
      const rows = combine.sampling?.at(plan.step).rows;
      const rowShares = rows?.map((count, task) => count / (spec.tasks[task]?.microBatch ?? count));
      const seen = watched();
      const weights = asSent(
        combine.solve({
          ...{ gram: needed ? products?.shared : undefined, losses, step: plan.step, leftOut },
          rowShares,
        }),
      );
      if (!weights.every(Number.isFinite))
        return {
          kind: "refused",
          reason: `the combiner "${spec.combiner.name}" gave the weights ${weights.join(", ")}`,
        };
      const recorded =
        products && options.records === true
          ? {
              gradients: recordedGradients(products.shared, ownTasks(spec).length, spec.tasks.length),
              ...without(),
            }
          : without();
      const slots = products?.slots ? { slots: products.slots } : {};
      if (!products || !needed)
        return { kind: "decided", weights, scale: 1, gradientNorm: null, ...recorded, ...seen };
      const normSquared = combinedNormSquared(products, weights, spec.combiner.scalesPrivate);
      const scale = spec.clipNorm === null ? 1 : options.clipScale(normSquared, spec.clipNorm) + 0;
      return {
        kind: "decided",
        weights,
        scale,
        gradientNorm: Math.sqrt(normSquared),
        ...slots,
        ...recorded,
        ...seen,
      };
    },
  };
}

/** Products with what is not finite are not either. */
function leaveOut({ shared, own }: Products, { count, starts }: ProductRows, task: number): void {
  for (let row = starts[task] ?? 0; row < (starts[task + 1] ?? 0); row++)
    for (let other = 0; other < count; other++)
      for (const matrix of [shared, own]) matrix[row * count + other] = matrix[other * count + row] = 0;
}

/** MessagePack may send minus zero as 0: the leader itself must use the numbers that its followers get. */
function asSent(weights: readonly number[]): number[] {
  return weights.map((weight) => weight + 0);
}

/** Inner products cost a pass over the gradients, so they are computed only where something asks for them. */
export function needsProducts(spec: RunSpec, combine: CombineRule, step: number): boolean {
  return combine.needsGram(step) || spec.clipNorm !== null || isWeighing(spec.robust);
}
