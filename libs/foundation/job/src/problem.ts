import { UserError } from "@latentweave/protocol";

/** One thing wrong with a job. */
export interface Problem {
  /** Keys from the job's root, e.g. ["tasks", "digits", "encoder", 0, "units"]. */
  readonly path: readonly PropertyKey[];
  readonly what: string;
  readonly expected?: string;
  readonly mend?: string;
}

/** A job that cannot be run: the first problem as any UserError, then the others. */
export class JobError extends UserError {
  readonly problems: readonly Problem[];

  /** @param file the job's file, for the message */
  constructor(problems: readonly Problem[], file: string | undefined) {
    const [first, ...others] = problems;
    if (!first) throw new RangeError("a JobError needs a problem");
    super(partsOf(first, file));
    this.problems = problems;
    if (others.length > 0) {
      const rest = others.map((problem) => new UserError(partsOf(problem, file)).message);
      this.message = [this.message, `and ${others.length} more:`, ...rest].join("\n");
    }
  }
}

/** `tasks.digits.encoder[0].units` */
export function showPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

function partsOf(problem: Problem, file: string | undefined): ConstructorParameters<typeof UserError>[0] {
  const field = showPath(problem.path);
  const where = [file, field].filter((part) => part !== undefined && part !== "").join(": ");
  const { what, expected, mend } = problem;
  return {
    what,
    ...(where === "" ? {} : { where }),
    ...(expected === undefined ? {} : { expected }),
    ...(mend === undefined ? {} : { mend }),
  };
}
