/** What a person needs to mend a mistake; every part is one short phrase. */
export interface UserErrorParts {
  /** What is wrong. */
  readonly what: string;
  /** File, line, column, field path, process or URL. */
  readonly where?: string;
  /** What was expected instead. */
  readonly expected?: string;
  /** What to do about it. */
  readonly mend?: string;
  readonly cause?: unknown;
  /** 1: the run failed; 2: the command was used wrongly. */
  readonly exitCode?: 1 | 2;
}

/** An error whose message is meant for the person at the terminal: shown whole, without a stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly parts: UserErrorParts;
  readonly exitCode: 1 | 2;

  constructor(parts: UserErrorParts) {
    const lines = [parts.where ? `${parts.where}: ${parts.what}` : parts.what];
    if (parts.expected) lines.push(`  expected: ${parts.expected}`);
    if (parts.mend) lines.push(`  to mend:  ${parts.mend}`);
    super(lines.join("\n"), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.parts = parts;
    this.exitCode = parts.exitCode ?? 1;
  }
}
