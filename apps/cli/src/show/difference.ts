import type { JobChange, RunDifference, TensorDifference } from "@latentweave/checkpoint";
import pc from "picocolors";

/** What `diff` says about two runs called `a` and `b`. */
export function formatDifference(
  a: string,
  b: string,
  job: readonly JobChange[],
  { steps, ledger, versions, weights, version, hashes, parameters, same }: RunDifference,
  recomputed?: TensorDifference | null,
): string {
  const lines = job.map(
    ({ path, before, after }) => `job         ${path}: ${value(before)} in ${a}, ${value(after)} in ${b}`,
  );
  if (job.length === 0) lines.push("job         the same");
  lines.push(
    ledger === null
      ? `steps       the same in all ${steps} that both have`
      : `steps       first differ at step ${ledger.step}, ${ledger.path || "which only one run has"}: ${value(ledger.a)} and ${value(ledger.b)}`,
  );
  lines.push(weightsLine(versions, weights));
  if (weights && recomputed)
    lines.push(
      `            computed again: first in ${recomputed.tensor}${place(recomputed)}: ${value(recomputed.a)} and ${value(recomputed.b)}`,
      `            ${recomputed.tensors} tensors differ, by at most ${value(recomputed.maxAbsDifference)}`,
    );
  if (version === null) lines.push("parameters  no step has a checkpoint in both");
  else if (parameters === null) lines.push(`parameters  the same at step ${version}: ${hashes?.[0] ?? ""}`);
  else {
    lines.push(
      `parameters  differ at step ${version}, first in ${parameters.tensor}${place(parameters)}: ${value(parameters.a)} and ${value(parameters.b)}`,
      `            ${parameters.tensors} tensors differ, by at most ${value(parameters.maxAbsDifference)}`,
      `            ${hashes?.[0] ?? ""} (${a})`,
      `            ${hashes?.[1] ?? ""} (${b})`,
    );
  }
  lines.push(same ? pc.green("same bits") : pc.yellow("not the same"));
  return lines.join("\n");
}

function weightsLine(versions: number, weights: RunDifference["weights"]): string {
  if (weights)
    return `weights     first differ after ${weights.version} steps, by the digests in the records`;
  return versions === 0
    ? "weights     no version has a digest in both records"
    : `weights     the same in all ${versions} versions whose digests both records have`;
}

function place({ index }: TensorDifference): string {
  return index === null ? "" : ` number ${index}`;
}

function value(anything: unknown): string {
  return anything === undefined ? "nothing" : JSON.stringify(anything);
}
