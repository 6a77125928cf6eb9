import type { NvidiaState } from "@latentweave/native";
import type { BackendName } from "../backend/loaded-backend.ts";

/** One backend: what it does here, or why it does nothing. */
export interface BackendReport {
  readonly name: BackendName;
  readonly available: boolean;
  readonly reason: string | null;
  /** A dense autoencoder step of 64 samples on one thread; null where not measured. */
  readonly stepMs: number | null;
  readonly samplesPerSecond: number | null;
  /** How many times slower than the chosen one; 1 for that one itself. */
  readonly timesSlower: number | null;
  readonly determinismClass: Readonly<Record<string, string>> | null;
}

export interface Problem {
  readonly what: string;
  readonly mend: readonly string[];
}

/** Everything `latentweave doctor` knows; plain data. */
export interface DoctorReport {
  readonly schema: 1;
  readonly node: { readonly version: string; readonly supported: boolean };
  readonly system: { readonly name: string; readonly platform: string; readonly release: string };
  readonly cpu: { readonly model: string; readonly threads: number; readonly instructionSet: string };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  /** null where the system has none. */
  readonly sharedMemory: {
    readonly path: string;
    readonly totalBytes: number;
    readonly freeBytes: number;
  } | null;
  readonly tools: {
    readonly npm: string | null;
    readonly pip: string | null;
    readonly compiler: string | null;
  };
  readonly nvidia: NvidiaState & { readonly devices: readonly string[] };
  readonly native: {
    readonly state: "ready" | "absent" | "unsupported";
    readonly variant: string | null;
    readonly directory: string | null;
    readonly tensorflow: string | null;
    readonly how: string | null;
    /** What getting it would download; null when it is there or cannot be had. */
    readonly downloadBytes: number | null;
    readonly reason: string | null;
    readonly notes: readonly string[];
  };
  /** The addon with which a parameter server's memory outlives its process; `file` is null where it is missing. */
  readonly pageMap: { readonly file: string | null };
  /** Sums and updates compiled for this processor; `reason`: why they are done in WebAssembly, else null. */
  readonly kernels: { readonly reason: string | null };
  /** The addon that computes micro-batches in one call of TensorFlow; `file` is null where it is missing. */
  readonly programs: { readonly file: string | null };
  readonly backends: readonly BackendReport[];
  readonly chosen: { readonly name: BackendName; readonly why: string } | null;
  readonly problems: readonly Problem[];
}
