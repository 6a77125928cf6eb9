import { beforeAll, describe } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { headsSuite } from "../testing/heads-suite.ts";
import { nativeBackend } from "../testing/native.ts";

describe("natively", () => {
  let backend: LoadedBackend;
  beforeAll(async () => {
    backend = await nativeBackend();
  });
  headsSuite(() => backend);
});

describe("in WebAssembly", () => {
  let backend: LoadedBackend;
  beforeAll(async () => {
    backend = await loadBackend({ name: "wasm" });
  });
  headsSuite(() => backend);
});
