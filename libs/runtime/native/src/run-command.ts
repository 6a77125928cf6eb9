import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";

/** How a command ended: its last words are kept for the message that a person gets to see. */
export type CommandResult =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "failed"; readonly reason: string; readonly output: string };

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Everything the command says is appended here. */
  readonly logFile?: string;
  readonly timeoutMs?: number;
}

const keptCharacters = 4_000;

/** Runs a command to its end. Nothing it prints reaches the terminal. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return await new Promise((resolve) => {
    const log = options.logFile === undefined ? null : createWriteStream(options.logFile, { flags: "a" });
    log?.write(`$ ${command} ${args.join(" ")}\n`);
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      log?.write(chunk);
      output = (output + chunk.toString()).slice(-keptCharacters);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    // A setup that is interrupted must not leave pip or a compiler at work behind it.
    const stop = (): void => {
      child.kill();
    };
    process.once("exit", stop);
    // Not spawn's own `timeout`: where the command is not there at all, that one holds this process until it is over.
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(stop, options.timeoutMs);
    const settle = (result: CommandResult): void => {
      clearTimeout(timer);
      process.removeListener("exit", stop);
      log?.end();
      resolve(result);
    };
    child.once("error", (error) => settle({ kind: "failed", reason: error.message, output }));
    child.once("close", (code, signal) => {
      if (code === 0) settle({ kind: "done", output });
      else
        settle({
          kind: "failed",
          reason: signal === null ? `exit code ${code}` : `stopped by ${signal}`,
          output,
        });
    });
  });
}

/** The lines of a command's output that carry its message, for an error text: those that speak of an error, if any. */
export function lastWords(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter(
      (line) =>
        /[a-z]{3}/i.test(line) && !/^npm (notice|warn)|^Node\.js v|complete log of this run/.test(line),
    );
  const errors = lines.filter((line) => /error|fatal|ENOTFOUND/i.test(line));
  return errors.length > 0 ? errors.slice(0, 2).join(" | ") : lines.slice(-3).join(" | ");
}
