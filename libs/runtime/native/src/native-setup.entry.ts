/** The setup step as a program of its own: `node native-setup.js [--bundle DIR | --from-bundle DIR]`. */
import { UserError } from "@latentweave/protocol";
import { runSetup } from "./setup.ts";

const [flag, directory] = process.argv.slice(2);
try {
  process.exitCode = await runSetup({
    ...(flag === "--bundle" && directory !== undefined ? { bundle: directory } : {}),
    ...(flag === "--from-bundle" && directory !== undefined ? { fromBundle: directory } : {}),
  });
} catch (error) {
  process.stderr.write(`${error instanceof UserError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
