import { createSlotOrder, dealUnits, type RowRef, sequentialRefs, type SlotOrder } from "@latentweave/data";
import type { TaskGraph } from "@latentweave/model";
import {
  innerSteps,
  type RoundPlan,
  type RunSpec,
  slotSamples,
  type StepPlan,
  type TaskRound,
  type TaskSpec,
} from "@latentweave/plan";

/** Rows of one task's prepared data, ready for a device. */
export interface Rows {
  /** [rows, ...input shape] */
  readonly x: Float32Array;
  readonly columns: Readonly<Record<string, Float32Array | Int32Array>>;
}

/** Those of one micro-batch. */
export interface MicroBatchRows extends Rows {
  readonly samples: number;
}

/** Reads prepared data; files, HTTP or memory behind it. */
export interface RowReader {
  rows(split: string, refs: readonly RowRef[], columns: readonly string[]): Promise<Rows>;
  /** A hint; never fails. Absent where everything is at hand. */
  prefetch?(split: string, shards: readonly number[]): void;
  /** Bytes fetched from where the data lies, so far. */
  readonly fetchedBytes: number;
  close(): Promise<void>;
}

/** Micro-batches whose rows are fetched ahead of need: more than a step's wait, few enough not to fetch what a new lease would give away. */
const prefetchSteps = 8;

/** Finds the rows of a micro-batch by the plan's order of data. */
export interface RowSource {
  /** @param inner which of the slot's micro-batches in this step, where it has several */
  read(
    plan: StepPlan,
    round: RoundPlan,
    task: TaskRound,
    slot: number,
    inner?: number,
  ): Promise<MicroBatchRows>;
  prefetch(round: RoundPlan, task: TaskRound, slot: number): void;
  readonly fetchedBytes: number;
  close(): Promise<void>;
}

export function createRowSource(spec: RunSpec, open: (task: TaskSpec) => Promise<RowReader>): RowSource {
  const orders = new Map<string, SlotOrder>();
  const readers = new Map<string, Promise<RowReader>>();
  const opened: RowReader[] = [];
  const batches = innerSteps(spec);

  const orderOf = (task: TaskSpec): SlotOrder => {
    let order = orders.get(task.name);
    if (!order) {
      const units = dealUnits(task.trainShardRows, task.slots);
      order = createSlotOrder({
        seed: spec.seed,
        task: task.baselineOf ?? task.name,
        units,
        slots: task.slots,
        windowRows: spec.windowRows,
      });
      orders.set(task.name, order);
    }
    return order;
  };
  const readerOf = (task: TaskSpec): Promise<RowReader> => {
    let reader = readers.get(task.name);
    if (!reader) {
      reader = open(task).then((ready) => {
        opened.push(ready);
        return ready;
      });
      readers.set(task.name, reader);
    }
    return reader;
  };
  const columnsOf = (plan: StepPlan, task: TaskSpec): string[] => {
    const graph = spec.phases[plan.phase]?.graphs.find((entry) => entry.task === task.name) as TaskGraph;
    return [...new Set(graph.losses.flatMap((term) => ("column" in term ? [term.column] : [])))];
  };

  return {
    async read(plan, round, taskRound, slot, inner = 0) {
      const task = spec.tasks[taskRound.taskIndex] as TaskSpec;
      const reader = await readerOf(task);
      const columns = columnsOf(plan, task);
      if (round.program === "gradient") {
        const { read, rows } = taskRound;
        const refs = orderOf(task).refs(slot, read + inner * rows, rows);
        return { ...(await reader.rows("train", refs, columns)), samples: rows };
      }
      const samples = slotSamples(spec, round, taskRound, slot);
      const evaluation = spec.evaluation as NonNullable<RunSpec["evaluation"]>;
      const refs = sequentialRefs(task.evaluationShardRows, slot * evaluation.microBatch, samples);
      return { ...(await reader.rows(evaluation.split, refs, columns)), samples };
    },
    prefetch(round, taskRound, slot) {
      if (round.program !== "gradient") return;
      const task = spec.tasks[taskRound.taskIndex] as TaskSpec;
      const order = orderOf(task);
      const { read, rows } = taskRound;
      const shards = (): number[] => order.shardsFor(slot, read, rows * Math.max(prefetchSteps, batches));
      readerOf(task).then(
        (reader) => reader.prefetch?.("train", shards()),
        () => undefined,
      );
    },
    get fetchedBytes() {
      return opened.reduce((sum, reader) => sum + reader.fetchedBytes, 0);
    },
    async close() {
      for (const reader of opened) await reader.close();
    },
  };
}
