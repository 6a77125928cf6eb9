import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { maximalNodes } from "@latentweave/aggregation";
import { loadArithmetic } from "@latentweave/arithmetic";
import { createRunStore } from "@latentweave/checkpoint";
import { metricNames, type TaskGraph } from "@latentweave/model";
import { learningRateAt } from "@latentweave/optim";
import { createLayout, ownership, type ParameterLayout } from "@latentweave/parameters";
import { planStep, type RunSpec, totalSteps } from "@latentweave/plan";
import type { CommitRecord, RunStore, TaskRecord } from "@latentweave/protocol";
import { smallSpec } from "@latentweave/simulator";
import { onTestFinished } from "vitest";

const arithmetic = loadArithmetic();

export const madeSpec: RunSpec = smallSpec({
  steps: 9,
  hidden: 4,
  checkpointEverySteps: 4,
  schedule: { kind: "cosine", warmupSteps: 2, finalShare: 0.1 },
});
export const madeLayout = createLayout(madeSpec.groups);

export function temporaryRun(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-verify-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, "made");
}

/** The folder as a launcher leaves it, and a store that writes into it. */
export function openMadeRun(directory: string): RunStore {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, "spec.json"), JSON.stringify(madeSpec));
  writeFileSync(path.join(directory, "job.json"), '{"name":"small"}\n');
  return createRunStore({ directory, runId: "made", layout: madeLayout, keep: 3, log: () => undefined });
}

/** Numbers that stand for the weights of a version. */
export function weightsOf(version: number, layout: ParameterLayout = madeLayout): Float32Array[] {
  return layout.groups.map(({ numbers, tensors }) => {
    const values = new Float32Array(numbers);
    for (const tensor of tensors)
      for (let at = 0; at < tensor.numbers; at++) values[tensor.offset + at] = version + at / 64;
    return values;
  });
}

/** Groups here are smaller than a block, so each is one. */
export function digestOf(version: number): string {
  const hash = createHash("sha256");
  for (const values of weightsOf(version))
    hash.update(Buffer.from(arithmetic.digest(new Uint8Array(values.buffer)), "hex").reverse());
  return hash.digest("hex");
}

/** A commit as the plan wants it, computed by workers `a` and `b`, and recorded by two shards. */
export function madeCommit(step: number, timeline = 0): CommitRecord {
  const plan = planStep(madeSpec, step);
  const updates = plan.rounds.some(({ update }) => update);
  const owned = ownership(madeLayout, 2);
  const phase = madeSpec.phases[plan.phase];
  const tasks = plan.rounds.flatMap((round) =>
    round.tasks.map((task): TaskRecord => {
      const graph = phase?.graphs.find((entry) => entry.task === task.task) as TaskGraph;
      const groups = round.program === "gradient" ? graph.groups : [];
      const takesPart = [0, 1].filter(
        (shard) =>
          shard === 0 ||
          owned[shard]?.some(({ group }) => groups.includes(madeLayout.groups[group]?.name ?? "")),
      );
      const cut = (step % (task.slots - 1)) + 1;
      const nodes = [
        ...maximalNodes(0, cut, task.slots).map((node) => ({ node, worker: "a" })),
        ...maximalNodes(cut, task.slots, task.slots).map((node) => ({ node, worker: "b" })),
      ];
      return {
        task: task.task,
        round: round.index,
        slots: task.slots,
        samples: task.samples,
        shards: takesPart.map((index) => ({
          index,
          nodes: nodes.map(({ node, worker }) => [
            node.level,
            node.index,
            worker,
            arithmetic.digest(
              Buffer.from(`${step} ${task.task} ${round.index} ${node.level} ${node.index} ${index}`),
            ),
          ]),
        })),
        metrics: Object.fromEntries(metricNames(graph).map((name, place) => [name, step + place / 8])),
      };
    }),
  );
  return {
    step,
    version: updates ? step + 1 : step,
    timeline,
    phase: phase?.name ?? "",
    digest: digestOf(step),
    shards: 2,
    tasks,
    learningRate: updates
      ? learningRateAt(
          madeSpec.schedule,
          madeSpec.optimiser.learningRate,
          plan.phaseStep,
          phase?.steps ?? 0,
          arithmetic,
        )
      : 0,
    gradientNorm: null,
    duplicates: 0,
  };
}

export async function writeMadeCheckpoint(store: RunStore, version: number): Promise<string> {
  const sections = ["parameters", "m", "v"];
  const sink = await store.beginCheckpoint(version, sections);
  for (const section of sections)
    for (const [group, values] of weightsOf(section === "parameters" ? version : 0.5).entries())
      await sink.write(section, { group, start: 0, numbers: values.length }, new Uint8Array(values.buffer));
  return (await sink.finish({ combiner: null })).hash;
}

/** Commits `from` to `to` (exclusive), with the checkpoints that the plan wants. @returns the last hash */
export async function commitSteps(
  store: RunStore,
  from: number,
  to: number,
  timeline = 0,
): Promise<string | undefined> {
  let hash: string | undefined;
  for (let step = from; step < to; step++) {
    store.appendCommit(madeCommit(step, timeline));
    if (planStep(madeSpec, step).checkpoint) hash = await writeMadeCheckpoint(store, step + 1);
  }
  return hash;
}

/** A run of nine steps and a closing evaluation, that was interrupted and resumed once, whole on disk. */
export async function makeRun(directory: string): Promise<void> {
  const total = totalSteps(madeSpec);
  const first = openMadeRun(directory);
  await commitSteps(first, 0, 6);
  await first.close();
  const second = openMadeRun(directory);
  await second.appendTimeline({ timeline: 1, fromVersion: 4, reason: "resumed", detail: "" });
  const hash = await commitSteps(second, 4, total + 1, 1);
  second.appendVersion({ version: total, timeline: 1, digest: digestOf(total) });
  await second.writeState({ state: "finished", runId: "made", hash, hashVersion: total });
  await second.close();
}
