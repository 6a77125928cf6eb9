#!/usr/bin/env node
/**
 * Everything that must hold before a change is kept; `.ci/run` (which `npm run verify` runs too) sees to the machine
 * and then calls this. Formatting, lint and types count as one test each. What failed is told at the end; the last line
 * is `N passed, N failed`.
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
const told = [];
const startMs = performance.now();

function count({ passed, failed, problems }) {
  totals.passed += passed;
  totals.failed += failed;
  told.push(...problems);
}

async function check({ name, commands }) {
  let seconds = 0;
  let said = "";
  for (const command of commands) {
    const result = await runCommand(command, { env: { NX_DAEMON: "false" } });
    seconds += result.seconds;
    if (result.code !== 0) said += `${plain(result.output).trim()}\n`;
  }
  const isFine = said === "";
  console.log(`${isFine ? "✓" : "✗"} ${name} (${seconds.toFixed(1)} s)`);
  count(isFine ? { passed: 1, failed: 0, problems: [] } : failure(name, said));
}

function failure(name, said) {
  const lines = said.trim().split("\n");
  const more = lines.length > shownLines ? [`... ${lines.length - shownLines} lines more`] : [];
  return {
    passed: 0,
    failed: 1,
    problems: [[`✗ ${name}`, ...lines.slice(0, shownLines), ...more].join("\n")],
  };
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
  if (!isReady) count({ passed: 0, failed: 1, problems: ["✗ the setup failed; no test was run"] });
});
if (isReady) {
  const { runEndToEnd, runUnitTests } = await import("./run-suites.mjs");
  await part("Formatting, types, lint", async () => {
    for (const each of checks) await check(each);
  });
  await part("Tests of each project", async () => count(await runUnitTests()));
  await part("Real processes, end to end", async () => count(await runEndToEnd()));
}
if (told.length > 0) console.log(`\n== What failed\n\n${told.join("\n\n")}`);
console.log(`\nin ${((performance.now() - startMs) / 60_000).toFixed(1)} minutes`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
