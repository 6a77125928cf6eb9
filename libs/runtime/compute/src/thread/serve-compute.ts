import type { MessagePort } from "node:worker_threads";
import { interruptNobody } from "@latentweave/vault";
import { loadBackend } from "../backend/load-backend.ts";
import type { Tf } from "../backend/loaded-backend.ts";
import { ModelRuntime } from "../model/model-runtime.ts";
import { viewParameterMemory } from "../model/parameter-memory.ts";
import {
  type CallResult,
  type FromThread,
  type RunResult,
  type ThreadCall,
  type ThreadData,
  toPlainError,
  type ToThread,
} from "./messages.ts";

/** The thread's side: loads the backend, says so, then carries out one message after the other until `close`. */
export async function serveCompute(port: MessagePort, data: ThreadData): Promise<void> {
  const post = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, [...transfer]);
  // Before TensorFlow starts its own.
  interruptNobody();
  let tf: Tf;
  try {
    const { tf: loaded, name, determinismClass, notes } = await loadBackend(data.backend);
    tf = loaded;
    post({ kind: "ready", ready: { name, determinismClass, notes } });
  } catch (error) {
    post({ kind: "unusable", error: toPlainError(error) });
    return;
  }

  const rooms = new Map<number, SharedArrayBuffer>();
  let runtime: ModelRuntime | undefined;
  const loaded = (): ModelRuntime => {
    if (!runtime) throw new Error("no model is loaded yet");
    return runtime;
  };
  const run = async ({ batch, room, left }: Extract<ThreadCall, { kind: "run" }>): Promise<RunResult> => {
    for (const id of left) rooms.delete(id);
    if (room?.buffer) rooms.set(room.id, room.buffer);
    const own = room && rooms.get(room.id);
    const { roomBytes, ...result } = await loaded().run(batch, own);
    if (!own || result.gradients[0]?.buffer !== own) return { result, roomBytes };
    const inRoom = result.gradients.map(({ byteOffset, length }) => [byteOffset, length] as const);
    return { result: { ...result, gradients: [] }, inRoom, roomBytes };
  };
  const carryOut = async (call: ThreadCall): Promise<CallResult> => {
    switch (call.kind) {
      case "load": {
        const { model, memory } = call;
        const next = await ModelRuntime.create(tf, model, viewParameterMemory(model.layout, memory));
        runtime?.dispose();
        runtime = next;
        return undefined;
      }
      case "write":
        loaded().write(call.slices);
        return undefined;
      case "map":
        return loaded().map(call.shard, call.weights);
      case "run":
        return await run(call);
      case "infer":
        return await loaded().infer(call.request);
      case "close":
        runtime?.dispose();
        return undefined;
    }
  };
  const answer = async (message: ToThread): Promise<void> => {
    if ("changed" in message) {
      for (const slice of message.changed) runtime?.changed(slice);
      return;
    }
    const { id, call } = message;
    try {
      const result = await carryOut(call);
      post({ kind: "done", id, result }, buffersOf(result));
    } catch (error) {
      post({ kind: "failed", id, error: toPlainError(error) });
    }
  };
  let last = Promise.resolve();
  port.on("message", (message: ToThread) => {
    last = last.then(() => answer(message));
  });
}

/** Each buffer once: a result's gradients are views on one. */
function buffersOf(result: CallResult): readonly ArrayBuffer[] {
  if (result === undefined || typeof result === "string") return [];
  const arrays =
    result instanceof Float32Array ? [result] : [...result.result.gradients, result.result.metrics];
  return [...new Set(arrays.map((array) => array.buffer as ArrayBuffer))];
}
