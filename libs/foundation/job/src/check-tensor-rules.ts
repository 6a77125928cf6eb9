import type { ParsedJob } from "./job-schema.ts";
import { latentPlaces } from "./latent-places.ts";
import type { Problem } from "./problem.ts";
import { proximalRegularisers } from "./regulariser-schema.ts";

/**
 * Rates and further optimisers are of the parameter server: where workers step the optimiser, the change of a block is
 * rounded as one, or a proximal step follows it, whose length is one for all numbers, there are none.
 */
export function checkTensorRules(job: ParsedJob): Problem[] {
  const other = ruledOut(job);
  if (other === undefined) return [];
  return [
    ...(["rates", "optimisers"] as const)
      .filter((field) => Object.keys(job[field]).length > 0)
      .map((field) => ({
        path: [field],
        what: `are set, besides ${other}`,
        expected: "one of the two",
        mend: "remove one of them",
      })),
    ...adversaries(job).map((path) => ({
      path: [...path, "optimiser"],
      what: `the discriminator has an optimiser of its own, besides ${other}`,
      expected: '"job", the optimiser of all',
      mend: 'write optimiser: "job" in the latent, or remove the other',
    })),
  ];
}

/** Places of the latents whose discriminators have optimisers of their own. */
function adversaries(job: ParsedJob): (readonly PropertyKey[])[] {
  return latentPlaces(job)
    .filter(({ latent }) => latent.kind === "adversarial" && latent.optimiser !== "job")
    .map(({ path }) => path);
}

function ruledOut({ mode, compression, regulariser: { omega } }: ParsedJob): string | undefined {
  if (mode.kind === "diloco") return 'the mode "diloco", in which workers step the optimiser';
  if (compression.broadcast || compression.auto) return "a compressed broadcast";
  return proximalRegularisers.includes(omega)
    ? `the regulariser "${omega}", whose proximal step has one length for all numbers`
    : undefined;
}
