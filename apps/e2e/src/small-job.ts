import { writeFileSync } from "node:fs";
import path from "node:path";

/** A table of 40 rows, and the smallest job that learns from it. */
export function smallTable(): string {
  const rows = Array.from({ length: 40 }, (_, i) => [i, i * 0.5, 40 - i, (i * 7) % 11].join(","));
  return ["a,b,c,d", ...rows].join("\n");
}

/** As in a JSON job; `task` and the job itself are open to any change, wrong ones included. */
export function smallJob({ task = {}, ...rest }: Record<string, unknown> & { task?: object } = {}): object {
  return {
    name: "small",
    tasks: {
      table: {
        data: { csv: "table.csv", scale: "standard" },
        input: [4],
        encoder: [{ kind: "dense", units: 3, activation: "relu" }],
        decoder: [{ kind: "dense", units: 4 }],
        reconstruction: { loss: "mse" },
        microBatch: 4,
        slots: 2,
        ...task,
      },
    },
    model: { kind: "shared", latent: 2 },
    steps: 4,
    evaluate: { everySteps: 0 },
    launcher: { kind: "local", workers: 1 },
    ...rest,
  };
}

/** @returns the job's file */
export function writeJob(
  folder: string,
  job: object = smallJob(),
  table: string | Uint8Array = smallTable(),
): string {
  const file = path.join(folder, "job.json");
  writeFileSync(file, JSON.stringify(job, undefined, 2));
  writeFileSync(path.join(folder, "table.csv"), table);
  return file;
}
