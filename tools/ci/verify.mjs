#!/usr/bin/env node
/**
 * Everything that must hold before a change is kept; `.ci/run` (which `npm run verify` runs too) sees to the machine
 * and then calls this. Formatting, lint and types count as one test each. The last line is `N passed, N failed`.
 */
import { setup } from "../setup/setup.mjs";
import { plain, runCommand } from "./run-command.mjs";

const checks = [
  { name: "formatting", commands: [["prettier", "--check", "."]] },
  {
    name: "types",
    commands: [
      ["tsc", "--noEmit", "-p", "tsconfig.json"],
      ["tsc", "--noEmit", "-p", "apps/dashboard/tsconfig.json"],
    ],
  },
  { name: "lint", commands: [["eslint", "."]] },
];
const shownLines = 60;
const totals = { passed: 0, failed: 0 };
const startMs = performance.now();

function count({ passed, failed }) {
  totals.passed += passed;
  totals.failed += failed;
}

async function check({ name, commands }) {
  let seconds = 0;
  let problems = "";
  for (const command of commands) {
    const result = await runCommand(command, { env: { NX_DAEMON: "false" } });
    seconds += result.seconds;
    if (result.code !== 0) problems += `${plain(result.output).trim()}\n`;
  }
  count(problems === "" ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  console.log(`${problems === "" ? "✓" : "✗"} ${name} (${seconds.toFixed(1)} s)`);
  const lines = problems.trim().split("\n");
  if (problems !== "") console.log(lines.slice(0, shownLines).join("\n"));
  if (lines.length > shownLines) console.log(`... ${lines.length - shownLines} lines more`);
}

async function part(title, work) {
  const partMs = performance.now();
  console.log(`\n== ${title}`);
  await work();
  console.log(`== ${title}: ${((performance.now() - partMs) / 1000).toFixed(0)} s`);
}

let isReady = false;
await part("Setup", async () => {
  isReady = (await setup()) === 0;
  if (!isReady) count({ passed: 0, failed: 1 });
});
if (isReady) {
  const { runEndToEnd, runUnitTests } = await import("./run-suites.mjs");
  await part("Formatting, types, lint", async () => {
    for (const each of checks) await check(each);
  });
  await part("Tests of each project", async () => count(await runUnitTests()));
  await part("Real processes, end to end", async () => count(await runEndToEnd()));
}
console.log(`\nin ${((performance.now() - startMs) / 60_000).toFixed(1)} minutes`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
