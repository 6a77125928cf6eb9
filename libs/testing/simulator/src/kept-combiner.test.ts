import { loadArithmetic } from "@latentweave/arithmetic";
import { createShard } from "@latentweave/parameter-server-engine";
import { expect, it } from "vitest";
import { createFakePeer, type FakePeer } from "./fake-peer.ts";
import { createMemoryVaults } from "./memory-vault.ts";
import { smallSpec } from "./small-job.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const runId = "r";
const spec = JSON.stringify(smallSpec({ steps: 9, evaluation: null }));
const vaults = createMemoryVaults();
const clock = createVirtualClock();

/** The only shard, which knows the run and waits for the word where to begin. */
async function startShard(): Promise<FakePeer> {
  const arithmetic = loadArithmetic();
  const shard = createShard({
    ...{ runId, index: 0, shards: 1, arithmetic, clock },
    identity: { host: "h", pid: 1, software: "test", port: 1 },
    keepShard: () => ({ stop: () => undefined }),
    openVault: ({ key }) => vaults.open({ name: "shard-0", identity: key, arithmetic }),
    residentBytes: () => 0,
    log: () => undefined,
  });
  shard.ended.catch(() => undefined);
  const coordinator = createFakePeer(clock, "coordinator", (channel) => shard.join(channel));
  const data = { kind: "directory", at: "d" } as const;
  await coordinator.say({
    type: "welcome",
    ...{ runId, runKey: "key", generation: 1, spec, shards: [], data },
  });
  return coordinator;
}

it("a leader killed before its first step since a checkpoint goes on with the combiner's state of that checkpoint", async () => {
  const combiner = '{"ofStep":4}';
  const first = await startShard();
  await first.say({ type: "begin", runId, timeline: 3, step: 5, from: "checkpoint", combiner });
  vaults.kill("shard-0");
  const second = await startShard();
  expect(second.last("held").state).toMatchObject({ timeline: 3, version: 5, recordsFrom: 5 });
  await second.say({ type: "begin", runId, timeline: 3, step: 5, from: "held" });
  await second.say({ type: "stop", runId, reason: "to see its state" });
  expect(second.last("stopped")).toMatchObject({ version: 5, combiner });
});
