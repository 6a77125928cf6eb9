import { loadArithmetic } from "@latentweave/arithmetic";
import type { Channel, MessageOf } from "@latentweave/protocol";
import { createWorker } from "@latentweave/worker-engine";
import { describe, expect, it } from "vitest";
import { randomRows } from "./cluster.ts";
import { createFakePeer, type FakePeer } from "./fake-peer.ts";
import { createPlainCompute } from "./plain-compute.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const runId = "r";
const spec = smallSpec({ steps: 3, evaluation: null });

interface Scene {
  readonly coordinator: FakePeer;
  /** Addresses in the order in which they were dialled; one that is not answered is dialled once. */
  readonly dialled: string[];
  /** What it dials from now on is there. */
  answer(address: string): void;
  peer(address: string): FakePeer;
  pass(ms: number): Promise<void>;
}

/** A worker of another host than the coordinator's, that has its welcome. */
async function elsewhere(local = false): Promise<Scene> {
  const clock = createVirtualClock();
  const dialled: string[] = [];
  const answered = new Set<string>();
  const peers = new Map<string, FakePeer>();
  const worker = createWorker({
    ...{ runId, workerId: "w", clock },
    arithmetic: loadArithmetic(),
    compute: createPlainCompute(),
    canary: async () => "plain",
    openRows: async (task) => randomRows(smallWidth, smallClasses)(task),
    keepShard(address, onChannel) {
      dialled.push(address);
      if (answered.has(address)) peers.set(address, createFakePeer(clock, address, onChannel));
      return { stop: () => undefined };
    },
    relay: {
      ...{ loopback: "here", port: 7 },
      addressOf: ({ workerId }, shard) => `relay ${workerId} ${shard}`,
      listen: () => undefined,
    },
    identity: { host: "h", pid: 1, software: "test" },
    residentBytes: () => 0,
    beforeMicroBatch: () => new Promise((resolve) => clock.after(1, resolve)),
    log: () => undefined,
  });
  const coordinator = createFakePeer(clock, "coordinator", (channel: Channel) =>
    worker.join(Object.assign(Object.create(channel) as Channel, { local })),
  );
  await coordinator.say({
    ...{ type: "welcome", runId, generation: 1, runKey: "key", spec: JSON.stringify(spec) },
    ...{ shards: ["shard-0"], data: { kind: "directory", at: "d" } },
  });
  return {
    ...{ coordinator, dialled },
    async pass(ms) {
      await clock.run(() => false, clock.nowMs() + ms);
    },
    answer: (address) => void answered.add(address),
    peer(address) {
      const found = peers.get(address);
      if (!found) throw new Error(`it has not come to ${address}, but to ${dialled.join(", ")}`);
      return found;
    },
  };
}

function assignment(quorumId: number, relay?: string): MessageOf<"assignment"> {
  const leases = [{ task: "first", start: 0, end: 1 }];
  return {
    ...{ type: "assignment", runId, quorumId, rank: 0, worldSize: 2, leases, audits: [] },
    ...(relay !== undefined && {
      relay: {
        workerId: relay,
        port: 7,
        workers: [
          { workerId: "w", leases },
          { workerId: relay, leases: [] },
        ],
      },
    }),
  };
}

describe("a worker of another host than the parameter server's", () => {
  it("says where it could relay, and asks no shard for weights before it has been told who does", async () => {
    const { coordinator, dialled } = await elsewhere();
    expect(coordinator.last("hello").relay).toEqual({ loopback: "here", port: 7 });
    expect(coordinator.last("canary").digest).toBe("plain");
    expect(dialled).toEqual([]);
    await coordinator.say(assignment(1));
    expect(dialled).toEqual(["shard-0"]);
  });

  it("says nothing of the kind on the parameter server's own host, and goes to the shards at once", async () => {
    const { coordinator, dialled } = await elsewhere(true);
    expect(coordinator.last("hello").relay).toBeUndefined();
    expect(dialled).toEqual(["shard-0"]);
  });

  it("goes where it is told, and back", async () => {
    const { coordinator, dialled, answer, peer } = await elsewhere();
    for (const address of ["relay x 0", "relay y 0", "shard-0"]) answer(address);
    await coordinator.say(assignment(1, "x"));
    expect(peer("relay x 0").last("attach")).toMatchObject({ workerId: "w" });
    await coordinator.say(assignment(2, "x"));
    expect(dialled).toEqual(["relay x 0"]);
    await coordinator.say(assignment(3, "y"));
    expect(peer("relay y 0").last("attach")).toMatchObject({ workerId: "w" });
    await coordinator.say(assignment(4));
    expect(dialled).toEqual(["relay x 0", "relay y 0", "shard-0"]);
  });

  it("speaks for itself where the relay cannot be reached for a second, or no more, until it is told of another", async () => {
    const { coordinator, dialled, answer, peer, pass } = await elsewhere();
    answer("shard-0");
    await coordinator.say(assignment(1, "x"));
    expect(dialled).toEqual(["relay x 0"]);
    await pass(1_100);
    expect(dialled).toEqual(["relay x 0", "shard-0"]);
    expect(peer("shard-0").last("attach")).toMatchObject({ workerId: "w" });
    answer("relay y 0");
    await coordinator.say(assignment(2, "y"));
    expect(dialled.at(-1)).toBe("relay y 0");
    await peer("relay y 0").cut();
    await pass(1_100);
    expect(dialled.slice(2)).toEqual(["relay y 0", "shard-0"]);
  });
});
