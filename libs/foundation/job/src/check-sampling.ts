import { checkHeldOut } from "./check-held-out.ts";
import type { ParsedJob } from "./job-schema.ts";
import type { Problem } from "./problem.ts";
import type { ResolvedSampling } from "./sampling-schema.ts";

/** What dealing by rows asks of the rest of the job. */
export function checkSampling(job: ParsedJob): Problem[] {
  const { sampling } = job;
  if (!sampling) return [];
  return [...checkDealing(job, sampling), ...(sampling.strategy === "adaptive" ? checkAdaptive(job) : [])];
}

function checkDealing(
  { tasks, mode, compression: { push } }: ParsedJob,
  sampling: ResolvedSampling,
): Problem[] {
  const problems: Problem[] = [];
  const count = Object.keys(tasks).length;
  if (count === 1)
    problems.push({
      path: ["sampling"],
      what: `got "${sampling.strategy}", but there is one task: nothing is to be dealt`,
      expected: "two tasks and more, or no sampling",
      mend: "leave sampling out; a task's microBatch and slots say how many samples a step takes",
    });
  if (sampling.samples < count)
    problems.push({
      path: ["sampling", "samples"],
      what: `got ${sampling.samples} for ${count} tasks`,
      expected: "a sample of each task in every step at least",
      mend: `write ${64 * count}, say`,
    });
  if (mode.kind === "diloco")
    problems.push({
      path: ["sampling"],
      what: 'is set, besides the mode "diloco", where slots are replicas, whose number belongs to the job',
      expected: "one of the two",
      mend: "remove one of them",
    });
  if (push && "level" in push && push.level !== "every")
    problems.push({
      path: ["compression", "push", "level"],
      what: `got ${push.level}, besides sampling: how many slots a task has follows from its rows`,
      expected: '"every"',
      mend: "leave level or sampling out",
    });
  return problems;
}

/** What follows losses needs them, of rows that judge nothing else afterwards, and before the next step begins. */
function checkAdaptive(job: ParsedJob): Problem[] {
  const { mode } = job;
  const mend = 'change it, or write strategy: "temperature"';
  const heldOut = checkHeldOut(job, {
    who: "adaptive sampling goes by",
    test: "what is trained on would follow",
    mend,
  });
  if (mode.kind !== "stale" && mode.kind !== "async") return heldOut;
  return [
    {
      path: ["sampling", "strategy"],
      what: `got "adaptive", in the mode "${mode.kind}"`,
      expected: 'the mode "sync", in which an evaluation is known before the step that follows it',
      mend,
    },
    ...heldOut,
  ];
}
