import { entryFile, runCommand } from "@latentweave/native";
import type { BackendName } from "../backend/loaded-backend.ts";
import { nativeEnvironment } from "../backend/native-environment.ts";
import type { BenchmarkAnswer } from "./benchmark-shape.ts";

/** A backend that neither answers nor fails in this time is taken for broken. */
const patienceMs = 120_000;

/** Measures one backend in a process of its own, on one thread, for about `milliseconds`. */
export async function runBenchmark(name: BackendName, milliseconds: number): Promise<BenchmarkAnswer> {
  const entry = await entryFile(new URL("./backend-benchmark.entry.ts", import.meta.url));
  const env = { ...process.env, ...nativeEnvironment({ threads: 1 }) };
  const result = await runCommand(process.execPath, [entry, name, String(milliseconds)], {
    env,
    timeoutMs: patienceMs,
  });
  const line = result.output.split("\n").find((text) => text.startsWith('{"kind"'));
  if (line !== undefined) return JSON.parse(line) as BenchmarkAnswer;
  const reason = result.kind === "failed" ? result.reason : "it printed nothing";
  return { kind: "failed", reason: `the process ended without an answer (${reason})` };
}
