import type { FaultReport, RunSummary } from "./certificate.ts";
import type { AppliedSamples } from "./check-ledger.ts";

/** Everything that keeps a certificate from being green, in words. */
export function findProblems(
  undisturbed: RunSummary,
  disturbed: RunSummary,
  samples: AppliedSamples,
  faults: readonly FaultReport[],
): string[] {
  return [
    ...[undisturbed, disturbed]
      .filter(({ state }) => state !== "finished")
      .map(
        ({ runId, state, reason }) => `run ${runId} ${state}: ${reason?.split("\n")[0] ?? "no reason given"}`,
      ),
    ...(undisturbed.hash === disturbed.hash && disturbed.hash !== null ? [] : ["the hashes differ"]),
    ...(samples.lost > 0 ? [`${samples.lost} samples are lost`] : []),
    ...(samples.appliedTwice > 0 ? [`${samples.appliedTwice} samples are applied twice`] : []),
    ...samples.problems,
    ...named("never struck", faults, "not reached"),
    ...named("skipped", faults, "skipped"),
  ];
}

function named(what: string, faults: readonly FaultReport[], outcome: FaultReport["outcome"]): string[] {
  const numbers = faults.filter((fault) => fault.outcome === outcome).map(({ number }) => number);
  return numbers.length === 0
    ? []
    : [`${what}: fault${numbers.length === 1 ? "" : "s"} ${numbers.join(", ")}`];
}
