import { UserError } from "@latentweave/protocol";
import { CommanderError } from "commander";
import pc from "picocolors";

/** What a command ends with; 130 is what shells know for Ctrl-C. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/**
 * Tells a failure and gives the exit code. A UserError is shown as it is; anything else is a fault of the program,
 * shown in one line. LATENTWEAVE_DEBUG=1 adds stack traces.
 */
export function reportFailure(error: unknown, env: NodeJS.ProcessEnv = process.env): number {
  if (error instanceof CommanderError) {
    // Commander has told it already; help and --version end this way too.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  process.stderr.write(`${describeFailure(error, env.LATENTWEAVE_DEBUG === "1")}\n`);
  return error instanceof UserError ? error.exitCode : exitCodes.failed;
}

/** The message for the terminal. */
export function describeFailure(error: unknown, debug: boolean): string {
  const label = pc.red("error:");
  if (debug && error instanceof Error) return `${label} ${error.stack ?? error.message}${causes(error)}`;
  // A process of the run may have told it first, with the label before it.
  if (error instanceof UserError) return `${label} ${error.message.replace(/^error: /, "")}`;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return [
    `${label} ${text.split("\n")[0]}`,
    "  this is a fault of the program, not of what you typed",
    "  to mend:  run it again with LATENTWEAVE_DEBUG=1 and report what it prints",
  ].join("\n");
}

function causes(error: Error): string {
  return error.cause instanceof Error
    ? `\ncaused by ${error.cause.stack ?? error.cause.message}${causes(error.cause)}`
    : "";
}
