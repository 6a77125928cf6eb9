import type { Verification } from "@latentweave/verify-engine";
import type { Recomputation } from "../replay/recompute.ts";
import pc from "picocolors";
import { formatCount } from "./numbers.ts";

/** What `verify` says about a run. */
export function formatVerification(found: Verification): string {
  const lines = [
    ["record", `${formatCount(found.lines)} lines, each chained to the one before`],
    ["steps", steps(found)],
    ["applied", applied(found)],
    ["by", `${found.workers.length} workers, ${formatCount(found.nodes)} sums with their digests`],
    [
      "weights",
      `${formatCount(found.digests)} of ${formatCount(found.version + 1)} versions have a recorded digest`,
    ],
    ["checkpoints", checkpoints(found)],
    ...(found.sameBits
      ? []
      : [["same bits", "given up by the job (compression.sameBits: false): nothing can be computed again"]]),
  ].map(([name = "", text = ""]) => `${name.padEnd(12)}${text}`);
  const hidden = found.problemCount - found.problems.length;
  for (const { where, what } of found.problems) lines.push(pc.red(`${where}: ${what}`));
  if (hidden > 0) lines.push(pc.red(`and ${formatCount(hidden)} more like these`));
  lines.push(found.consistent ? pc.green("consistent") : pc.red("not consistent"));
  return lines.join("\n");
}

const ends: ReadonlySet<string> = new Set(["finished", "interrupted", "failed"]);

function steps({ steps, plannedSteps, endedEarly, repeated, timelines, state }: Verification): string {
  const again =
    timelines.length === 0
      ? ""
      : `; ${formatCount(repeated)} were computed again (${timelines.map(({ reason }) => reason).join(", ")})`;
  return `${formatCount(steps)} of ${plannedSteps === null ? "?" : formatCount(plannedSteps)} are in effect, each once${again}; ${ends.has(state) ? state : "the run did not come to an end"}${endedEarly ? " early, as held-out losses fell no further" : ""}`;
}

function applied({ microBatches, samples, duplicates, pausedSteps }: Verification): string {
  const counts = Object.entries(samples).map(([task, count]) => `${task} ${formatCount(count)}`);
  const paused = Object.entries(pausedSteps).map(([task, steps]) => `${task} in ${formatCount(steps)} steps`);
  return `${formatCount(microBatches)} micro-batches; samples: ${counts.join(", ")}; ${formatCount(duplicates)} duplicates dropped${paused.length > 0 ? `; left out while paused: ${paused.join(", ")}` : ""}`;
}

function checkpoints({ checkpoints: checked }: Verification): string {
  if (checked.length === 0) return "none is whole";
  const names = checked.map(({ version, void: isVoid }) => (isVoid ? `${version} (void)` : String(version)));
  return `${names.join(", ")}: every byte read`;
}

/** What `verify --recompute` adds. */
export function formatRecomputation(again: Recomputation): string {
  const lines = [
    `recomputed  ${formatCount(again.steps)} steps from version ${again.from} on: ${formatCount(again.microBatches)} micro-batches; ${formatCount(again.nodes)} sums and ${formatCount(again.versions)} versions compared bit for bit`,
    ...again.problems.map(({ where, what }) => pc.red(`${where}: ${what}`)),
    again.proved
      ? pc.green(`proved: steps ${again.first} to ${again.last} come to exactly what was recorded`)
      : pc.red("not proved"),
  ];
  return lines.join("\n");
}
