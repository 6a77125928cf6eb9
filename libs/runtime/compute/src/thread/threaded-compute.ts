import { Worker } from "node:worker_threads";
import type { Compute, InferenceRequest, MicroBatch, MicroBatchResult } from "@latentweave/model";
import type { BackendName, BackendOptions } from "../backend/loaded-backend.ts";
import { applyNativeEnvironment } from "../backend/native-environment.ts";
import { entryFile } from "@latentweave/native";
import { checkSlices, type ParameterSlice } from "../model/model-runtime.ts";
import { allocateParameterMemory, type ParameterMemory } from "../model/parameter-memory.ts";
import {
  type CallResult,
  type FromThread,
  fromPlainError,
  type RunResult,
  type ThreadCall,
  type ThreadReady,
  type ToThread,
} from "./messages.ts";
import { ResultRooms } from "./result-rooms.ts";

export interface ThreadedComputeOptions {
  readonly backend?: BackendOptions;
  /** File of the compute thread; default: the bundle's own. */
  readonly entry?: string;
  /** The thread ended by itself. Every call then waiting has been rejected with this error, and so will later ones. */
  readonly onFailure?: (error: ComputeThreadError) => void;
}

export interface ThreadedCompute extends Compute {
  readonly backend: BackendName;
  /** What a user should know about the choice of the backend. */
  readonly notes: readonly string[];
}

/** The compute thread ended although nobody closed it. */
export class ComputeThreadError extends Error {
  override readonly name = "ComputeThreadError";
}

