/** The command `latentweave`. */
import { endWithReader } from "./command/output.ts";
import { reportFailure } from "./command/failure.ts";
import { createProgram } from "./command/program.ts";

endWithReader();
try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = reportFailure(error);
}
