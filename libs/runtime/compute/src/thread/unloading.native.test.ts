import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createThreadedCompute } from "./threaded-compute.ts";

it.runIf(process.platform === "linux")(
  "TensorFlow stays in memory when its thread ends: the process would crash at its exit otherwise",
  async () => {
    const compute = await createThreadedCompute({ backend: { name: "native" } });
    expect(libraries()).toMatch(/libtensorflow/);
    await compute.close();
    expect(libraries()).toMatch(/libtensorflow/);
  },
);

/** What the dynamic linker has mapped into this process. */
function libraries(): string {
  return readFileSync("/proc/self/maps", "utf8");
}
