import type { GuardDecision } from "@latentweave/multitask";
import type { ParameterLayout } from "@latentweave/parameters";
import { ownTasks, type RunSpec, type StepPlan } from "@latentweave/plan";
import type { MessageOf } from "@latentweave/protocol";
import type { CombineRule } from "./combine-rule.ts";
import { recordedGradients, type RecordedGradients } from "./recorded-gradients.ts";
import { type BlockProducts, combinedNormSquared, sumProducts } from "./products.ts";

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
      /** What the guard has decided in this step. */
      readonly guard?: readonly GuardDecision[];
    }
  /** A number that is not finite never reaches a weight. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Collects what the shards report of one step and decides it. Pure but for what it has collected: `verdict` may be
 * asked at any time.
 */
export interface StepDecision {
  reduced(index: number, finite: boolean, products: readonly BlockProducts[], received: Received): void;
  /** What each shard has received, for the record. */
  received(): (readonly [index: number, received: Received])[];
  /** @param evaluated mean losses of the step's evaluation, one per task; undefined where it has none */
  verdict(losses: readonly number[] | undefined, evaluated?: readonly number[]): Verdict;
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
    { finite: boolean; products: readonly BlockProducts[]; received: Received }
  >();
  return {
    reduced(index, finite, products, received) {
      reports.set(index, { finite, products, received });
    },
    received: () =>
      [...reports].sort(([a], [b]) => a - b).map(([index, report]) => [index, report.received] as const),
    verdict(losses, evaluated) {
      if (losses === undefined || (updates && reports.size < options.shards)) return { kind: "waiting" };
      const odd = losses.findIndex((loss) => !Number.isFinite(loss));
      if (odd >= 0)
        return { kind: "refused", reason: `the loss of task "${spec.tasks[odd]?.name}" is ${losses[odd]}` };
      const watched = (): { guard?: readonly GuardDecision[] } => {
        const guard = evaluated && combine.watch?.({ losses: evaluated, step: plan.step, last: plan.last });
        return guard && guard.length > 0 ? { guard } : {};
      };
      if (!updates) {
        const weights = spec.tasks.map(() => 1);
        return { kind: "decided", weights, scale: 1, gradientNorm: null, ...watched() };
      }
      if ([...reports.values()].some((report) => !report.finite))
        return { kind: "refused", reason: "a gradient holds NaN or infinity" };
      const needed = needsProducts(spec, combine);
      const products =
        needed || options.records === true
          ? sumProducts(
              layout,
              spec.tasks.length,
              [...reports.values()].flatMap((report) => report.products),
            )
          : undefined;
      const guard = watched();
      const weights = asSent(
        combine.solve({ gram: needed ? products?.shared : undefined, losses, step: plan.step }),
      );
      if (!weights.every(Number.isFinite))
        return {
          kind: "refused",
          reason: `the combiner "${spec.combiner.name}" gave the weights ${weights.join(", ")}`,
        };
      const recorded =
        products && options.records === true
          ? { gradients: recordedGradients(products.shared, ownTasks(spec).length, spec.tasks.length) }
          : {};
      if (!products || !needed)
        return { kind: "decided", weights, scale: 1, gradientNorm: null, ...recorded, ...guard };
      const normSquared = combinedNormSquared(products, weights, spec.combiner.scalesPrivate);
      const scale = spec.clipNorm === null ? 1 : options.clipScale(normSquared, spec.clipNorm) + 0;
      const gradientNorm = Math.sqrt(normSquared);
      return { kind: "decided", weights, scale, gradientNorm, ...recorded, ...guard };
    },
  };
}

/** MessagePack may send minus zero as 0: the leader itself must use the numbers that its followers get. */
function asSent(weights: readonly number[]): number[] {
  return weights.map((weight) => weight + 0);
}

/** Inner products cost a pass over the gradients, so they are computed only where something asks for them. */
export function needsProducts(spec: RunSpec, combine: CombineRule): boolean {
  return combine.needsGram || spec.clipNorm !== null;
}
