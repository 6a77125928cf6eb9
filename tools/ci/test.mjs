#!/usr/bin/env node
/**
 * `npm test`: everything that the tests need, then every project's tests. The last line is `N passed, N failed`.
 *
 *   npm test [-- PROJECT...]
 */
import { setup } from "../setup/setup.mjs";

const setupCode = await setup();
if (setupCode === 0) {
  // Only now is there a node_modules to run from.
  const { runUnitTests } = await import("./run-suites.mjs");
  const { passed, failed, problems } = await runUnitTests({ only: process.argv.slice(2) });
  for (const problem of problems) console.log(`\n${problem}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} else {
  console.log("\n✗ the setup failed; no test was run\n\n0 passed, 1 failed");
  process.exitCode = 1;
}
