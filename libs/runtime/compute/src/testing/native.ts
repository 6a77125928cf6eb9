import { loadBackend } from "../backend/load-backend.ts";
import type { LoadedBackend } from "../backend/loaded-backend.ts";

/** For tests: the native backend, or an error that says how a developer gets it. Never skips. */
export async function nativeBackend(): Promise<LoadedBackend> {
  try {
    return await loadBackend({ name: "native" });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`this test needs native TensorFlow; run \`npm run setup\` (${reason})`, { cause });
  }
}
