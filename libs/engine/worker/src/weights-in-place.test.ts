import { setImmediate } from "node:timers/promises";
import type { MessageOf } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createWeightsInPlace, type WeightsInPlace } from "./weights-in-place.ts";

const weights = { type: "weights" } as unknown as MessageOf<"weights">;

interface Seen {
  readonly inPlace: WeightsInPlace;
  readonly said: string[];
  /** Answers the oldest offer that was not answered. */
  answer(refusal?: string): Promise<void>;
}

function start(shards = 2): Seen {
  const said: string[] = [];
  const waiting: ((refusal: string | undefined) => void)[] = [];
  const inPlace = createWeightsInPlace({
    shards,
    mapWeights: () => new Promise((resolve) => waiting.push(resolve)),
    tell: (index) => said.push(`tell ${index}`),
    onLost: () => said.push("lost"),
    onFailed: (error) => said.push(String(error)),
    log: (line) => said.push(line),
  });
  return {
    ...{ inPlace, said },
    async answer(refusal) {
      waiting.shift()?.(refusal);
      await setImmediate();
    },
  };
}

describe("weights that are read in place", () => {
  it("are so once every shard's can be, and every shard is told once", async () => {
    const { inPlace, said, answer } = start();
    inPlace.offered(0, weights);
    inPlace.offered(1, weights);
    await answer();
    expect([inPlace.active, said]).toEqual([false, []]);
    expect(inPlace.admit(1)).toBe(true);
    await answer();
    expect([inPlace.active, said]).toEqual([true, ["tell 0", "tell 1"]]);
    expect([inPlace.admit(0), inPlace.admit(1)]).toEqual([true, true]);
  });

  it("stay so through an attachment that begins anew and offers again, and that shard is told again", async () => {
    const { inPlace, said, answer } = start(1);
    inPlace.offered(0, weights);
    await answer();
    inPlace.forget(0);
    inPlace.offered(0, weights);
    expect(inPlace.admit(0)).toBe(true);
    await answer();
    expect([inPlace.active, said]).toEqual([true, ["tell 0", "tell 0"]]);
  });

  it("are sent again, all of them, when a shard that comes back offers none", async () => {
    const { inPlace, said, answer } = start(1);
    inPlace.offered(0, weights);
    await answer();
    inPlace.forget(0);
    expect(inPlace.admit(0)).toBe(false);
    expect([inPlace.active, said]).toEqual([false, ["tell 0", "lost"]]);
    expect(inPlace.admit(0)).toBe(true);
  });

  it("are sent again when what is offered anew cannot be read", async () => {
    const { inPlace, said, answer } = start(1);
    inPlace.offered(0, weights);
    await answer();
    inPlace.offered(0, weights);
    await answer("ENOENT");
    expect(inPlace.active).toBe(false);
    expect(said.at(-1)).toBe("lost");
    expect(said[1]).toContain("the weights of shard 0 are sent");
  });

  it("are never so where one shard's cannot be read, which is said once", async () => {
    const { inPlace, said, answer } = start();
    inPlace.offered(0, weights);
    inPlace.offered(1, weights);
    await answer("ENOENT");
    await answer();
    expect([inPlace.active, said.length]).toEqual([false, 1]);
  });

  it("do not hear of an offer that counts no more", async () => {
    const { inPlace, said, answer } = start(1);
    inPlace.offered(0, weights);
    inPlace.forget(0);
    await answer();
    expect([inPlace.active, said]).toEqual([false, []]);
    inPlace.offered(0, weights);
    inPlace.stop();
    await answer();
    expect(said).toEqual([]);
  });
});
