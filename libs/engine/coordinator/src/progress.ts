import { leaderDeals, type RunSpec, samplesBefore } from "@latentweave/plan";
import {
  type CommitPoint,
  createStalenessTally,
  metricMeans,
  type RunSnapshot,
  type TaskSnapshot,
} from "@latentweave/telemetry";
import type { Deal, MessageOf } from "@latentweave/protocol";

/** Follows commits: what was learned last, how fast it goes, when it ends. */
export interface Progress {
  readonly version: number;
  readonly stepMs: number;
  readonly samplesPerSecond: number;
  readonly learningRate: number;
  tasks(): readonly TaskSnapshot[];
  /** Tasks that took part in the newest step again, after a pause. */
  readonly resumed: readonly string[];
  /** Where sampling is adaptive: what the tasks have of the coming step. */
  readonly deal: Deal | undefined;
  /** Modes with an order, of the newest steps. */
  readonly staleness: RunSnapshot["staleness"];
  etaMs(totalSteps: number): number | null;
  /** Takes a commit; the interval since the previous one is the step's time. */
  take(
    commit: MessageOf<"committed">,
    gradientRound: number | undefined,
    nowMs: number,
    wallMs: number,
    workers: number,
  ): CommitPoint;
  /** Forgets the interval that an interruption would make look like a slow step. */
  pause(): void;
  /** The run goes on from this version, whatever was seen before. */
  goTo(version: number): void;
}

// Half the weight lies on about the last 14 steps: steady enough to read, quick enough to show a lost worker.
const newestShare = 0.05;

/**
 * @param past what coordinators before this one have seen of the run, in order
 * @param combiner what the checkpoint that the run goes on from keeps of it, as JSON
 */
export function createProgress(
  spec: RunSpec,
  version: number,
  past: readonly CommitPoint[],
  combiner?: string,
): Progress {
  /** Where sampling is adaptive, the newest first. */
  let deals = [...leaderDeals(combiner), ...past.flatMap(({ deal }) => deal ?? [])].sort(
    (a, b) => b.from - a.from,
  );
  const dealOf = (to: number): Deal | undefined => deals.find(({ from }) => from <= to);
  const seenOf = (task: string, to: number): number =>
    samplesBefore(spec, to, { deal: dealOf(to) }).get(task) ?? 0;
  const tasks = new Map<string, TaskSnapshot>(
    spec.tasks.map(({ name }) => [
      name,
      {
        task: name,
        samplesSeen: seenOf(name, version),
        training: lastTraining(past, name),
        evaluation: lastEvaluation(past, name),
      },
    ]),
  );
  let lastCommitMs: number | undefined;
  let stepMs = 0;
  let samplesPerStep = 0;
  let learningRate = 0;
  let resumed: readonly string[] = [];
  const staleness = createStalenessTally();
  return {
    get version() {
      return version;
    },
    get stepMs() {
      return stepMs;
    },
    get samplesPerSecond() {
      return stepMs > 0 ? (samplesPerStep * 1000) / stepMs : 0;
    },
    get learningRate() {
      return learningRate;
    },
    tasks: () => [...tasks.values()],
    get resumed() {
      return resumed;
    },
    get deal() {
      return dealOf(version);
    },
    get staleness() {
      return staleness.summary;
    },
    etaMs: (total) => (stepMs > 0 ? Math.max(0, total - version) * stepMs : null),
    take(commit, gradientRound, nowMs, wallMs, workers) {
      const loss: Record<string, number> = {};
      const evaluation: Record<string, Record<string, number>> = {};
      let samples = 0;
      const back: string[] = [];
      for (const record of commit.tasks) {
        const before = tasks.get(record.task);
        if (!before) continue;
        const means = metricMeans(record.metrics, record.samples);
        if (record.round === gradientRound) {
          const pause = commit.paused?.find(({ task }) => task === record.task);
          samples += record.samples;
          if (means.loss !== undefined) loss[record.task] = means.loss;
          if (before.paused && !pause) back.push(record.task);
          tasks.set(record.task, {
            task: record.task,
            samplesSeen: before.samplesSeen + (pause ? 0 : record.samples),
            samplesPerStep: pause ? 0 : record.samples,
            training: means,
            ...(pause && { paused: { since: pause.since, why: pause.why, until: pause.until } }),
            evaluation: before.evaluation,
          });
        } else {
          evaluation[record.task] = means;
          // What is evaluated are the weights that the step was computed on.
          const step = commit.order?.basis ?? commit.step;
          tasks.set(record.task, { ...before, evaluation: { step, values: means } });
        }
      }
      resumed = back;
      if (commit.deal) deals.unshift(commit.deal);
      if (commit.order) staleness.add(commit.step - commit.order.basis, commit.order.givenUp.length);
      const interval = lastCommitMs === undefined ? undefined : nowMs - lastCommitMs;
      lastCommitMs = nowMs;
      if (interval !== undefined && gradientRound !== undefined)
        stepMs = stepMs === 0 ? interval : stepMs + newestShare * (interval - stepMs);
      if (gradientRound !== undefined) samplesPerStep = samples;
      version = commit.version;
      learningRate = commit.learningRate;
      return {
        step: commit.step,
        atMs: wallMs,
        stepMs: interval ?? 0,
        samplesPerSecond: interval ? (samples * 1000) / interval : 0,
        workers,
        loss,
        evaluation,
        ...(commit.deal && { deal: commit.deal }),
        ...(commit.order && { staleness: commit.step - commit.order.basis }),
      };
    },
    pause() {
      lastCommitMs = undefined;
    },
    goTo(to) {
      version = to;
      deals = deals.filter(({ from }) => from <= to);
      for (const [name, { evaluation, paused, ...before }] of tasks) {
        const samplesSeen = seenOf(name, to);
        tasks.set(name, {
          ...before,
          samplesSeen,
          ...(paused && paused.since < to && { paused }),
          evaluation: evaluation && evaluation.step <= to ? evaluation : null,
        });
      }
      lastCommitMs = undefined;
    },
  };
}

function lastTraining(past: readonly CommitPoint[], task: string): Record<string, number> {
  const loss = past.findLast((point) => task in point.loss)?.loss[task];
  return loss === undefined ? {} : { loss };
}

function lastEvaluation(past: readonly CommitPoint[], task: string): TaskSnapshot["evaluation"] {
  const point = past.findLast(({ evaluation }) => task in evaluation);
  const values = point?.evaluation[task];
  return point && values ? { step: point.step, values } : null;
}
