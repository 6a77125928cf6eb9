import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { LedgerRecord } from "@latentweave/checkpoint";
import { describe, expect, it } from "vitest";
import { forge } from "./testing/forge.ts";
import { digestOf, makeRun, temporaryRun } from "./testing/made-run.ts";
import { verifyRun } from "./verify-run.ts";

type Records = readonly LedgerRecord[];

async function whatsWrongWith(change: (records: Records) => Records): Promise<string[]> {
  const directory = temporaryRun();
  await makeRun(directory);
  forge(directory, change);
  const { problems, consistent } = await verifyRun(directory);
  expect(consistent).toBe(problems.length === 0);
  return problems.map(({ what }) => what);
}

const isStep = (step: number, timeline: number) => (record: LedgerRecord) =>
  record.kind === "commit" && record.step === step && record.timeline === timeline;

/** With one record changed into others. */
const replaced = (
  records: Records,
  which: (record: LedgerRecord) => boolean,
  by: (record: LedgerRecord) => Records,
): Records => records.flatMap((record) => (which(record) ? by(record) : [record]));

describe("a record whose chain is unbroken", () => {
  it("is believed when nothing in it was changed", async () => {
    expect(await whatsWrongWith((records) => records)).toEqual([]);
  });

  it.each<[string, (records: Records) => Records, string]>([
    [
      "lacks a commit",
      (records) => replaced(records, isStep(7, 1), () => []),
      "the record continues with step 7: 1 commits are missing",
    ],
    [
      "has a commit twice",
      (records) => replaced(records, isStep(7, 1), (record) => [record, record]),
      "the record continues with step 8: this one is there already",
    ],
    [
      "has a commit of a timeline that has not begun",
      (records) => replaced(records, isStep(7, 1), (record) => [{ ...record, timeline: 2 } as LedgerRecord]),
      "it is of timeline 2, the record is in 1",
    ],
    [
      "has a timeline that does not rise",
      (records) =>
        replaced(
          records,
          ({ kind }) => kind === "timeline",
          (record) => [{ ...record, timeline: 0 } as LedgerRecord],
        ),
      "timeline 0 begins after timeline 0",
    ],
    [
      "goes back to where it has not been",
      (records) =>
        replaced(
          records,
          ({ kind }) => kind === "timeline",
          (record) => [{ ...record, fromVersion: 7 } as LedgerRecord],
        ),
      "timeline 1 begins at version 7, which step 6 has not made",
    ],
    [
      "seals what was not made yet",
      (records) => {
        const seal = records.find((record) => record.kind === "seal" && record.version === 9);
        return [...records.slice(0, 3), ...(seal ? [seal] : []), ...records.slice(3)];
      },
      "it seals version 9 when the record is at step 2",
    ],
    [
      "ends before the run did",
      (records) => replaced(records, isStep(9, 1), () => []),
      "the run is finished, but its record ends at step 9 of 10",
    ],
    [
      "says two things of one version",
      (records) => [
        ...records,
        { kind: "version", version: 5, timeline: 1, digest: digestOf(6) } satisfies LedgerRecord,
      ],
      `version 5 has the digest ${digestOf(6).slice(0, 12)}…, before it had ${digestOf(5).slice(0, 12)}…`,
    ],
    [
      "does not say what it belongs to",
      (records) => records.filter(({ kind }) => kind !== "start"),
      "it does not say which spec.json it belongs to",
    ],
  ])("is not believed when it %s", async (_, change, what) => {
    expect(await whatsWrongWith(change)).toContain(what);
  });

  it("is refused when it is of another format", async () => {
    const directory = temporaryRun();
    await makeRun(directory);
    forge(directory, (records) => records, 1);
    await expect(verifyRun(directory)).rejects.toThrow("this run's record has format 1");
  });
});

describe("a record whose last line is not whole", () => {
  it("says how much of it there is", async () => {
    const directory = temporaryRun();
    await makeRun(directory);
    const file = path.join(directory, "ledger", "commits.jsonl");
    const whole = readFileSync(file);
    const lines = whole.toString("utf8").trimEnd().split("\n").length;
    writeFileSync(file, whole.subarray(0, whole.byteLength - 10));
    const { problems } = await verifyRun(directory);
    expect(problems[0]).toEqual({
      where: `ledger/commits.jsonl, line ${lines}`,
      what: expect.stringMatching(/^the last \d+ bytes are no whole line$/) as string,
    });
  });
});
