import type {
  ComputeModel,
  InferenceRequest,
  MappedWeights,
  MicroBatch,
  MicroBatchResult,
} from "@latentweave/model";
import { UserError, type UserErrorParts } from "@latentweave/protocol";
import type { BackendName, BackendOptions } from "../backend/loaded-backend.ts";
import type { ParameterSlice } from "../model/model-runtime.ts";
import type { ChangedSlice } from "../model/parameter-tensors.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly backend: BackendOptions;
}

/** A call that the thread answers, in order. */
export type ThreadCall =
  | { readonly kind: "load"; readonly model: ComputeModel; readonly memory: ArrayBufferLike }
  | { readonly kind: "write"; readonly slices: readonly ParameterSlice[] }
  | { readonly kind: "map"; readonly shard: number; readonly weights: MappedWeights }
  | {
      readonly kind: "run";
      readonly batch: MicroBatch;
      readonly room?: RoomForResult | undefined;
      /** Rooms that the thread need not know of any more. */
      readonly left: readonly number[];
    }
  | { readonly kind: "infer"; readonly request: InferenceRequest }
  | { readonly kind: "close" };

/** To the thread. `changed`: these places of the shared memory have new numbers; it has no answer. */
export type ToThread =
  { readonly id: number; readonly call: ThreadCall } | { readonly changed: readonly ChangedSlice[] };

export interface ThreadReady {
  readonly name: BackendName;
  readonly determinismClass: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/** Memory that both threads keep: what moves from one to the other is, to V8's collector, as good as allocated. */
export interface RoomForResult {
  readonly id: number;
  /** Sent with it for the first time. */
  readonly buffer?: SharedArrayBuffer;
}

export interface RunResult {
  /** Without its gradients where they are in the room. */
  readonly result: MicroBatchResult;
  /** First byte and length of each array of gradients in the room that came with the call. */
  readonly inRoom?: readonly (readonly [number, number])[];
  /** So large a room would be of use. */
  readonly roomBytes?: number | undefined;
}

export type CallResult = RunResult | Float32Array | string | undefined;

/** From the thread. */
export type FromThread =
  | { readonly kind: "ready"; readonly ready: ThreadReady }
  | { readonly kind: "unusable"; readonly error: PlainError }
  | { readonly kind: "done"; readonly id: number; readonly result: CallResult }
  | { readonly kind: "failed"; readonly id: number; readonly error: PlainError };

/** An error as it passes between threads; what a person is to be told stays whole. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly userError: Omit<UserErrorParts, "cause"> | undefined;
}

export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof Error))
    return { name: "Error", message: String(error), stack: undefined, userError: undefined };
  const { name, message, stack } = error;
  if (!(error instanceof UserError)) return { name, message, stack, userError: undefined };
  const { cause: _cause, ...userError } = error.parts;
  return { name, message, stack, userError };
}

/** A call failed in the compute thread; `name` is that of the error there. */
export class ComputeError extends Error {
  override readonly name: string;

  constructor({ name, message, stack }: PlainError) {
    super(message);
    this.name = name;
    // Where it happened is worth more than where it was passed on.
    if (stack !== undefined) this.stack = stack;
  }
}

export function fromPlainError(error: PlainError): Error {
  return error.userError ? new UserError(error.userError) : new ComputeError(error);
}