interface Waiting {
  readonly resolve: (result: CallResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Compute in a thread of its own, so that sockets and heartbeats never wait for it. Parameters lie in memory that both
 * threads share; inputs are copied once (or not at all, when they are given away) and moved, results are moved,
 * or lie in memory that both share where they are borrowed.
 * @throws UserError when the backend that was asked for cannot be had.
 */
export async function createThreadedCompute(options: ThreadedComputeOptions = {}): Promise<ThreadedCompute> {
  const backend = options.backend ?? {};
  // TensorFlow reads its settings from the process when the thread loads it.
  applyNativeEnvironment({
    ...(backend.threads === undefined ? {} : { threads: backend.threads }),
    ...(backend.deviceId === undefined ? {} : { device: backend.deviceId }),
  });
  const entry = options.entry ?? (await entryFile(new URL("./compute-thread.entry.ts", import.meta.url)));
  const thread = new ComputeThread(new Worker(entry, { workerData: { backend } }), options.onFailure);
  return threadedCompute(thread, await thread.ready);
}

/**
 * One worker thread and the calls that wait for it.
 * 1. Calls are answered in the order in which they are made.
 * 2. Once the thread has ended, for whatever reason, no call waits and none can be made.
 */
class ComputeThread {
  readonly ready: Promise<ThreadReady>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onFailure: ((error: ComputeThreadError) => void) | undefined;
  #nextId = 0;
  #ended: Error | undefined;

  constructor(worker: Worker, onFailure: ((error: ComputeThreadError) => void) | undefined) {
    this.#worker = worker;
    this.#onFailure = onFailure;
    let started: { resolve: (ready: ThreadReady) => void; reject: (error: Error) => void } | undefined;
    this.ready = new Promise((resolve, reject) => {
      started = { resolve, reject };
    });
    worker.on("message", (message: FromThread) => {
      switch (message.kind) {
        case "ready":
          started?.resolve(message.ready);
          started = undefined;
          return;
        case "unusable":
          started?.reject(fromPlainError(message.error));
          started = undefined;
          void this.end(new ComputeThreadError("the compute thread has no backend"));
          return;
        case "done":
          this.#take(message.id)?.resolve(message.result);
          return;
        case "failed":
          this.#take(message.id)?.reject(fromPlainError(message.error));
          return;
      }
    });
    const fail = (error: ComputeThreadError): void => {
      if (this.#ended) return;
      this.#ended = error;
      this.#rejectAll(error);
      if (started) started.reject(error);
      else this.#onFailure?.(error);
    };
    worker.on("error", (cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      fail(new ComputeThreadError(`the compute thread failed: ${reason}`, { cause }));
    });
    worker.on("exit", (code) => fail(new ComputeThreadError(`the compute thread ended with code ${code}`)));
  }

  /** True when nothing that touches parameters is under way. */
  get idle(): boolean {
    return this.#waiting.size === 0;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  call(call: ThreadCall, transfer: readonly ArrayBuffer[] = []): Promise<CallResult> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.post({ id, call }, transfer);
      this.#waiting.set(id, { resolve, reject });
    });
  }

  post(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#ended) throw this.#ended;
    this.#worker.postMessage(message, [...transfer]);
  }

  /** Ends the thread; later calls are rejected with `reason`. */
  async end(reason: Error): Promise<void> {
    this.#ended ??= reason;
    this.#rejectAll(this.#ended);
    await this.#worker.terminate();
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function copy<Values extends Float32Array | Int32Array>(values: Values): Values {
  return values.slice() as Values;
}

/** What fills its memory moves with it; a part of some memory would take the rest away from others. */
function wholeOrCopy<Values extends Float32Array | Int32Array>(values: Values): Values {
  const { buffer } = values;
  const isWhole = buffer instanceof ArrayBuffer && values.byteLength === buffer.byteLength;
  return isWhole ? values : copy(values);
}

function threadedCompute(thread: ComputeThread, ready: ThreadReady): ThreadedCompute {
  const rooms = new ResultRooms();
  let memory: ParameterMemory | undefined;
  let closing: Promise<void> | undefined;

  const close = async (): Promise<void> => {
    const closed = new Error("the compute is closed");
    if (!thread.ended) await thread.call({ kind: "close" }).catch(() => undefined);
    await thread.end(closed);
  };
  return {
    backend: ready.name,
    notes: ready.notes,
    determinismClass: ready.determinismClass,
    async load(model) {
      const next = allocateParameterMemory(model.layout);
      memory = next;
      rooms.startOver();
      await thread.call({ kind: "load", model, memory: next.buffer });
    },
    async setParameters(slices) {
      if (!memory) throw new Error("no model is loaded yet");
      checkSlices(memory, slices);
      if (thread.idle) {
        // Nobody reads the memory now, and what is posted later is carried out later: one copy, none in the thread.
        for (const { group, start, values } of slices) memory.groups[group]?.set(values, start);
        thread.post({
          changed: slices.map(({ group, start, values }) => ({ group, start, length: values.length })),
        });
        return;
      }
      const copies = slices.map((slice): ParameterSlice => ({ ...slice, values: slice.values.slice() }));
      await thread.call(
        { kind: "write", slices: copies },
        copies.map(({ values }) => values.buffer as ArrayBuffer),
      );
    },
    async mapWeights(shard, weights) {
      return (await thread.call({ kind: "map", shard, weights })) as string | undefined;
    },
    async run(batch: MicroBatch): Promise<MicroBatchResult> {
      const take = batch.given === true ? wholeOrCopy : copy;
      const columns = Object.entries(batch.columns).map(([name, values]) => [name, take(values)] as const);
      const own: MicroBatch = { ...batch, x: take(batch.x), columns: Object.fromEntries(columns) };
      const buffers = [own.x, ...Object.values(own.columns)].map(({ buffer }) => buffer as ArrayBuffer);
      const { room, left, resultOf, failed } = rooms.call(batch);
      try {
        const call = { kind: "run", batch: own, room, left } as const;
        return resultOf((await thread.call(call, [...new Set(buffers)])) as RunResult);
      } catch (error) {
        failed();
        throw error;
      }
    },
    reuse: (gradients) => rooms.giveBack(gradients),
    async infer(request: InferenceRequest): Promise<Float32Array> {
      const own: InferenceRequest = { ...request, x: request.x.slice() };
      return (await thread.call({ kind: "infer", request: own }, [
        own.x.buffer as ArrayBuffer,
      ])) as Float32Array;
    },
    close: () => (closing ??= close()),
  };
}
