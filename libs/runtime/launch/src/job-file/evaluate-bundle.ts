import { SourceMap } from "node:module";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import type { Bundle } from "./bundle.ts";

/**
 * Runs a bundled module and returns what it exports. It is imported as a data URL: nothing is written, so nothing can
 * be left behind.
 * @throws UserError with the file and line where the module itself failed, without a stack.
 */
export async function evaluateBundle(
  { text, map }: Bundle,
  file: string,
): Promise<Readonly<Record<string, unknown>>> {
  const url = `data:text/javascript;base64,${Buffer.from(text, "utf8").toString("base64")}`;
  try {
    return (await import(/* @vite-ignore */ url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new UserError({
      where: placeOf(error, map, file) ?? file,
      what: `the file failed while it ran: ${describe(error)}`,
      mend: "mend this line; a job file only describes a run, so it seldom needs to compute much",
      cause: error,
    });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The first place of the stack that lies in the user's files. */
function placeOf(error: unknown, map: string, file: string): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const sourceMap = new SourceMap(JSON.parse(map) as ConstructorParameters<typeof SourceMap>[0]);
  for (const [, line, column] of stack.matchAll(/data:text\/javascript[^\s)]*:(\d+):(\d+)/g)) {
    const entry = sourceMap.findEntry(Number(line) - 1, Number(column) - 1);
    if (!("originalSource" in entry) || entry.originalSource.startsWith("latentweave:")) continue;
    const source = path.resolve(path.dirname(file), entry.originalSource);
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  }
  return undefined;
}
