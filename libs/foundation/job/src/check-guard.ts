import { baselineName } from "@latentweave/model";
import { checkHeldOut } from "./check-held-out.ts";
import { combinerParts } from "./combiner-schema.ts";
import type { ParsedJob } from "./job-schema.ts";
import type { Problem } from "./problem.ts";

/** What a guard needs of the rest of the job: something shared, losses to judge by, and baselines that are what they say. */
export function checkGuard(job: ParsedJob): readonly Problem[] {
  const { guard } = job;
  if (!guard) return [];
  return [...checkOwn(guard), ...checkTasks(job), ...checkEvaluations(job), ...checkRest(job)];
}

/** The action that reads a field; the other fields are read whatever is done. */
const readBy = { teaches: "branch", factor: "reweight", most: "reweight" } as const;

function checkOwn(guard: NonNullable<ParsedJob["guard"]>): Problem[] {
  return (["teaches", "factor", "most"] as const)
    .filter((field) => guard[field] !== undefined && guard.action !== readBy[field])
    .map((field) => ({
      path: ["guard", field],
      what: `is set, but "${guard.action}" does not read it`,
      expected: `nothing, or action: "${readBy[field]}"`,
      mend: "change one of them",
    }));
}

function checkTasks({ tasks, model }: ParsedJob): Problem[] {
  const names = Object.keys(tasks);
  if (names.length === 1)
    return [
      {
        path: ["guard"],
        what: "is set, but there is one task: it is alone already",
        expected: "two tasks and more",
        mend: "leave guard out, or add a task",
      },
    ];
  if (model.kind === "private" || model.kind === "bank")
    return [
      {
        path: ["guard"],
        what:
          model.kind === "private"
            ? "is set, but in a private model tasks share nothing that could harm them"
            : "is set, but in a bank each task is trained alone first, and there is nothing to leave",
        expected: 'a model with something shared, such as { kind: "shared", latent: 32 }',
        mend: "leave guard out, or change model",
      },
    ];
  return names
    .filter((name) => names.includes(baselineName(name)))
    .map((name) => ({
      path: ["tasks", baselineName(name)],
      what: `is what the guard calls the baseline of "${name}"`,
      expected: "another name",
      mend: "rename one of the two",
    }));
}

function checkEvaluations(job: ParsedJob): Problem[] {
  return checkHeldOut(job, {
    who: "the guard goes by",
    test: "the guard would decide by",
    mend: "change it, or leave guard out",
  });
}

function checkRest({ mode, clipNorm, combiner }: ParsedJob): Problem[] {
  const { scalePrivate } = combinerParts(combiner);
  const problems: Problem[] = [];
  if (mode.kind !== "sync")
    problems.push({
      path: ["guard"],
      what: `is set, in the mode "${mode.kind}"`,
      expected: 'the mode "sync", in which an evaluation is known before the step that follows it',
      mend: "change one of them",
    });
  if (clipNorm != null)
    problems.push({
      path: ["clipNorm"],
      what: `got ${clipNorm}, one bound on all gradients together: a baseline would not be what its task is alone`,
      expected: "none beside a guard",
      mend: "leave one of them out",
    });
  if (scalePrivate)
    problems.push({
      path: ["combiner", "scalePrivate"],
      what: "is on, and the guard's weights would be applied to private parameters too",
      expected: "false: the guard acts on shared parameters alone",
      mend: "leave one of them out",
    });
  return problems;
}
