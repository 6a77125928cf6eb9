/** The first worker's canary fixes the class of a run; later ones must compute the same bits. */
export interface RunClass {
  readonly digest: string;
  readonly determinismClass: Readonly<Record<string, string>>;
}

export type Admission =
  | { readonly kind: "admitted" }
  /** Same bits from a differently described device: let in, and said. */
  | { readonly kind: "admitted-differing"; readonly differences: readonly string[] }
  /** `summary` fits into the close frame that tells the worker; `reason` is for the run's own log. */
  | { readonly kind: "refused"; readonly reason: string; readonly summary: string };

/** What decides most often comes first, for a summary has little room. */
const decisive = ["backend", "threads", "isa", "oneDnn", "tensorflow", "tfjs"];
/** RFC 6455 allows 123 bytes for a close frame's reason. */
const summaryBytes = 120;

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
    summary: summarise(run.determinismClass, determinismClass),
    reason: `another determinism class: its canary ${digest.slice(0, 12)} is not the run's ${run.digest.slice(0, 12)}; ${settings}`,
  };
}

/** The settings that would admit it, as many as there is room for. */
function summarise(run: RunClass["determinismClass"], own: RunClass["determinismClass"]): string {
  const keys = [...new Set([...decisive, ...Object.keys(run)])].filter((key) => run[key] !== own[key]);
  if (keys.length === 0) return "it computes other bits than devices like it; it may be faulty";
  let text = "another determinism class; the run has";
  for (const [i, key] of keys.entries()) {
    const more = `${i === 0 ? " " : ", "}${key} ${run[key] ?? "(none)"} (here ${own[key] ?? "none"})`;
    if (new TextEncoder().encode(text + more).length > summaryBytes) break;
    text += more;
  }
  return text;
}
