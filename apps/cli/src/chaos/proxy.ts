/**
 * What network faults need of a proxy. It is a part of `@latentweave/faults`; this file is the one place that takes it
 * from there.
 */
export type ProxyFault =
  | { readonly kind: "blackhole"; readonly direction: "both" }
  | { readonly kind: "throttle"; readonly direction: "both"; readonly bytesPerSecond: number }
  | { readonly kind: "delay"; readonly direction: "both"; readonly ms: number; readonly every: number }
  | {
      readonly kind: "corrupt" | "truncate" | "duplicate" | "reorder";
      readonly direction: "both";
      /** One message in so many. */
      readonly every: number;
    };

/** Stands between two processes and lets everything pass until told otherwise. */
export interface FaultyProxy {
  /** Where it listens. */
  readonly port: number;
  /** From now on, until lifted. */
  add(fault: ProxyFault): { lift(): void };
  close(): Promise<void>;
}

export type CreateProxy = (options: {
  readonly target: { readonly host: string; readonly port: number };
  readonly listen: { readonly host: string; readonly port: number };
}) => Promise<FaultyProxy>;

/** The proxy that network faults go through; undefined: such faults are skipped, and the certificate says so. */
export const createProxy: CreateProxy | undefined = undefined as CreateProxy | undefined;
