/** What every measurement needs. */
export interface BenchContext {
  /** Aborted by Ctrl-C: whatever was started ends at once. */
  readonly signal: AbortSignal;
  /** Absolute, for runs and other files of this benchmark; removed at its end. */
  readonly folder: string;
  readonly log: (line: string) => void;
}
