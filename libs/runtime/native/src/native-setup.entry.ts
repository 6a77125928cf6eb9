/** Setup as a program of its own: `node native-setup.js [--quiet] [--bundle DIR | --from-bundle DIR]`. */
import { parseArgs } from "node:util";
import { UserError } from "@latentweave/protocol";
import { runSetup } from "./setup.ts";

try {
  const { values } = parseArgs({
    options: { quiet: { type: "boolean" }, bundle: { type: "string" }, "from-bundle": { type: "string" } },
  });
  const fromBundle = values["from-bundle"];
  process.exitCode = await runSetup({
    quiet: values.quiet === true,
    ...(values.bundle === undefined ? {} : { bundle: values.bundle }),
    ...(fromBundle === undefined ? {} : { fromBundle }),
  });
} catch (error) {
  process.stderr.write(`${error instanceof UserError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
