/** The first file of a process that digests checkpoints when nobody else wants the processor. */
import { digestFiles } from "./digest-files.ts";
import { stepBackBehindAll } from "./step-back.ts";
import { answerOf, type DigestRequest } from "./thread-messages.ts";

stepBackBehindAll();
process.title = "latentweave digests";
// A signal to everybody is for whoever asks: it ends with that one.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit(0));
process.on("message", ({ id, files }: DigestRequest) => {
  process.send?.(answerOf(id, () => digestFiles(files)));
});
