/** Whether every sample was applied exactly once, from what the run has recorded: nothing else is believed. */
import { readFileSync } from "node:fs";
import path from "node:path";

/**
 * @param spec with one slot per micro-batch; each slot's samples belong to one step and slot alone (docs/data.md)
 * @returns {{ commits: number, lost: number, doubled: number }} micro-batches
 */
export function checkLedger(folder, spec) {
  const lines = readFileSync(path.join(folder, "ledger", "commits.jsonl"), "utf8")
    .trim()
    .split("\n");
  const commits = lines.map((line) => JSON.parse(line)).flatMap(commitOf);
  let lost = 0;
  let doubled = 0;
  for (const [step, commit] of commits.entries()) {
    if (commit.step !== step) throw new Error(`commit ${step} of the ledger is of step ${commit.step}`);
    for (const task of spec.tasks) {
      const record = commit.tasks.find((entry) => entry.task === task.name);
      for (const { nodes } of record?.shards ?? [{ nodes: record?.nodes ?? [] }]) {
        const covered = new Uint8Array(task.slots);
        for (const [level, index] of nodes)
          for (let slot = index * 2 ** level; slot < Math.min((index + 1) * 2 ** level, task.slots); slot++)
            covered[slot] += 1;
        lost += covered.filter((times) => times === 0).length;
        doubled += covered.filter((times) => times > 1).length;
      }
    }
  }
  return { commits: commits.length, lost, doubled };
}

/** A ledger has other records too, and a commit may lie in an envelope with its checksums. */
function commitOf(line) {
  const record = line.record ?? line;
  return Array.isArray(record.tasks) && Number.isInteger(record.step) ? [record] : [];
}
