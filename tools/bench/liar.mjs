#!/usr/bin/env node
/**
 * Measures how soon a worker is found that sends wrong bits in 1 of 50 micro-batches, when 5 % of the work is audited.
 *
 *   npm run bench:liar                    10 runs; tools/bench/results/liar.json is written
 *   npm run bench:liar -- --rounds 2      fewer, nothing written
 *
 * Each run is a drill of `latentweave chaos`: four workers, one of which begins to lie at step 20, and the same job
 * undisturbed; who lies, and so which answers are wrong, differs from run to run. Counted: steps from the first wrong answer to the conviction.
 * A run may lie less often than one would expect before it is over; it then counts as not found.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.mjs";
import { readLines } from "./measure-latentweave.mjs";
import { latentweave } from "./own-command.mjs";
import { median } from "./statistics.mjs";
import { writeFormatted } from "./write-formatted.mjs";

const job = fileURLToPath(new URL("./liar.yaml", import.meta.url));
const resultFile = "tools/bench/results/liar.json";
const [steps, workers, shards] = [1500, 4, 2];
const [probability, auditShare] = [0.02, 0.05];
const lies = 20;

/**
 * An audit meets a wrong answer in `share × (1 − (1 − p)^slots)` of the steps; the second disagreement follows soon, for
 * suspects are audited in every step. Stated is three times as many steps as the first takes on average.
 */
const slotsEach = 2;
const statedSteps = Math.round(3 / (auditShare * (1 - (1 - probability) ** slotsEach)));

async function drill(folder, round) {
  const plan = path.join(folder, "plan.yaml");
  // Which of its answers are wrong follows from the slots that it has, so from who it is.
  const liar = `worker-${round % workers}`;
  writeFileSync(
    plan,
    `job: { steps: ${steps}, workers: ${workers}, shards: ${shards}, set: [audit.share=${auditShare}, seed=${round}] }
faults:
  - { do: wrong-answers, to: ${liar}, at: { step: ${lies} }, probability: ${probability}, forSteps: ${steps - lies} }
`,
  );
  const certificate = path.join(folder, "certificate");
  let failure;
  await latentweave([
    ...["chaos", job, "--plan", plan, "--runs", path.join(folder, "runs"), "--run-id", `liar-${round}`],
    ...["--out", certificate, "--json"],
  ]).catch((error) => (failure = error));
  const facts = JSON.parse(readFileSync(path.join(certificate, "certificate.json"), "utf8"));
  const events = readLines(path.join(folder, "runs", `liar-${round}`, "metrics", "events.jsonl"));
  const conviction = events.find(({ text }) => text.startsWith(`worker ${liar} is quarantined`));
  const found = Number(/in step (\d+)/.exec(conviction?.text ?? "")?.[1] ?? Number.NaN);
  const accusation = events.find(({ text }) => /sent different bits/.test(text));
  const suspected = Number(/step (\d+)/.exec(accusation?.text ?? "")?.[1] ?? Number.NaN);
  return { found, suspected, facts, failure };
}

const { values } = parseArgs({ options: { rounds: { type: "string" } } });
const rounds = Number(values.rounds ?? 10);
const results = [];
const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-liar-"));
try {
  for (let round = 1; round <= rounds; round++) {
    const own = mkdtempSync(path.join(folder, "round-"));
    const { found, suspected, facts, failure } = await drill(own, round);
    const same = facts.undisturbed.hash !== null && facts.undisturbed.hash === facts.disturbed.hash;
    results.push({ round, found: found - lies, suspected: suspected - lies, same });
    console.log(
      `run ${round}: ${Number.isNaN(found) ? "not found" : `suspected after ${suspected - lies} steps, convicted ${found - lies} steps after it began to lie`}; ${same ? "the hash of the honest run" : `another hash${failure ? ` (${failure.message.split("\n")[0]})` : ""}`}`,
    );
    rmSync(own, { recursive: true, force: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const foundAfter = results.map(({ found }) => (Number.isNaN(found) ? Number.POSITIVE_INFINITY : found));
const middle = median(foundAfter);
const met = results.every(({ same }) => same) && middle <= statedSteps;
if (values.rounds === undefined)
  await writeFormatted(
    resultFile,
    JSON.stringify({ machine: await describeMachine(), statedSteps, results }),
  );
console.log(
  `${met ? "✓" : "✗"} found after ${middle} steps (median of ${rounds}; stated: ${statedSteps}), ${results.filter(({ same }) => same).length} of ${rounds} with the hash of the honest run`,
);
process.exitCode = met ? 0 : 1;
