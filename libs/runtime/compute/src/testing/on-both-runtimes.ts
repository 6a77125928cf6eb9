import { beforeAll, describe } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { nativeBackend } from "./native.ts";

/** For tests: the suite with the native backend, and once more with that of WebAssembly. */
export function onBothRuntimes(suite: (backend: () => LoadedBackend) => void): void {
  for (const [where, load] of [
    ["natively", nativeBackend],
    ["in WebAssembly", () => loadBackend({ name: "wasm" })],
  ] as const)
    describe(where, () => {
      let backend: LoadedBackend;
      beforeAll(async () => {
        backend = await load();
      });
      suite(() => backend);
    });
}
