import { beforeAll } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { layerSuite } from "../testing/layer-suite.ts";
import { sharingSuite } from "../testing/sharing-suite.ts";

let backend: LoadedBackend;
beforeAll(async () => {
  backend = await loadBackend({ name: "cpu" });
});

layerSuite(() => backend);
sharingSuite(() => backend);
