/** The job that backends are compared by: the dense autoencoder of the reference figures, in small batches. */
export const benchmarkShape = { widths: [784, 512, 32, 512, 784], batch: 64 } as const;

/** What the benchmark's child process prints. */
export type BenchmarkAnswer =
  | {
      readonly kind: "measured";
      readonly stepMs: number;
      readonly samplesPerSecond: number;
      /** CPU time over wall time: about 1 where one thread really is one. */
      readonly cpuCores: number;
      readonly tensorflowThreads: number | null;
      readonly determinismClass: Readonly<Record<string, string>>;
      readonly notes: readonly string[];
    }
  | { readonly kind: "failed"; readonly reason: string };
