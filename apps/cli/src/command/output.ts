import type { SharedFlags } from "./shared-flags.ts";

/** Where a verb speaks: results on standard output, all the rest on standard error. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** The result: one JSON document with --json, else the text. */
  result(value: unknown, text: string): void;
  /** One line of JSON, whatever the flags. */
  jsonLine(value: unknown): void;
  /** A line of text on standard output. */
  line(text: string): void;
  /** What is good to know meanwhile; nothing with --quiet. */
  note(text: string): void;
}

export function createOutput(flags: Pick<SharedFlags, "json" | "quiet">): Output {
  const json = flags.json === true;
  const quiet = flags.quiet === true;
  const write = (text: string): void => {
    process.stdout.write(text);
  };
  return {
    json,
    quiet,
    result: (value, text) => write(json ? `${JSON.stringify(value, undefined, 2)}\n` : `${text}\n`),
    jsonLine: (value) => write(`${JSON.stringify(value)}\n`),
    line: (text) => write(`${text}\n`),
    note(text) {
      if (!quiet) process.stderr.write(`${text}\n`);
    },
  };
}

/** A reader that went away (`latentweave logs RUN | head`) ends the program quietly. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
}
