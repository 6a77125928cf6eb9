import { createSharedMemory } from "../shared-memory.ts";

const memory = createSharedMemory({ ...process.env, LATENTWEAVE_SHARED_MEMORY: undefined });
if (typeof memory === "string") throw new Error(memory);
const range = memory.open(process.argv[2] ?? "");
if (typeof range === "string") throw new Error(range);
const bytes = new Uint8Array(range.buffer);
process.send?.({ opened: true, found: bytes[1000] });
process.on("message", ({ write, at }: { readonly write: number; readonly at: number }) => {
  bytes[at] = write;
  process.send?.({ found: bytes[1000] });
});
