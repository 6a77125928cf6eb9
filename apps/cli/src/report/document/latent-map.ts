import { fitPca, type LoadedBackend, momentsOf } from "@latentweave/compute";
import type { Compute } from "@latentweave/model";
import { encodeSample, type TaskSample } from "../../relatedness/latents.ts";
import type { OpenedRun } from "../open-run.ts";

/** A task's latents of held-out samples, in the plane of their two principal directions. */
export interface LatentMap {
  readonly task: string;
  readonly rows: number;
  /** Share of the latents' variance along either direction. */
  readonly explained: readonly [number, number];
  readonly groups: readonly {
    readonly label: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

/** @returns undefined where the task has no latent of two numbers or more */
export async function latentMap(
  compute: Compute,
  run: OpenedRun,
  sample: TaskSample,
  { tf }: LoadedBackend,
): Promise<LatentMap | undefined> {
  const latents = await encodeSample(compute, run, sample.task.name, sample);
  if (!latents || latents.width < 2 || latents.rows < 3) return undefined;
  const { rows, width, values } = latents;
  const moments = momentsOf(tf, values, width);
  const [both, first] = [fitPca(moments, 2), fitPca(moments, 1)];
  const points = Array.from({ length: rows }, (_, row) => {
    const along = (direction: number): number => {
      let sum = 0;
      for (let column = 0; column < width; column++)
        sum +=
          ((values[row * width + column] as number) - (both.mean[column] as number)) *
          (both.basis[column * both.components + direction] as number);
      return sum;
    };
    return [along(0), along(1)] as const;
  });
  const target = sample.task.manifest.y;
  const labels = target?.kind === "class" && sample.y instanceof Int32Array ? sample.y : undefined;
  const names = target?.kind === "class" ? target.names : [];
  const classes = labels ? [...new Set(labels)].sort((a, b) => a - b) : [];
  return {
    task: sample.task.name,
    rows,
    explained: [first.explained, both.explained - first.explained],
    groups: labels
      ? classes.map((label) => ({
          label: label < 0 ? "no label" : (names[label] ?? `class ${label}`),
          points: points.filter((_, row) => labels[row] === label),
        }))
      : [{ label: "samples", points }],
  };
}
