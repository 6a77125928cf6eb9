import { execFileSync } from "node:child_process";
import { addons, ensureAddon } from "@latentweave/native";
import { describe, expect, it } from "vitest";
import { answerAtOnce, interruptNobody } from "./scheduling.ts";

const addon = await ensureAddon(addons.pageMap);
const nowhere = { ...process.env, LATENTWEAVE_CACHE: "/nowhere" };

/**
 * Prints how this thread and one that it then starts are scheduled, before and after what the addon is told: the policy
 * (field 41 of the system's line, counted from 1) and the niceness (field 19).
 */
const program = (kind: number): string => `
const { Worker } = require("node:worker_threads");
const policy = () => {
  const fields = require("node:fs").readFileSync("/proc/thread-self/stat", "utf8").split(") ").at(-1).split(" ");
  return fields[38] + " " + fields[16];
};
require("node:os").setPriority(3);
const before = policy();
require(process.argv[1]).schedule(${kind});
const other = new Worker("require('node:worker_threads').parentPort.postMessage((" + policy + ")())", { eval: true });
other.on("message", (started) => console.log(JSON.stringify([before, policy(), started])));
`;

function scheduled(kind: number): unknown {
  if (addon.kind !== "ready") throw new Error(`the addon cannot be made: ${addon.reason}`);
  return JSON.parse(execFileSync(process.execPath, ["-e", program(kind), addon.file], { encoding: "utf8" }));
}

describe.runIf(process.platform === "linux")("a thread", () => {
  it("that interrupts nobody is scheduled in batches, as are those that it starts, and as nice as before", () => {
    // SCHED_OTHER, SCHED_BATCH
    expect(scheduled(0)).toEqual(["0 3", "3 3", "3 3"]);
  });

  it("that asks for short turns stays an ordinary one, as nice as before", () => {
    expect(scheduled(1)).toEqual(["0 3", "0 3", "0 3"]);
  });
});

it("without the addon threads are scheduled like any other", () => {
  expect([interruptNobody(nowhere), answerAtOnce(nowhere)]).toEqual([false, false]);
});
