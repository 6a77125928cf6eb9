import { execFileSync } from "node:child_process";
import { addons, ensureAddon } from "@latentweave/native";
import { describe, expect, it } from "vitest";
import { interruptNobody } from "./interrupt-nobody.ts";

const addon = await ensureAddon(addons.pageMap);

/** Prints the scheduling policies of this thread, before and after, and of one started then: the 41st field. */
const program = `
const { Worker } = require("node:worker_threads");
const policy = () =>
  require("node:fs").readFileSync("/proc/thread-self/stat", "utf8").split(") ").at(-1).split(" ")[38];
const before = policy();
require(process.argv[1]).interruptNobody();
const other = new Worker("require('node:worker_threads').parentPort.postMessage((" + policy + ")())", { eval: true });
other.on("message", (started) => console.log(JSON.stringify([before, policy(), started])));
`;

describe("a thread that interrupts nobody", () => {
  it.runIf(process.platform === "linux")("is scheduled in batches, and so are those that it starts", () => {
    if (addon.kind !== "ready") throw new Error(`the addon cannot be made: ${addon.reason}`);
    const said = execFileSync(process.execPath, ["-e", program, addon.file], { encoding: "utf8" });
    // SCHED_OTHER, SCHED_BATCH
    expect(JSON.parse(said)).toEqual(["0", "3", "3"]);
  });

  it("is like any other where there is no addon", () => {
    expect(interruptNobody({ ...process.env, LATENTWEAVE_CACHE: "/nowhere" })).toBe(false);
  });
});
