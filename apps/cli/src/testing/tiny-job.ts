import { writeFile } from "node:fs/promises";
import path from "node:path";

/** A job of seconds: a table of its own, so that nothing is fetched, on the backend that is always there. */
export async function writeTinyJob(
  directory: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const rows = Array.from({ length: 60 }, (_, row) => {
    const [a, b] = [(row * 7) % 13, (row * 5) % 11];
    return `${a / 13},${b / 11},${(a + b) / 24},${row % 2 === 0 ? "even" : "odd"}`;
  });
  await writeFile(path.join(directory, "table.csv"), ["a,b,c,kind", ...rows].join("\n"));
  const job = {
    name: "tiny",
    tasks: {
      table: {
        data: { csv: "table.csv", target: "kind" },
        encoder: [{ kind: "dense", units: 2 }],
        decoder: [{ kind: "dense", units: 3 }],
        heads: { kind: { kind: "classification" } },
        microBatch: 4,
        slots: 2,
      },
    },
    steps: 6,
    evaluate: { everySteps: 3 },
    checkpoints: { everySteps: 2, keep: 5 },
    compute: { backend: "cpu" },
    ...changes,
  };
  const file = path.join(directory, "job.json");
  await writeFile(file, JSON.stringify(job));
  return file;
}
