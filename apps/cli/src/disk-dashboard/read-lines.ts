import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** Every whole line of a file of JSON lines; what a crash left unfinished is passed over, and so is a missing file. */
export async function* readJsonLines(file: string): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const stream = createReadStream(file);
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      const value = parse(line);
      if (value) yield value;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    stream.destroy();
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
