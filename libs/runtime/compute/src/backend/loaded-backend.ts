import type { DeviceId } from "@latentweave/native";

/** TensorFlow.js as a value. Types only: which copy of it is used is decided at run time, by `loadBackend`. */
export type Tf = typeof import("@tensorflow/tfjs-core");

export type BackendName = "native" | "webgpu" | "wasm" | "cpu";

export interface BackendOptions {
  /** Default: the first of native, WASM, CPU that works. A name makes anything else an error. */
  readonly name?: BackendName;
  /** Intra-op threads of the native backend (the others have one). Default 1. */
  readonly threads?: number;
  /** Of the native backend. A CUDA device that cannot be used is an error; without one, the CPU takes its place. */
  readonly deviceId?: DeviceId;
}

export interface LoadedBackend {
  /**
   * The one TensorFlow.js of this thread. Code must use this value and never import `@tensorflow/*` itself: the
   * native runtime brings its own copy, and two copies in one thread share a registry and warn about it.
   */
  readonly tf: Tf;
  readonly name: BackendName;
  /** Two devices with equal values compute equal bits. */
  readonly determinismClass: Readonly<Record<string, string>>;
  /** What a user should know: which backends were passed over, and why. */
  readonly notes: readonly string[];
}
