import { UserError } from "@latentweave/protocol";

/** One thing wrong with a plan. */
export interface PlanProblem {
  /** Keys from the plan's root. */
  readonly path: readonly PropertyKey[];
  readonly what: string;
  readonly expected?: string;
  readonly mend?: string;
}

/** Shown in full; of more, only the number. */
const mostShown = 8;

/** @throws UserError (exit code 2), always */
export function refusePlan(problems: readonly PlanProblem[], file: string): never {
  const errors = problems.map(
    ({ path, what, expected, mend }) =>
      new UserError({
        where: path.length === 0 ? file : `${file}: ${showPath(path)}`,
        what,
        ...(expected === undefined ? {} : { expected }),
        mend: mend ?? "mend this field of the plan; docs/chaos.md has the format",
        exitCode: 2,
      }),
  );
  const [first, ...others] = errors as [UserError, ...UserError[]];
  if (others.length > 0)
    first.message = [
      first.message,
      `and ${others.length} more:`,
      ...others.slice(0, mostShown).map(({ message }) => message),
    ].join("\n");
  throw first;
}

function showPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}
