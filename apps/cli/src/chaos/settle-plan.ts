import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  checkPlan,
  type FaultPlan,
  parsePlan,
  type PlanJob,
  randomPlan,
  type RunShape,
} from "@latentweave/faults";
import { readPlainFile } from "@latentweave/launch";
import { UserError } from "@latentweave/protocol";
import type { LaunchOptions } from "../train/launched-run.ts";

/** Under which plans a job is to be run. */
export type PlanSource =
  | { readonly kind: "file"; readonly file: string; readonly plan: FaultPlan }
  | { readonly kind: "random"; readonly seeds: readonly number[] };

/** @throws UserError (exit code 2) for flags or a plan that cannot be used */
export async function readPlanSource(flags: {
  readonly plan?: string;
  readonly random?: readonly number[];
}): Promise<PlanSource> {
  if ((flags.plan === undefined) === (flags.random === undefined))
    throw new UserError({
      what: flags.plan === undefined ? "there is no plan" : "there are two plans",
      expected: "--plan PLAN or --random SEED",
      mend: "give one of them",
      exitCode: 2,
    });
  if (flags.random !== undefined) return { kind: "random", seeds: flags.random };
  const file = flags.plan as string;
  await readFile(file).catch((error: unknown) => {
    throw new UserError({
      where: file,
      what: "the plan cannot be read",
      expected: `a file at ${path.resolve(file)}`,
      mend: "check the path; examples/chaos has plans to start from",
      exitCode: 2,
      cause: error,
    });
  });
  return { kind: "file", file, plan: parsePlan(await readPlainFile(file), file) };
}

/** What a drill wants of its job where neither plan nor flags say so. */
export const standardJob = {
  workers: 3,
  shards: 2,
  /** Of a random plan: enough for 25 faults, and no more. */
  randomSteps: 120,
  set: ["checkpoints.everySteps=10", "checkpoints.keep=3"],
} as const;

export interface JobWishes {
  readonly workers: number;
  readonly shards: number;
  readonly placement?: "dedicated" | "beside";
  readonly steps?: number;
  readonly seed?: number;
  readonly set: readonly string[];
}

/** Flags before the plan, the plan before what is standard. */
export function wishesOf(source: PlanSource, flags: PlanJob): JobWishes {
  const plan: PlanJob = source.kind === "file" ? source.plan.job : {};
  const steps = flags.steps ?? plan.steps ?? (source.kind === "random" ? standardJob.randomSteps : undefined);
  const seed = flags.seed ?? plan.seed;
  const placement = flags.placement ?? plan.placement;
  return {
    workers: flags.workers ?? plan.workers ?? standardJob.workers,
    shards: flags.shards ?? plan.shards ?? standardJob.shards,
    set: [...standardJob.set, ...(plan.set ?? []), ...(flags.set ?? [])],
    ...(steps === undefined ? {} : { steps }),
    ...(seed === undefined ? {} : { seed }),
    ...(placement === undefined ? {} : { placement }),
  };
}

/** A plan names processes, so which there are does not hang on how large the job's model is. */
export function apart(launch: LaunchOptions): LaunchOptions {
  const { launcher } = launch.job;
  if (launcher.placement !== "auto") return launch;
  return { ...launch, job: { ...launch.job, launcher: { ...launcher, placement: "dedicated" } } };
}

export interface NamedPlan {
  /** For the certificate. */
  readonly name: string;
  /** For run ids. */
  readonly suffix: string;
  readonly plan: FaultPlan;
}

/** @throws UserError (exit code 2) where a plan does not fit the run */
export function settlePlans(source: PlanSource, shape: RunShape): readonly NamedPlan[] {
  if (source.kind === "file") {
    checkPlan(source.plan, shape, source.file);
    return [{ name: source.file, suffix: "", plan: source.plan }];
  }
  return source.seeds.map((seed) => ({
    name: `random seed ${seed}`,
    suffix: `-seed-${seed}`,
    plan: randomPlan(seed, shape),
  }));
}
