/** Short runs of the examples, and what all of them must say. */
import path from "node:path";
import { expect } from "vitest";
import { type CommandOptions, type Finished, root, type Running, type Said, start } from "./command.ts";

export const exampleJob = (name: string): string => path.join(root, "examples", name, "job.ts");

export interface Training extends Running {
  readonly runId: string;
}

export interface TrainingEnd extends Finished {
  /** As the run itself said it at the end. */
  readonly hash: string;
  /** The most workers that any commit counted. */
  readonly mostWorkers: number;
}

/** @param flags more flags of `train` */
export function startTraining(
  runs: string,
  runId: string,
  flags: readonly string[],
  options: CommandOptions = {},
): Training {
  const args = ["train", ...flags, "--runs", runs, "--run-id", runId, "--json"];
  return { ...start(args, options), runId };
}

/** Waits for the end of a run that must succeed. */
export async function finish(training: Training): Promise<TrainingEnd> {
  const end = await training.ended;
  const last = training.said.at(-1);
  if (end.code !== 0 || last?.kind !== "end" || last.hash === null)
    throw new Error(
      `run ${training.runId} ended with ${end.code ?? end.signal}:\n${end.stderr.slice(-4000)}`,
    );
  expect(last.state).toBe("finished");
  const mostWorkers = Math.max(
    ...training.said.flatMap((said) => (said.kind === "commit" ? [said.point.workers] : [])),
  );
  return { ...end, hash: last.hash, mostWorkers };
}

/** Waits until this many steps are committed. */
export async function committed(training: Training, steps: number): Promise<void> {
  await training.waitFor(`step ${steps}`, (said) => (stepOf(said) >= steps ? true : undefined));
}

/** Steps committed when this was said. */
function stepOf(said: Said): number {
  if (said.kind === "snapshot") return said.snapshot.step;
  if (said.kind === "commit") return said.point.step + 1;
  return -1;
}

/** The process of a worker that is computing. */
export async function workerProcess(training: Training, workerId: string): Promise<number> {
  return await training.waitFor(`worker ${workerId}`, (said) => {
    if (said.kind !== "snapshot") return undefined;
    return said.snapshot.workers.find((worker) => worker.workerId === workerId && worker.state === "active")
      ?.pid;
  });
}

/** Where a run listens, once it does. */
export async function addressOf(training: Training): Promise<string> {
  return (await training.waitForText(/live page: (http:\/\/\S+)/))[1] as string;
}
