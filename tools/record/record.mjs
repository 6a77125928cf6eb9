#!/usr/bin/env node
/**
 * Makes the README's recording from a real run.
 *
 *   npm run record [-- --steps N] [--seconds N] [--keep DIR] [--out DIR]
 *
 * An undisturbed run first; then the same job under the camera, one of its two workers killed with `kill -9` on the way;
 * then `latentweave hash` of both. Nothing is written unless the hashes are equal.
 *   docs/media/recording.gif    the recording
 *   docs/media/recording.png    one picture of it, for where nothing moves
 *   docs/media/recording.json   what was measured on the way, with the conditions
 * `--keep DIR` keeps every frame as a PNG file in DIR; `--out DIR` writes the three files there.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { coresInUse } from "../bench/machine.mjs";
import { card } from "./card.mjs";
import { film, openBrowser, pictureOf } from "./film.mjs";
import { encodeGif } from "./gif.mjs";
import { output, root, train } from "./training.mjs";

const job = "examples/digits-and-fashion/job.ts";
const flags = readFlags();
const steps = Number(flags.steps);
const killAtStep = Math.round(steps * 0.4);
/** In the recording's own time. */
const frameMs = 150;
const openingMs = 1500;
const readMs = 2000;
const endMs = 1500;
const cardMs = 6000;

const inUseBefore = await coresInUse();
const runs = mkdtempSync(path.join(os.tmpdir(), "latentweave-record-"));
const media = flags.out ?? path.join(root, "docs/media");
let running;
let browser;
try {
  const common = [job, "--workers", "2", "--steps", String(steps), "--runs", runs];
  say(`an undisturbed run of ${steps} steps`);
  const startMs = performance.now();
  running = train([...common, "--run-id", "undisturbed", "--dashboard", "off"]);
  await running.ended;
  const speed = Math.max(1, Math.round((performance.now() - startMs) / 1000 / Number(flags.seconds)));

  say("the same under the camera");
  const opened = await openBrowser();
  browser = opened.browser;
  running = train([...common, "--run-id", "recorded"]);
  const url = await running.url;
  const shown = await film(opened.context, url, frameMs * speed);
  const aside = speed > 1 ? `shown ${speed}× faster` : "";
  await shown.caption({ text: "latentweave train job.ts --workers 2", prompt: true }, aside);

  const before = await snapshotWhen(url, ({ step }) => step >= killAtStep);
  const victim = before.workers.find(({ workerId }) => workerId === "worker-1");
  process.kill(victim.pid, "SIGKILL");
  const killedAtMs = Date.now();
  await shown.caption({ text: `kill -9 ${victim.pid}     # worker-1`, tone: "kill", prompt: true }, aside);
  say(`killed worker-1 (process ${victim.pid}) at step ${before.step}`);

  const isLost = ({ workerId, state }) => workerId === victim.workerId && state === "lost";
  await snapshotWhen(url, ({ workers }) => workers.some(isLost));
  // One frame may be under way, and the page hears of it a moment later.
  const stillFrame = shown.frames.length + 2;
  await wait(readMs * speed);
  await shown.caption({ text: "worker-0 took its slots over: the curve goes on" }, aside);
  await wait(readMs * speed);
  const isBack = ({ workerId, pid, state }) =>
    workerId === victim.workerId && pid !== victim.pid && state === "active";
  if (await snapshotWhen(url, ({ workers }) => workers.some(isBack)))
    await shown.caption({ text: "another worker-1 has joined: two again" }, aside);
  await running.ended;
  // The page has heard the run's last word by now; one frame shows it.
  await wait(2 * frameMs * speed);
  await shown.stop();

  const ids = ["undisturbed", "recorded"];
  const [hashOfUndisturbed, hashOfRecorded] = await Promise.all(
    ids.map((id) => output(["hash", id, "--runs", runs])),
  );
  if (hashOfUndisturbed !== hashOfRecorded)
    throw new Error(`the hashes differ: ${hashOfUndisturbed} and ${hashOfRecorded}`);
  const last = await pictureOf(
    opened.context,
    card(
      [
        {
          remark: `# two workers, ${steps} steps, nothing happened`,
          command: "latentweave hash undisturbed",
          output: hashOfUndisturbed,
        },
        {
          remark: `# two workers, one killed with kill -9 at step ${before.step}`,
          command: "latentweave hash recorded",
          output: hashOfRecorded,
        },
      ],
      {
        title: "Same bits",
        below: `SHA-256 over all ${before.parameters.toLocaleString("en")} parameters after training.`,
      },
    ),
  );

  const frames = [...playedBack(shown.frames, speed), { png: last, delayMs: cardMs }];
  frames[0].delayMs = openingMs;
  const gif = encodeGif(frames);
  mkdirSync(media, { recursive: true });
  writeFileSync(path.join(media, "recording.gif"), gif);
  writeFileSync(path.join(media, "recording.png"), shown.frames[stillFrame].png);
  const facts = {
    job,
    steps,
    workers: 2,
    killedAtStep: before.step,
    nextStepAfterMs: firstStepWithout(path.join(runs, "recorded"), killedAtMs) - killedAtMs,
    samplesPerSecondUndisturbed: medianSpeed(path.join(runs, "undisturbed")),
    hash: hashOfRecorded,
    madeAt: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus()[0].model}, ${os.cpus().length} cores, Node ${process.version}`,
    coresInUseBefore: Number(inUseBefore.toFixed(2)),
  };
  writeFileSync(path.join(media, "recording.json"), `${JSON.stringify(facts, undefined, 2)}\n`);
  if (flags.keep) keepFrames(flags.keep, frames);
  say(`${path.join(media, "recording.gif")}: ${frames.length} frames, ${(gif.length / 1e6).toFixed(2)} MB`);
} catch (error) {
  process.stderr.write(`no recording: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  running?.stop();
  await running?.ended.catch(() => {});
  rmSync(runs, { recursive: true, force: true });
}

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        steps: { type: "string", default: "300" },
        seconds: { type: "string", default: "14" },
        keep: { type: "string" },
        out: { type: "string" },
      },
    });
    return values;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return process.exit(2);
  }
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The run's first snapshot for which `condition` holds; undefined when the run has ended and with it its API. */
async function snapshotWhen(url, condition) {
  for (;;) {
    const response = await fetch(new URL("/api/v1/run", url)).catch(() => undefined);
    if (response === undefined) return undefined;
    const snapshot = await response.json();
    if (condition(snapshot)) return snapshot;
    await wait(20);
  }
}

function stepsOf(run) {
  const lines = readFileSync(path.join(run, "metrics/steps.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

function medianSpeed(run) {
  const speeds = stepsOf(run)
    .map(({ samplesPerSecond }) => samplesPerSecond)
    .sort((a, b) => a - b);
  return Math.round(speeds[Math.floor(speeds.length / 2)]);
}

/** When the first step was committed with one worker fewer, by the run's own metrics. */
function firstStepWithout(run, sinceMs) {
  const point = stepsOf(run).find(({ atMs, workers }) => atMs > sinceMs && workers === 1);
  if (point === undefined) throw new Error("no step was committed by the surviving worker alone");
  return point.atMs;
}

function playedBack(frames, speed) {
  return frames.map(({ png, atMs }, index) => {
    const next = frames[index + 1];
    return { png, delayMs: next === undefined ? endMs : (next.atMs - atMs) / speed };
  });
}

function keepFrames(folder, frames) {
  mkdirSync(folder, { recursive: true });
  frames.forEach(({ png }, index) =>
    writeFileSync(path.join(folder, `${String(index).padStart(4, "0")}.png`), png),
  );
}
