import type { ParsedJob } from "./job-schema.ts";
import { isOrdered } from "./mode-schema.ts";
import type { Problem } from "./problem.ts";
import { completeRobust, type ResolvedRobust } from "./robust-schema.ts";

/** A rule needs enough micro-batches of each task, and each by itself. */
export function checkRobust({ robust, tasks, mode, compression }: ParsedJob): Problem[] {
  if (!robust) return [];
  const rule = completeRobust(robust);
  const problems: Problem[] = [];
  const least = leastSlots(rule);
  for (const [task, { slots }] of Object.entries(tasks)) {
    if (slots < least.slots)
      problems.push({
        path: ["tasks", task, "slots"],
        what: `got ${slots}, which are too few micro-batches for ${least.why}`,
        expected: `${least.slots} or more`,
        mend: "change slots (and microBatch, for as many samples), or byzantine",
      });
    else if (rule.kind === "multi-krum" && rule.select !== null && rule.select > slots - rule.byzantine - 2)
      problems.push({
        path: ["robust", "select"],
        what: `got ${rule.select}; of the ${slots} micro-batches of task "${task}" the rule bears ${rule.byzantine} wrong ones only where it takes the mean of fewer`,
        expected: `1 to ${slots - rule.byzantine - 2} (slots − byzantine − 2)`,
        mend: "change select, or leave it out",
      });
  }
  const other = isOrdered(mode)
    ? `the mode "${mode.kind}"`
    : compression.push || compression.auto
      ? "compressed pushes, which are rounded as sums"
      : undefined;
  if (other !== undefined)
    problems.push({
      path: ["robust"],
      what: `got "${rule.kind}", besides ${other}`,
      expected: "one of the two",
      mend: "remove one of them",
    });
  return problems;
}

function leastSlots(rule: ResolvedRobust): { readonly slots: number; readonly why: string } {
  switch (rule.kind) {
    case "krum":
    case "multi-krum":
      return {
        slots: 2 * rule.byzantine + 3,
        why: `"${rule.kind}" with byzantine: ${rule.byzantine} (2·byzantine + 3)`,
      };
    case "trimmed-mean":
      return {
        slots: 2 * rule.byzantine + 1,
        why: `"trimmed-mean" with byzantine: ${rule.byzantine} (2·byzantine + 1)`,
      };
    case "median":
    case "centred-clipping":
      return { slots: 1, why: `"${rule.kind}"` };
  }
}
