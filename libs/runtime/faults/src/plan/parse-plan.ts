import { nearest } from "@latentweave/job";
import type { z } from "zod";
import { type FaultPlan, faultKinds, faultSchema, planSchema } from "./fault.ts";
import { type PlanProblem, refusePlan } from "./problem.ts";

/**
 * A plan as a file says it: a list of faults, or an object with `faults` and what it wants of the job.
 * @param file for messages
 * @throws UserError (exit code 2) with every problem found: path, value, what was expected
 */
export function parsePlan(input: unknown, file: string): FaultPlan {
  const isList = Array.isArray(input);
  const whole: unknown = isList ? { faults: input } : input;
  const parsed = planSchema.safeParse(whole);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => explain(issue, whole));
  // A plan that is a list has no field `faults` for its reader.
  const seen = isList ? problems.map((problem) => ({ ...problem, path: problem.path.slice(1) })) : problems;
  return refusePlan(seen, file);
}

function explain(issue: z.core.$ZodIssue, input: unknown): PlanProblem[] {
  const { path } = issue;
  const value = valueAt(input, path);
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(path, input);
    return issue.keys.map((key) => ({
      path: [...path, key],
      what: "unknown field",
      ...(known.length === 0 ? {} : { expected: `one of ${known.join(", ")}` }),
      mend: didYouMean(key, known) ?? "remove it",
    }));
  }
  if (issue.code === "invalid_union") {
    const isKind = path.at(-1) === "do";
    const kind = isKind ? value : valueAt(value, ["do"]);
    return [
      {
        path: isKind ? path : [...path, "do"],
        what: kind === undefined ? "is missing" : `got ${show(kind)}, which is no fault`,
        expected: `one of ${faultKinds.join(", ")}`,
        ...mendOf(typeof kind === "string" ? didYouMean(kind, faultKinds) : undefined),
      },
    ];
  }
  return [
    {
      path,
      what: value === undefined ? "is missing" : `got ${show(value)}`,
      expected: expectation(issue),
    },
  ];
}

const names: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  object: "an object",
  array: "a list",
  record: "an object with a name for each entry",
};

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return names[issue.expected] ?? issue.expected;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      if (issue.origin === "array") return "a list that is not empty";
      if (issue.origin === "string") return "text that is not empty";
      return `a number ${issue.inclusive === false ? "above" : "of at least"} ${issue.minimum}`;
    case "too_big":
      return `a number of at most ${issue.maximum}`;
    case "invalid_key":
      return "host-1, host-2, ...";
    default:
      return issue.message.replace(/^expected /, "");
  }
}

function fieldsAt(path: readonly PropertyKey[], input: unknown): readonly string[] {
  if (path.length === 0) return Object.keys(planSchema.shape);
  if (path[0] === "faults" && path.length === 2) {
    const kind = valueAt(valueAt(input, path), ["do"]);
    const option = faultSchema.options.find((each) => each.shape.do.value === kind);
    return option ? Object.keys(option.shape) : [];
  }
  if (path.at(-1) === "at") return ["step", "moment", "afterMs"];
  return path[0] === "job" ? ["steps", "seed", "workers", "shards", "set"] : [];
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}

function show(value: unknown): string {
  const text = (JSON.stringify(value) as string | undefined) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const near = nearest(word, known);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

function mendOf(mend: string | undefined): { readonly mend?: string } {
  return mend === undefined ? {} : { mend };
}
