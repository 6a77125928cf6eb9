import type { ParsedJob } from "./job-schema.ts";
import { latentPlaces } from "./latent-places.ts";
import type { Problem } from "./problem.ts";

/**
 * Codes that are averages rest on sums over a whole step, which come to the parameter server as they are: whatever rounds
 * them, takes something else in place of the sum, or steps on the worker, would make other averages.
 */
export function checkMovingAverages(job: ParsedJob): Problem[] {
  const other = ruledOut(job);
  if (other === undefined) return [];
  return averaged(job).map((latent) => ({
    path: [...latent, "movingAverage"],
    what: `is set, besides ${other}`,
    expected: "one of the two",
    mend: "leave movingAverage out, so that codes are learned by gradient, or leave out the other",
  }));
}

function ruledOut({ mode, compression, robust }: ParsedJob): string | undefined {
  if (mode.kind === "diloco")
    return 'the mode "diloco", in which no sum over a step comes to the parameter server';
  if (compression.push || compression.broadcast || compression.auto)
    return "a compression, which rounds the sums that are averaged";
  return robust ? "a robust rule, which takes something else in place of a sum" : undefined;
}

/** Where the job asks for averages. */
function averaged(job: ParsedJob): (readonly PropertyKey[])[] {
  return latentPlaces(job)
    .filter(({ latent }) => latent.kind === "vectorQuantised" && latent.movingAverage)
    .map(({ path }) => path);
}
