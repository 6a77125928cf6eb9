import { permute, randomKey } from "@latentweave/arithmetic";

/** One run of the analysis: so many tasks of the job, trained together, with one seed. */
export interface SubRun {
  readonly runId: string;
  readonly kind: "single" | "pair" | "all";
  /** In the job's order. */
  readonly tasks: readonly string[];
  readonly seed: number;
  /** Steps times tasks: what it takes of the budget. */
  readonly cost: number;
}

export interface AnalysisPlan {
  /** In the order in which they are trained; all that the budget has room for. */
  readonly runs: readonly SubRun[];
  /** What a larger budget would have trained too. */
  readonly left: readonly SubRun[];
}

/**
 * Seed by seed: each task alone, all together, then pairs in an order drawn from the job's seed: a budget that ends
 * early has measured pairs that nobody chose, so that what they say of a score is no matter of choice.
 * @param budget in steps of one task; undefined: no limit
 */
export function planAnalysis(options: {
  readonly tasks: readonly string[];
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly budget: number | undefined;
}): AnalysisPlan {
  const { tasks, steps, seeds } = options;
  const pairs = tasks.flatMap((a, at) => tasks.slice(at + 1).map((b) => [a, b] as const));
  const key = randomKey(seeds[0] ?? 0, "analysis", "pairs");
  const order = pairs.map((_, at) => pairs[permute(at, pairs.length, key)] as readonly [string, string]);
  const wanted = seeds.flatMap((seed): SubRun[] => {
    const run = (kind: SubRun["kind"], own: readonly string[]): SubRun => ({
      runId: `${kind === "all" ? "all" : own.join("+")}-seed-${seed}`.replaceAll("+", "--"),
      ...{ kind, tasks: own, seed, cost: steps * own.length },
    });
    return [
      ...tasks.map((task) => run("single", [task])),
      // Of two tasks the only pair is all of them.
      ...(tasks.length > 2 ? [run("all", tasks)] : []),
      ...order.map((pair) => run("pair", pair)),
    ];
  });
  let left = options.budget ?? Number.POSITIVE_INFINITY;
  let room = wanted.length;
  for (const [at, { cost }] of wanted.entries()) {
    if (cost > left) {
      room = at;
      break;
    }
    left -= cost;
  }
  return { runs: wanted.slice(0, room), left: wanted.slice(room) };
}
