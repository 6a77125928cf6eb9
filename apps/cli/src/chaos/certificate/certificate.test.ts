import { stripVTControlCharacters } from "node:util";
import type { RunSpec } from "@latentweave/plan";
import type { CommitRecord } from "@latentweave/protocol";
import { type Fault, type JournalLine, parsePlan } from "@latentweave/faults";
import { describe, expect, it } from "vitest";
import type { Certificate, RunSummary } from "./certificate.ts";
import { certificateHtml } from "./certificate-html.ts";
import { certificateText } from "./certificate-text.ts";
import { checkRecords } from "./check-ledger.ts";
import { findProblems } from "./find-problems.ts";
import { measureFaults } from "./measure-faults.ts";
import { summaryText } from "./summary-text.ts";

const spec = {
  tasks: [{ name: "a", slots: 4, microBatch: 8, evaluationShardRows: [] }],
  phases: [{ name: "p", steps: 2, resetOptimiser: false, graphs: [{ task: "a" }] }],
  evaluation: null,
  checkpointEverySteps: 0,
} as unknown as RunSpec;

type Node = readonly [level: number, index: number];

/** A commit that two shards made of the same nodes, or of others. */
function commit(step: number, nodes: readonly Node[], ofOther: readonly Node[] = nodes): CommitRecord {
  const shard = (index: number, own: readonly Node[]): unknown => ({
    index,
    nodes: own.map(([level, position]) => [level, position, "worker-0", ""]),
  });
  const tasks = [{ task: "a", round: 0, slots: 4, shards: [shard(0, nodes), shard(1, ofOther)] }];
  return { step, duplicates: step, tasks } as unknown as CommitRecord;
}

const whole: readonly Node[] = [[2, 0]];
const halves: readonly Node[] = [
  [1, 0],
  [1, 1],
];

