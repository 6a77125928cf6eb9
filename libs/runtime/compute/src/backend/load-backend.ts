import { UserError } from "@latentweave/protocol";
import type { BackendName, BackendOptions, LoadedBackend } from "./loaded-backend.ts";
import { loadNativeBackend } from "./native-backend.ts";
import { loadCpuBackend, loadWasmBackend } from "./portable-backends.ts";

/**
 * Loads TensorFlow.js on the backend that is asked for, or on the first of native, WASM and CPU that works; `notes`
 * says why the ones before it were passed over. Call it once per thread: in a worker thread the native backend needs
 * the process to have been given `nativeEnvironment()`. Throws a UserError when the named backend is not to be had.
 */
export async function loadBackend(options: BackendOptions = {}): Promise<LoadedBackend> {
  const { name } = options;
  if (name === undefined) return await loadFirst(options);
  if (name === "native") return loadNativeBackend(options) ?? refuseNative();
  if (name === "wasm") return await loadWasmBackend();
  if (name === "cpu") return await loadCpuBackend();
  throw new UserError({
    what: `the "${name}" backend is not available in this version`,
    expected: "one of native, wasm, cpu",
    mend: "leave --backend away to get the fastest one that works here",
    exitCode: 2,
  });
}

async function loadFirst(options: BackendOptions): Promise<LoadedBackend> {
  const notes: string[] = [];
  try {
    const native = loadNativeBackend(options);
    if (native !== null) return native;
    notes.push("Native TensorFlow is not set up (npx latentweave setup gets it).");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notes.push(error.message);
  }
  notes.push("WebGPU is not available in this version.");
  const loaders: readonly (readonly [BackendName, () => Promise<LoadedBackend>])[] = [
    ["wasm", loadWasmBackend],
    ["cpu", loadCpuBackend],
  ];
  for (const [name, load] of loaders) {
    try {
      const loaded = await load();
      return { ...loaded, notes: [...notes, `Computing on the slower "${name}" backend.`, ...loaded.notes] };
    } catch (error) {
      notes.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new UserError({
    what: `no backend works here: ${notes.join(" ")}`,
    mend: "run `npx latentweave doctor`",
  });
}

function refuseNative(): never {
  throw new UserError({
    what: "native TensorFlow is not set up on this machine",
    mend: "run `npx latentweave setup`, or choose another backend with --backend wasm",
  });
}
