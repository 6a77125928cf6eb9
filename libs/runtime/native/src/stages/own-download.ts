import { existsSync } from "node:fs";
import path from "node:path";
import { runCommand } from "../run-command.ts";
import { packageDirectory } from "./packages.ts";
import { done, failure, type StageContext, type StageResult } from "./stage.ts";

/** The package's own way: a TensorFlow library and a compiled binding from its authors' storage. */
export async function downloadByPackage(context: StageContext): Promise<StageResult> {
  const cwd = packageDirectory(context.directory);
  const bin = path.join(context.directory, "node_modules", ".bin");
  const env = { ...context.env, PATH: `${bin}${path.delimiter}${context.env.PATH ?? ""}` };
  const kind = context.variant.name.startsWith("cuda") ? "gpu" : "cpu";
  const options = { cwd, env, logFile: context.logFile, timeoutMs: 300_000 };
  const result = await runCommand(process.execPath, ["scripts/install.js", kind, "download"], options);
  if (result.kind === "failed") return failure("the package's own download did not work", result);
  if (!existsSync(path.join(cwd, "lib", "napi-v8", "tfjs_binding.node"))) {
    return {
      kind: "failed",
      reason: "the package's own download left no binding (its authors have none for this platform)",
    };
  }
  return done;
}
