import type { ResolvedJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";

/** @throws UserError (exit code 2) where two undisturbed runs of the job may come to different weights */
export function requireOneHash({ mode: { kind }, compression }: ResolvedJob, jobFile: string): void {
  if (!compression.sameBits)
    throw new UserError({
      where: jobFile,
      what: "the job gives the same bits up (compression.sameBits: false), so that each run comes to weights of its own: there is no hash to hold it against",
      expected: "a compression that keeps the bits",
      mend: "choose one with --set, such as compression.push.codec=int8",
      exitCode: 2,
    });
  if (kind !== "stale" && kind !== "async") return;
  throw new UserError({
    where: jobFile,
    what: `the mode is "${kind}", in which a run comes to weights of its own: there is no hash to hold it against`,
    expected: "sync or diloco",
    mend: "choose one of them with --set; what a run of this mode did is proved by `latentweave verify RUN --recompute`",
    exitCode: 2,
  });
}
