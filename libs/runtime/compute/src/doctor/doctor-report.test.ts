import { existsSync } from "node:fs";
import { findNativeRuntime } from "@latentweave/native";
import { describe, expect, it } from "vitest";
import { doctorReport } from "./doctor-report.ts";
import { formatDoctor } from "./format-doctor.ts";
import { runBenchmark } from "./run-benchmark.ts";

describe("the doctor", () => {
  it("describes this machine without measuring when told so", async () => {
    const report = await doctorReport({ benchmarkMs: 0 });
    expect(report.node.version).toBe(process.version);
    expect(report.backends.map(({ name }) => name)).toEqual(["native", "webgpu", "wasm", "cpu"]);
    expect(report.chosen?.name).toBe(findNativeRuntime() === null ? "wasm" : "native");
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(formatDoctor(report)).toContain(`Chosen: ${report.chosen?.name}`);
  });

  it("measures a backend in a process of its own", async () => {
    const answer = await runBenchmark("wasm", 1);
    expect(answer).toMatchObject({ kind: "measured", determinismClass: { backend: "wasm" } });
  });

  it.skipIf(findNativeRuntime() === null)(
    "gives native TensorFlow one thread of its own, not more",
    async () => {
      const answer = await runBenchmark("native", 200);
      expect(answer).toMatchObject({
        kind: "measured",
        determinismClass: { backend: "native", threads: "1" },
        notes: [],
      });
      if (answer.kind !== "measured") return;
      if (existsSync("/proc/self/task")) expect(answer.tensorflowThreads).toBe(1);
    },
  );
});
