import type { ParsedJob } from "./job-schema.ts";
import type { Problem } from "./problem.ts";

/**
 * What decides while a run goes on by losses on held-out rows needs evaluations, and rows that judge nothing else.
 * @param who "got 0, but WHO evaluations". @param test "got \"test\": TEST the rows that are to judge the run afterwards"
 * @param mend where there are no evaluations
 */
export function checkHeldOut(
  { evaluate }: Pick<ParsedJob, "evaluate">,
  { who, test, mend }: { readonly who: string; readonly test: string; readonly mend: string },
): Problem[] {
  const problems: Problem[] = [];
  if (evaluate.everySteps === 0)
    problems.push({
      path: ["evaluate", "everySteps"],
      what: `got 0, but ${who} evaluations`,
      expected: "some steps, such as a twentieth of the run",
      mend,
    });
  if (evaluate.split === "test")
    problems.push({
      path: ["evaluate", "split"],
      what: `got "test": ${test} the rows that are to judge the run afterwards`,
      expected: '"validation", with a validation part in the data of each task',
      mend: 'write evaluate: { split: "validation" } and, in each data, split: { validation: 0.1 }',
    });
  return problems;
}
