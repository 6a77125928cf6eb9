import { setFlagsFromString } from "node:v8";

/**
 * How far garbage may grow beyond what lives, in percent, before V8 marks the whole heap. These processes hold some ten
 * megabytes of objects and let go of more than that in message buffers at every step, so V8's own rule marks the heap
 * at every step (`--trace-gc` shows it), in this thread and four others. At 100 it still does; from 200 on hardly ever.
 */
const growthPercent = 300;

/**
 * For processes that move tensors, before they allocate much or start a thread: garbage may grow, memory that is freed
 * is used again, and whoever waits for a message is answered soon.
 */
export async function prepareForTensors(): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
  // Loaded when it is needed: other verbs start in a fraction of the time.
  const { answerAtOnce, keepFreedMemory } = await import("@latentweave/vault");
  keepFreedMemory();
  // Of this thread, through which all messages go.
  answerAtOnce();
}
