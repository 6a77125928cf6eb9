import type { GradientPoint } from "./gradient-series.ts";

/** More lines than colours cannot be followed. */
const mostLines = 8;

export interface CosineLine {
  readonly label: string;
  readonly points: readonly (readonly [step: number, cosine: number])[];
}

/** Of every pair of tasks with more than one recorded cosine: how it went over the run. None where they are too many to tell apart. */
export function cosineLines(
  tasks: readonly string[],
  gradients: readonly GradientPoint[],
): readonly CosineLine[] {
  const pairs = tasks.flatMap((a, i) =>
    tasks.slice(i + 1).map((b, place) => ({
      label: `${a}, ${b}`,
      points: gradients.flatMap(({ step, cosines }) => {
        const cosine = cosines[i]?.[place] ?? null;
        return cosine === null ? [] : [[step, cosine] as const];
      }),
    })),
  );
  const drawn = pairs.filter(({ points }) => points.length > 1);
  return drawn.length > mostLines ? [] : drawn;
}
