/** Runs one test file of the workspace and reads its report. */
import path from "node:path";
import { root, runCommand } from "./run-command.mjs";
import { readReport } from "./suites.mjs";

/**
 * @param {string} project the project's folder
 * @param {string} file the test file, relative to it
 * @param {string} scratch a folder for the report
 * @param {{ config?: string, env?: Record<string, string> }} [options] `config`: where it is not `vitest.config.ts`
 * @throws Error with what was said when it left no report
 */
export async function runTestFile(project, file, scratch, { config = "vitest.config.ts", env = {} } = {}) {
  const outputFile = path.join(scratch, `${path.basename(file)}.json`);
  const command = ["vitest", "run", file, "--config", config, "--reporter=default", "--reporter=json"];
  const { output } = await runCommand([...command, `--outputFile.json=${outputFile}`], {
    cwd: path.join(root, project),
    env,
  });
  const report = readReport(outputFile);
  if (report === undefined) throw new Error(`${file} left no report:\n${output.slice(-3000)}`);
  return { report, output };
}
