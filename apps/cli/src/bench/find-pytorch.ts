import { existsSync } from "node:fs";
import path from "node:path";
import { cacheDirectory, UserError } from "@latentweave/protocol";
import { runChild } from "./child-process.ts";

/** A Python that has PyTorch, or why there is none and how to get it. */
export type FoundPyTorch =
  { readonly python: string; readonly torch: string } | { readonly missing: string; readonly mend: string };

/**
 * Looks for PyTorch in the Python that was asked for, or in that which `npm run bench` of a checkout makes, in the
 * virtual environment that is active, and in the one on the path.
 * @param asked `--python`
 * @throws UserError where the one that was asked for is no Python
 */
export async function findPyTorch(asked: string | undefined, signal: AbortSignal): Promise<FoundPyTorch> {
  if (asked !== undefined) {
    const answer = await askVersion(asked, signal);
    if (answer.kind === "no python")
      throw new UserError({
        where: `--python ${asked}`,
        what: `this is no Python that can be run (${answer.reason})`,
        mend: "name the file of an interpreter, such as .venv/bin/python, or leave --python out",
        exitCode: 2,
      });
    if (answer.kind === "found") return { python: asked, torch: answer.torch };
    return { missing: `${asked} has no PyTorch`, mend: `${asked} -m pip install torch` };
  }
  const kept = path.join(cacheDirectory(), "bench", "pytorch", "bin", "python");
  for (const python of [...(existsSync(kept) ? [kept] : []), "python3", "python"]) {
    const answer = await askVersion(python, signal);
    if (answer.kind === "found") return { python, torch: answer.torch };
  }
  return {
    missing: "no Python with PyTorch was found",
    mend: "python3 -m venv torch-venv && torch-venv/bin/pip install torch, then --python torch-venv/bin/python",
  };
}

type Answer =
  | { readonly kind: "found"; readonly torch: string }
  | { readonly kind: "no torch" }
  | { readonly kind: "no python"; readonly reason: string };

const mark = "this is Python";
const question = `print("${mark}", flush=True)
import torch, torch.distributed
print(torch.__version__ if torch.distributed.is_gloo_available() else "")`;

async function askVersion(python: string, signal: AbortSignal): Promise<Answer> {
  try {
    const [first, torch] = (await runChild(python, ["-c", question], { signal })).trim().split("\n");
    if (first !== mark) return { kind: "no python", reason: "it did not do what it was told" };
    return torch ? { kind: "found", torch } : { kind: "no torch" };
  } catch (error) {
    signal.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    if (text.includes(mark)) return { kind: "no torch" };
    return { kind: "no python", reason: text.split("\n")[0] ?? "" };
  }
}
