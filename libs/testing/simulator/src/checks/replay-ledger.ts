import { loadArithmetic } from "@latentweave/arithmetic";
import { createLoneServer } from "@latentweave/parameter-server-engine";
import { createLayout, ownership } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import type { CommitRecord, VersionRecord } from "@latentweave/protocol";
import {
  createRowSource,
  createSlotProgram,
  recomputeStep,
  type WantedNode,
} from "@latentweave/worker-engine";
import { createKeyedCompute } from "../cluster/keyed-compute.ts";
import { numberedRows } from "../cluster/numbered-rows.ts";
import { parameterHash } from "../memory-store.ts";

/**
 * Computes a whole run again from its ledger, in the order that is recorded there, and compares every bit: each sum that
 * a worker sent, metrics, norms, the weights after each step and the hash. Modes with an order have no undisturbed run to
 * be held against; this is what they promise instead.
 * @returns what differs first; undefined: nothing
 */
export async function replayLedger(
  spec: RunSpec,
  shards: number,
  commits: readonly CommitRecord[],
  versions: readonly VersionRecord[],
  hash: string | null,
): Promise<string | undefined> {
  const layout = createLayout(spec.groups);
  const arithmetic = loadArithmetic();
  const compute = createKeyedCompute(() => undefined);
  await compute.load({
    layout,
    phases: spec.phases.map(({ name, graphs }) => ({ name, tasks: graphs })),
    seed: spec.seed,
  });
  const source = createRowSource(spec, async () => numberedRows());
  const program = createSlotProgram({ spec, layout, arithmetic, compute, source });
  const runId = "again";
  const server = createLoneServer({ runId, spec, layout, shards, arithmetic: loadArithmetic() });
  server.begin(0, "initial", undefined);
  const weightsOf: Float32Array[][] = [];
  const digests = new Map(versions.map(({ version, digest }) => [version, digest]));
  const keep = (): string | undefined => {
    const groups = layout.groups.map(({ numbers }) => new Float32Array(numbers));
    for (const { slice, bytes } of server.section("parameters"))
      groups[slice.group]?.set(new Float32Array(bytes.buffer, bytes.byteOffset, slice.numbers), slice.start);
    weightsOf[server.version] = groups;
    const recorded = digests.get(server.version) ?? "";
    return recorded === "" || recorded === server.versionDigest()
      ? undefined
      : `version ${server.version} computed again has other weights than were recorded`;
  };
  const first = keep();
  if (first !== undefined) return first;

  for (const commit of commits) {
    const { step, order } = commit;
    const basis = order?.basis ?? step;
    await program.setParameters(
      (weightsOf[basis] ?? []).map((values, group) => ({ group, start: 0, values: values.slice() })),
    );
    const senders = new Map<WantedNode, { readonly workerId: string; readonly digest: string }>();
    for (const { task, round, shards: received } of commit.tasks)
      for (const { index: shard, nodes } of received)
        for (const [level, index, workerId, digest] of nodes)
          senders.set({ shard, round, task, node: { level, index } }, { workerId, digest });
    let odd: string | undefined;
    if (order) server.next({ planned: order.planned, basis });
    await recomputeStep({
      ...{ runId, spec, layout, arithmetic, program, source },
      owned: ownership(layout, shards),
      step: order?.planned ?? step,
      ...(order && { basis }),
      deal: server.deal(),
      wanted: [...senders.keys()],
      send(wanted, message, bytes) {
        const sender = senders.get(wanted);
        if (arithmetic.digest(...bytes) !== sender?.digest)
          odd ??= `step ${step}, node ${wanted.node.level}/${wanted.node.index} of ${wanted.task}: ${sender?.workerId} sent other bits`;
        server.push(wanted.shard, message, bytes, sender?.workerId ?? "?");
      },
    });
    if (odd !== undefined) return odd;
    const again = server.record;
    if (again?.step !== step)
      return `step ${step} cannot be computed again: ${server.refused ?? "something is missing"}`;
    for (const field of ["version", "learningRate", "gradientNorm"] as const)
      if (!Object.is(again[field], commit[field]))
        return `step ${step}: ${field} ${commit[field]}, again ${again[field]}`;
    for (const [place, { metrics }] of commit.tasks.entries())
      if (JSON.stringify(metrics) !== JSON.stringify(again.tasks[place]?.metrics))
        return `step ${step}: other metrics of ${commit.tasks[place]?.task}`;
    const fault = keep();
    if (fault !== undefined) return fault;
  }
  const last = weightsOf[server.version] ?? [];
  return parameterHash(layout, last) === hash
    ? undefined
    : "the run ends with other weights than its record comes to";
}
