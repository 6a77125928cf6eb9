import type { RunSpec } from "@latentweave/plan";
import type { Channel, CheckpointSource, MessageOf } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createEnding } from "./ending.ts";

/** Steps 0 to 9 update; version 10 is the last, and no evaluation follows. */
const spec = { phases: [{ steps: 10 }] } as unknown as RunSpec;
const combiner = JSON.stringify({ combiner: "mean" });

function scene(given: { resume?: number; nextStep?: number; newestCame?: number; complete?: boolean } = {}) {
  const told: string[] = [];
  const ignored = new Set<number>();
  let attempts = 0;
  const channel = {
    send: (message: MessageOf<"checkpoint">) =>
      told.push(`ask for ${message.version}, attempt ${message.attempt}`),
  } as unknown as Channel;
  const shards = {
    complete: given.complete ?? true,
    newestCame: given.newestCame ?? -1,
    channels: () => [channel],
  };
  const ending = createEnding({
    ...{ runId: "run", spec, nextStep: given.nextStep ?? given.resume ?? 0 },
    resume: given.resume === undefined ? undefined : ({ version: given.resume } as CheckpointSource),
    shards: () => shards,
    checkpointing: {
      announce: (version) => void told.push(`announce ${version}`),
      askFor: () => (attempts += 1),
      ignores: (version) => ignored.has(version),
    },
  });
  const commit = (version: number, more: Partial<MessageOf<"committed">> = {}): void =>
    ending.committed({ version, last: version === 10, ...more } as MessageOf<"committed">);
  return { ending, told, shards, ignored, commit };
}

describe("the checkpoints that a leader's words announce", () => {
  it("are of those versions alone of which the leader has told the combiner's state", () => {
    const { told, commit } = scene();
    commit(4);
    commit(5, { combiner });
    expect(told).toEqual(["announce 5"]);
  });

  it("are asked for where what shards sent of the last one may have gone over connections that are no more", () => {
    const { told, commit } = scene({ newestCame: 10 });
    commit(9, { combiner });
    commit(10, { combiner });
    expect(told).toEqual(["announce 9", "ask for 10, attempt 1"]);
  });

  it("are not asked for again once they are on disk", () => {
    const { ending, told, commit } = scene({ newestCame: 10 });
    ending.written({ version: 10, hash: "h" });
    commit(10, { combiner });
    expect(told).toEqual([]);
  });
});

describe("the end of a run", () => {
  it("is the last version's checkpoint on disk, and its commit on record", () => {
    const { ending, commit } = scene();
    commit(10, { combiner });
    ending.written({ version: 10, hash: "h" });
    expect(ending.isDurable).toBe(false);
    ending.recordedLast();
    expect(ending.isDurable).toBe(true);
  });

  it("waits while a shard is away, and asks for the checkpoint when all are there", () => {
    const { ending, told, shards, commit } = scene();
    commit(10, { combiner });
    shards.complete = false;
    ending.ask();
    expect(told).toEqual(["announce 10"]);
    shards.complete = true;
    ending.ask();
    expect(told).toEqual(["announce 10", "ask for 10, attempt 1"]);
  });

  it("is where the leader has stopped, whose checkpoint may have been due and be there already", () => {
    const { ending, told } = scene();
    ending.written({ version: 7, hash: "h" });
    ending.stopped({ version: 7, combiner, reason: "asked to stop" } as MessageOf<"stopped">);
    expect(told).toEqual([]);
    expect(ending.isLast(7)).toBe(true);
  });

  it("is void when everybody goes back behind it", () => {
    const { ending, commit } = scene();
    commit(10, { combiner });
    ending.recordedLast();
    ending.beginAnew(6, { version: 6 } as CheckpointSource);
    expect({ isCommitted: ending.isCommitted, isLast: ending.isLast(10), durable: ending.durable }).toEqual({
      ...{ isCommitted: false, isLast: false, durable: { version: 6, hash: null } },
    });
  });

  it("is there from the start where the record has all steps", () => {
    expect(scene({ resume: 10 }).ending.isDurable).toBe(true);
    expect(scene({ resume: 9, nextStep: 10 }).ending.isDurable).toBe(false);
  });

  it("is taken over from a leader that has made all steps, and told from one that was stopped before", () => {
    const held = { timeline: 0, running: true, over: true } as const;
    const { ending } = scene();
    expect(ending.takeOver({ ...held, version: 4 })).toBe("stopped");
    expect(ending.isCommitted).toBe(false);
    expect(ending.takeOver({ ...held, version: 10 })).toBe("finished");
    expect(ending.isCommitted).toBe(true);
  });
});
