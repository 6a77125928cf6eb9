/** The first worker's canary fixes the class of a run; later ones must compute the same bits. */
export interface RunClass {
  readonly digest: string;
  readonly determinismClass: Readonly<Record<string, string>>;
}

export type Admission =
  | { readonly kind: "admitted" }
  /** Same bits from a differently described device: let in, and said. */
  | { readonly kind: "admitted-differing"; readonly differences: readonly string[] }
  | { readonly kind: "refused"; readonly reason: string };

/** Pure: whether a worker with this canary may compute for a run of this class. */
export function admit(
  run: RunClass,
  digest: string,
  determinismClass: Readonly<Record<string, string>>,
): Admission {
  const keys = [...new Set([...Object.keys(run.determinismClass), ...Object.keys(determinismClass)])].sort();
  const differences = keys
    .filter((key) => run.determinismClass[key] !== determinismClass[key])
    .map(
      (key) =>
        `${key}: ${determinismClass[key] ?? "(none)"} here, ${run.determinismClass[key] ?? "(none)"} in the run`,
    );
  if (digest === run.digest)
    return differences.length === 0 ? { kind: "admitted" } : { kind: "admitted-differing", differences };
  const settings =
    differences.length === 0
      ? "the device describes itself as the run's devices do, so it may be faulty; run `latentweave doctor` on it"
      : `it would be admitted with the run's settings (${differences.join("; ")})`;
  return {
    kind: "refused",
    reason: `another determinism class: its canary ${digest.slice(0, 12)} is not the run's ${run.digest.slice(0, 12)}; ${settings}`,
  };
}
