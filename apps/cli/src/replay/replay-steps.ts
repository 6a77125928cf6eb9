import { type Arithmetic, loadArithmetic } from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import { createLoneServer, type LoneServer } from "@latentweave/parameter-server-engine";
import { ownership, type ParameterLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { type CheckpointSource, type CommitRecord, type MessageOf, UserError } from "@latentweave/protocol";
import {
  createSlotProgram,
  recomputeStep,
  type RowSource,
  type WantedNode,
} from "@latentweave/worker-engine";
import { commitFaults } from "./compare-commit.ts";
import { createReplayedSums } from "./replayed-sums.ts";
import { createKeptVersions, type Weights } from "./kept-versions.ts";

/** What steps are computed again with. */
export interface ReplayEngines {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly arithmetic: Arithmetic;
  /** Holds the run's model. */
  readonly compute: Compute;
  readonly source: RowSource;
  /** What the record says of a step: looked ahead in modes with an order, to know which weights will be needed. */
  readonly commit?: (step: number) => Promise<CommitRecord | undefined>;
}

export interface ReplayedStep {
  readonly step: number;
  readonly microBatches: number;
  readonly nodes: number;
  readonly record: MessageOf<"committed">;
  /** How it differs from the commit that was recorded. */
  readonly faults: readonly string[];
  /** Version digest of the weights after it. */
  readonly digest: string;
}

/** The state of a run that is computed again, one step after the other. */
export interface Replay {
  readonly version: number;
  /** Version digest of the weights as they are. */
  digest(): string;
  /** Computes the step of this commit again, from the same sums by as many shards. */
  step(commit: CommitRecord): Promise<ReplayedStep>;
  /** Parameters of one group, whole. */
  parameters(group: number): Float32Array;
}

/**
 * Begins at a checkpoint, or with fresh weights.
 * @param combiner the combiner's state there, as JSON
 */
export async function beginReplay(
  engines: ReplayEngines,
  from: CheckpointSource | undefined,
  combiner: string | undefined,
): Promise<Replay> {
  const { layout } = engines;
  const program = createSlotProgram(engines);
  let shards = 1;
  let server = serverOf(engines, shards);
  if (from) await restore(server, from, layout);
  server.begin(from?.version ?? 0, from ? "checkpoint" : "initial", combiner);

  const withShards = (count: number): void => {
    if (count === shards) return;
    const before = server;
    server = serverOf(engines, count);
    shards = count;
    for (const section of ["parameters", ...before.stateNames])
      for (const { slice, bytes } of before.section(section)) server.restore(section, slice, bytes);
    server.begin(before.version, "checkpoint", before.combiner());
  };

  const kept = createKeptVersions(engines.spec, engines.commit);
  const present = (): Weights =>
    server.section("parameters").map(({ slice: { group, start }, bytes }) => ({
      ...{ group, start },
      values: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4),
    }));

  return {
    get version() {
      return server.version;
    },
    digest: () => server.versionDigest(),
    async step(commit) {
      withShards(commit.shards);
      await kept.before(commit.step, present);
      const basis = commit.order?.basis ?? commit.step;
      const weights = basis === commit.step ? present() : kept.of(basis);
      if (!weights)
        throw new UserError({
          what: `step ${commit.step} was computed on version ${basis}, which is before what can be computed again from here`,
          where: `run ${engines.runId}`,
          mend: "latentweave verify says what is wrong with the record",
        });
      await program.setParameters(weights);
      if (commit.order) server.next({ planned: commit.order.planned, basis });
      const workers = new Map<WantedNode, string>();
      for (const { task, round, shards: received } of commit.tasks)
        for (const { index: shard, nodes } of received)
          for (const [level, index, worker] of nodes)
            workers.set({ shard, round, task, node: { level, index } }, worker);
      const owned = ownership(layout, shards);
      const sums = createReplayedSums(engines, owned, commit);
      const { microBatches } = await recomputeStep({
        ...{ ...engines, program, owned },
        step: commit.order?.planned ?? commit.step,
        ...(commit.order && { basis }),
        deal: server.deal(),
        wanted: [...workers.keys()],
        send(wanted, message, bytes) {
          const workerId = workers.get(wanted) ?? "?";
          sums.take(wanted, message, bytes, workerId);
          server.push(wanted.shard, message, bytes, workerId);
        },
      });
      const { record, refused } = server;
      if (record?.step !== commit.step)
        throw new UserError({
          what: `step ${commit.step} cannot be computed again: ${refused ?? "what the record says it was made of is not enough"}`,
          where: `run ${engines.runId}`,
          mend: "latentweave verify says what is wrong with the record",
        });
      return {
        step: commit.step,
        microBatches,
        nodes: workers.size,
        record,
        faults: [...commitFaults(commit, record), ...sums.faults()],
        digest: server.versionDigest(),
      };
    },
    parameters(group) {
      const values = new Float32Array(layout.groups[group]?.numbers ?? 0);
      for (const { slice, bytes } of server.section("parameters"))
        if (slice.group === group)
          values.set(new Float32Array(bytes.buffer, bytes.byteOffset, slice.numbers), slice.start);
      return values;
    },
  };
}

/** With memory of its own, so that it goes when the server does. */
function serverOf({ runId, spec, layout }: ReplayEngines, shards: number): LoneServer {
  return createLoneServer({ runId, spec, layout, arithmetic: loadArithmetic(), shards });
}

async function restore(server: LoneServer, from: CheckpointSource, layout: ParameterLayout): Promise<void> {
  for (const section of from.sections)
    for (const group of layout.groups) {
      const slice = { group: group.index, start: 0, numbers: group.numbers };
      server.restore(section, slice, await from.read(section, slice));
    }
}
