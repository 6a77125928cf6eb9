import { stat } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { fileFault, manifestName, newestCheckpoint, verifyCheckpoint } from "./checkpoint-reader.ts";
import { diskError, errorCode } from "./disk-error.ts";
import { hashOfFile } from "./parameter-hash.ts";
import { openSafetensors } from "./safetensors-file.ts";

/**
 * SHA-256 of the parameters, recomputed from the file.
 * @param target a run's folder (its newest whole checkpoint is taken), a checkpoint's folder or a safetensors file.
 * @param log is told which checkpoints were passed over and why.
 * @throws UserError when there is none, or it is damaged.
 */
export async function parameterHash(
  target: string,
  log: (line: string) => void = () => undefined,
): Promise<string> {
  const file = await parametersFile(target, log);
  try {
    const opened = await openSafetensors(file);
    return await hashOfFile(opened).finally(() => opened.close());
  } catch (error) {
    const fault = fileFault(error);
    if (fault === undefined) throw diskError(error, file);
    throw new UserError({
      what: `this is no whole safetensors file: ${fault}`,
      where: file,
      mend: "take another copy or another checkpoint",
      cause: error,
    });
  }
}

/** The safetensors file with the parameters that `target` stands for, verified where a manifest lies beside it. */
export async function parametersFile(target: string, log: (line: string) => void): Promise<string> {
  const kind = await kindOf(target);
  if (kind === "file") return target;
  if (kind === "checkpoint") {
    const verification = await verifyCheckpoint(target);
    if (verification.kind === "whole") return path.join(target, "parameters.safetensors");
    throw new UserError({
      what: `this checkpoint is damaged: ${verification.reason}`,
      where: target,
      mend: "use the checkpoint before it",
    });
  }
  const passedOver: string[] = [];
  const newest = await newestCheckpoint(path.join(target, "checkpoints"), (line) => {
    passedOver.push(line);
    log(line);
  });
  if (newest) return path.join(newest.directory, "parameters.safetensors");
  throw new UserError({
    what:
      passedOver.length > 0
        ? `no checkpoint of this run is whole: ${passedOver[0]}`
        : "this run has no checkpoint yet",
    where: target,
    mend: "let the run reach its first checkpoint, or continue it with --resume",
  });
}

async function kindOf(target: string): Promise<"file" | "checkpoint" | "run"> {
  try {
    if (!(await stat(target)).isDirectory()) return "file";
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw diskError(error, target);
    throw new UserError({
      what: "there is no such run or file",
      where: target,
      mend: "see which runs there are: latentweave status",
    });
  }
  const isCheckpoint =
    /^step-\d+$/.test(path.basename(path.resolve(target))) || (await exists(path.join(target, manifestName)));
  return isCheckpoint ? "checkpoint" : "run";
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
