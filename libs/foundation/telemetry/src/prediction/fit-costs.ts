/** Costs of the parts from steps that computed nothing: those that predict these steps best, none of them negative. */
import { type NumberCosts, predictStep, type StepCosts } from "./step-time.ts";

/** A measured step without computation, on one host. */
export interface ExchangePoint {
  readonly numbers: number;
  readonly workers: number;
  readonly shards: number;
  readonly cores: number;
  readonly ms: number;
}

const sweeps = 20_000;

/**
 * What is fixed comes from the smallest size, the rest from each larger one by itself. Errors count as shares of what was
 * measured.
 * @throws RangeError when there are not two sizes
 */
export function fitCosts(points: readonly ExchangePoint[]): StepCosts {
  const sizes = [...new Set(points.map(({ numbers }) => numbers))].sort((a, b) => a - b);
  const [smallest, ...larger] = sizes;
  if (smallest === undefined || larger.length === 0)
    throw new RangeError("costs need exchanges of at least two sizes");
  const of = (size: number): readonly ExchangePoint[] => points.filter(({ numbers }) => numbers === size);
  const [fixedMs = 0, perWorkerMs = 0] = nonNegative(
    of(smallest).map(({ workers, ms }) => ({ parts: [1, workers], total: ms })),
  );
  const byNumbers = larger.map((numbers): NumberCosts => {
    const [workerNs = 0, updateNs = 0, contributionNs = 0] = nonNegative(
      of(numbers).map((point) => {
        const unit = (costs: Partial<NumberCosts>): number =>
          predictStep(
            {
              ...{ fixedMs: 0, perWorkerMs: 0 },
              byNumbers: [{ numbers, workerNs: 0, updateNs: 0, contributionNs: 0, ...costs }],
            },
            point,
            0,
          ).totalMs;
        return {
          parts: [unit({ workerNs: 1 }), unit({ updateNs: 1 }), unit({ contributionNs: 1 })],
          total: Math.max(point.ms - fixedMs - perWorkerMs * point.workers, 0),
          scale: point.ms,
        };
      }),
    );
    return { numbers, workerNs, updateNs, contributionNs };
  });
  return { fixedMs, perWorkerMs, byNumbers };
}

interface Equation {
  /** Σ parts·costs should be `total`. */
  readonly parts: readonly number[];
  readonly total: number;
  /** What the error is a share of; default: the total. */
  readonly scale?: number;
}

/** Least squares with no cost below zero, by coordinate descent: the few unknowns make anything faster needless. */
function nonNegative(equations: readonly Equation[]): readonly number[] {
  const scaled = equations.map(({ parts, total, scale = total }) => ({
    parts: parts.map((part) => part / scale),
    total: total / scale,
  }));
  const costs = (scaled[0]?.parts ?? []).map(() => 0);
  for (let sweep = 0; sweep < sweeps; sweep += 1)
    for (const unknown of costs.keys()) {
      let along = 0;
      let squared = 0;
      for (const { parts, total } of scaled) {
        const part = parts[unknown] ?? 0;
        const rest = parts.reduce((sum, each, at) => sum - each * (costs[at] ?? 0), total);
        along += part * rest;
        squared += part * part;
      }
      if (squared > 0) costs[unknown] = Math.max(0, (costs[unknown] ?? 0) + along / squared);
    }
  return costs;
}