describe("samples", () => {
  it("are all there, and once, where every commit covers every slot", () => {
    const found = checkRecords([commit(0, whole), commit(1, halves)], spec);
    expect(found).toMatchObject({ planned: 64, applied: 64, lost: 0, appliedTwice: 0, problems: [] });
    expect([...found.duplicates]).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it("are lost where a slot is in no node, on one shard of several too", () => {
    expect(checkRecords([commit(0, [[1, 0]]), commit(1, whole)], spec).lost).toBe(16);
    expect(checkRecords([commit(0, whole, [[1, 1]]), commit(1, whole)], spec).lost).toBe(16);
  });

  it("are applied twice where a slot is in two nodes, or a step in two commits", () => {
    const overlapping: readonly Node[] = [
      [2, 0],
      [0, 3],
    ];
    expect(checkRecords([commit(0, overlapping), commit(1, whole)], spec).appliedTwice).toBe(8);
    const twice = checkRecords([commit(0, whole), commit(0, whole), commit(1, whole)], spec);
    expect(twice.appliedTwice).toBe(32);
    expect(twice.problems).toEqual(["step 0 is committed 2 times"]);
  });

  it("are lost with a step that was never committed; one that was never planned is told", () => {
    const found = checkRecords([commit(0, whole), commit(7, whole)], spec);
    expect(found.lost).toBe(32);
    expect(found.problems).toEqual([
      "step 1 is committed 0 times",
      "step 7 is committed and was never planned",
    ]);
  });
});

const plan = parsePlan(
  [
    { do: "kill", to: "worker-1", at: { step: 1, moment: "mid-push" } },
    { do: "kill", to: "everything", at: { step: 2 } },
    { do: "stop", to: "shard-0", at: { step: 3 } },
  ],
  "p",
).faults as readonly Fault[];

const struck = (fault: number, atMs: number, process: string): JournalLine => ({
  kind: "struck",
  ...{ fault, atMs, process, pid: 1, step: fault, moment: null },
});
const committed = (step: number, atMs: number): JournalLine => ({ kind: "commit", step, atMs, isGap: false });
const journal: readonly JournalLine[] = [
  committed(0, 1_000),
  struck(1, 1_100, "worker-1"),
  { kind: "event", atMs: 1_120, level: "info", text: "worker worker-0 reports" },
  { kind: "event", atMs: 1_150, level: "warning", text: "worker worker-1 was lost" },
  committed(1, 1_400),
  struck(2, 2_000, "everything"),
  { kind: "ended", process: "coordinator", atMs: 2_030, how: "SIGKILL" },
  { kind: "taken-up", atMs: 2_500, reason: "the coordinator ended" },
  committed(1, 5_000),
  committed(2, 5_100),
];
const computed = [
  { atMs: 900, slot: 0 },
  { atMs: 1_200, slot: 0 },
  { atMs: 1_210, slot: 1 },
].map((line) => ({ worker: "worker-0", step: 1, round: 0, task: "a", ...line }));

describe("what a fault did", () => {
  const { faults, totals } = measureFaults(plan, journal, computed, new Map([[1, 5]]), 1_000);

  it("is noticed by the first word about that process, and over with the next commit", () => {
    expect(faults[0]).toMatchObject({
      outcome: "struck",
      atMs: 100,
      detectMs: 50,
      detected: "worker worker-1 was lost",
      nextCommitMs: 300,
      undoneSteps: 0,
    });
  });

  it("is put down to it until the next one strikes", () => {
    expect(faults.map(({ recomputed }) => recomputed)).toEqual([1, 0, 0]);
    expect(faults.map(({ undoneSteps }) => undoneSteps)).toEqual([0, 1, 0]);
    expect(faults[1]).toMatchObject({ detectMs: 30, nextCommitMs: 3_100, takenUp: true });
    expect(totals).toEqual({ recomputed: 1, undoneSteps: 1, duplicates: 5, takenUp: 1 });
  });

  it("undid nothing where a successor only tells what was committed while it was not there", () => {
    const gap = { kind: "commit", step: 1, atMs: 2_000, isGap: true } as const;
    const of = (lines: readonly JournalLine[]): number =>
      measureFaults(plan, lines, [], new Map(), 0).totals.undoneSteps;
    expect(of([struck(1, 1_000, "coordinator"), gap, committed(1, 2_001)])).toBe(0);
    const back = {
      kind: "event",
      level: "warning",
      text: "back to the initial weights",
      atMs: 2_001,
    } as const;
    expect(of([struck(1, 1_000, "coordinator"), gap, back, committed(1, 2_002)])).toBe(1);
  });

  it("is nothing where it never struck", () => {
    expect(faults[2]).toMatchObject({ outcome: "not reached", detectMs: null, nextCommitMs: null });
  });
});

const summary: RunSummary = {
  ...{ runId: "a", directory: "/runs/a", state: "finished" as const, reason: null, version: 2 },
  ...{ hash: "aa", elapsedMs: 1 },
};
const fine = {
  ...{ planned: 64, applied: 64, lost: 0, appliedTwice: 0, problems: [] },
  duplicates: new Map<number, number>(),
};
const allStruck = measureFaults(plan, [...journal, struck(3, 6_000, "shard-0")], [], new Map(), 0).faults;

const certificate: Certificate = {
  ...{
    format: 1 as const,
    green: false,
    problems: ["the <b>hashes</b> differ"],
    job: "job.ts",
    plan: "p.yaml",
  },
  ...{ steps: 2, workers: 2, shards: 1, means: [], undisturbed: summary, disturbed: summary },
  faults: allStruck,
  samples: { planned: 64, applied: 64, lost: 0, appliedTwice: 0 },
  totals: { recomputed: 1, undoneSteps: 1, duplicates: 5, takenUp: 1 },
  commits: [
    { step: 0, atMs: 0 },
    { step: 1, atMs: 400 },
  ],
};

describe("a certificate", () => {
  it("is green only where the hashes are equal, no sample is lost or twice, and every fault struck", () => {
    expect(findProblems(summary, summary, fine, allStruck)).toEqual([]);
    expect(findProblems(summary, { ...summary, hash: "bb" }, fine, allStruck)).toEqual(["the hashes differ"]);
    expect(findProblems(summary, summary, { ...fine, lost: 3 }, allStruck)).toEqual(["3 samples are lost"]);
    expect(findProblems(summary, summary, { ...fine, appliedTwice: 3 }, allStruck)).toEqual([
      "3 samples are applied twice",
    ]);
    const missed = measureFaults(plan, journal, [], new Map(), 0).faults;
    expect(findProblems(summary, summary, fine, missed)).toEqual(["never struck: fault 3"]);
    const failed: RunSummary = { ...summary, state: "failed", hash: null, reason: "lost\nmore" };
    expect(findProblems(summary, failed, fine, allStruck)).toEqual([
      "run a failed: lost",
      "the hashes differ",
    ]);
  });

  it("says the same as text and as a page, and takes no markup from what it is told", () => {
    const text = certificateText(certificate, "c.html");
    expect(text).toContain("64 planned, 64 applied; 0 lost, 0 applied twice");
    expect(text).toContain("taken up with --resume");
    const page = certificateHtml(certificate);
    expect(page).toContain("the &#60;b&#62;hashes");
    expect(page).not.toContain("<b>");
    for (const fault of allStruck) expect(page).toContain(fault.what);
  });

  it("has its line among several, and the sum says how many are green", () => {
    const text = stripVTControlCharacters(
      summaryText([{ ...certificate, plan: "random seed 1", green: true, problems: [] }, certificate]),
    );
    expect(text).toMatch(/random seed 1 .*3 of 3 .* green$/m);
    expect(text).toMatch(/p\.yaml .* not green: the <b>hashes<\/b> differ$/m);
    expect(text).toContain("1 of 2 green");
  });
});
