/** Runs that are trained the first time a reproduction is started, and are there the next time. */
import { latentweave } from "../../tools/bench/own-command.mjs";

/** Trains the job in this file, unless there is a run of that name. */
export async function trainOnce(file, { runs, runId, workers }) {
  await latentweave([
    ...["train", file, "--run-id", runId, "--dashboard", "off", "--quiet"],
    ...["--runs", runs, "--workers", workers],
  ]).catch((error) => {
    if (!String(error.message).includes("already")) throw error;
  });
}
