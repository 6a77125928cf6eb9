#!/usr/bin/env node
/**
 * What was promised, done and measured: each item of an issue runs, and its figure is printed beside its bar.
 *
 *   npm run shows -- ISSUE [--only 3,6] [--keep]
 *
 * An item is `{ number, title, bar, run(context) }`; `run` returns `{ figure, met }`, both from what it has just seen.
 * With `--keep` what shows/matrix-rows.mjs measures by `npm run bench:matrix` goes to that command's results and page too.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { setup } from "../setup/setup.mjs";
import { runCommand } from "./run-command.mjs";

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "shows");
const [issue, ...flags] = process.argv.slice(2);
const file = path.join(folder, `issue-${issue}.mjs`);

if (issue === undefined || !existsSync(file)) {
  const known = readdirSync(folder).flatMap((name) => /^issue-(\d+)\.mjs$/.exec(name)?.[1] ?? []);
  console.error(`usage: npm run shows -- ISSUE [--only N,N] [--keep]     issues: ${known.join(", ")}`);
  process.exit(2);
}
await runCommand(["bash", "tools/ci/machine.sh"], { onOutput: (text) => process.stdout.write(text) });
if ((await setup()) !== 0) process.exit(1);

const { items } = await import(file);
const only = flags[flags.indexOf("--only") + 1]?.split(",");
const chosen = flags.includes("--only") ? items.filter(({ number }) => only.includes(number)) : items;
const keep = flags.includes("--keep");
const results = [];
for (const item of chosen) {
  console.log(`\n== ${item.number}. ${item.title}\n   bar: ${item.bar}`);
  const startMs = performance.now();
  const scratch = mkdtempSync(path.join(os.tmpdir(), "latentweave-shows-"));
  let outcome;
  try {
    outcome = await item.run({ scratch, keep, say: (line) => console.log(`   ${line}`) });
  } catch (error) {
    outcome = { figure: `failed: ${String(error.message).split("\n")[0]}`, met: false };
    console.log(`   ${String(error.message).replace(/\n/g, "\n   ")}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`   ${outcome.met ? "✓" : "✗"} ${outcome.figure} (${seconds.toFixed(0)} s)`);
  results.push({ ...item, ...outcome });
}

console.log("\n| item | bar | figure | met |\n| --- | --- | --- | --- |");
for (const { number, title, bar, figure, met } of results)
  console.log(`| ${number}. ${title} | ${bar} | ${figure} | ${met ? "yes" : "NO"} |`);
const missed = results.filter(({ met }) => !met).length;
console.log(`\n${results.length - missed} met, ${missed} missed`);
process.exitCode = missed > 0 || results.length === 0 ? 1 : 0;
