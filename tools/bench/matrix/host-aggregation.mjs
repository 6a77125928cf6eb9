/**
 * Four workers of one host, the parameter server on another, behind a cable of 1 Gbit/s each way: what passes the cable,
 * and how fast it goes, with one of them that speaks for all and with each for itself. The cable's own counters, from
 * before the first process to after the last: data, weights, headers and acknowledgements.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createCable } from "../cable.mjs";
import { readLines } from "../measure-latentweave.mjs";
import { commandFile, run } from "../own-command.mjs";
import { median, spread } from "../statistics.mjs";
import { table } from "../table.mjs";

const job = fileURLToPath(new URL("../autoencoder.yaml", import.meta.url));
const bitsPerSecond = 1e9;
const workers = 4;
/** Little to compute, so that it is the cable that counts: the cores are shared by both of its ends. */
const batch = 32;
const warmup = 10;
const steps = 60;
const port = "8797";
const token = "bench";
const mostBytes = 0.3;
const rows = [
  { name: "one for all", setting: "auto" },
  { name: "each for itself", setting: "off" },
];

/** @returns {Promise<object>} per row samples a second, milliseconds a step, bytes each way; the hash of all runs */
export async function measureHostAggregation(_, { rounds, say }) {
  const measured = new Map(rows.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const { name, setting } of round % 2 === 0 ? rows : rows.toReversed()) {
      const result = await measure(setting);
      measured.get(name).push(result);
      const { samplesPerSecond, stepMs, toWorkers, fromWorkers } = result;
      say(
        `round ${round + 1}  ${name.padEnd(15)} ${samplesPerSecond.toPrecision(4)} a second  ${stepMs.toPrecision(4)} ms a step  ${megabytes(fromWorkers)} MB from the workers' host, ${megabytes(toWorkers)} MB to it`,
      );
    }
  const hashes = new Set([...measured.values()].flat().map(({ hash }) => hash));
  if (hashes.size > 1) throw new Error(`these runs differ: ${[...hashes].join(", ")}`);
  const ratioOf = (of) => {
    const [together, apart] = rows.map(({ name }) => measured.get(name));
    return spread(together.map((one, round) => one[of] / apart[round][of]));
  };
  return {
    rounds,
    rows: rows.map(({ name }) => ({
      name,
      perSecond: spread(measured.get(name).map(({ samplesPerSecond }) => samplesPerSecond)),
      stepMs: median(measured.get(name).map(({ stepMs }) => stepMs)),
      toWorkers: median(measured.get(name).map(({ toWorkers }) => toWorkers)),
      fromWorkers: median(measured.get(name).map(({ fromWorkers }) => fromWorkers)),
    })),
    fromWorkers: ratioOf("fromWorkers"),
    toWorkers: ratioOf("toWorkers"),
    speed: ratioOf("samplesPerSecond"),
    ratios: [],
    hash: [...hashes][0],
  };
}

async function measure(setting) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  const cable = createCable(bitsPerSecond);
  try {
    const main = await commandFile();
    const shell = path.join(folder, "shell");
    writeFileSync(shell, shellOf(cable), { mode: 0o755 });
    const [command, ...before] = cable.near.prefix;
    const hash = await run(
      command,
      [
        ...[...before, process.execPath, main, "train", job, "--workers", String(workers)],
        ...["--launcher", "ssh", "--hosts", "far", "--set", `launcher.hostAggregation=${setting}`],
        ...["--set", `tasks.digits.slots=${workers}`, "--set", `tasks.digits.microBatch=${batch}`],
        ...[
          "--steps",
          String(warmup + steps),
          "--seed",
          "7",
          "--quiet",
          "--run-id",
          "bench",
          "--runs",
          folder,
        ],
        ...["--host", cable.near.address, "--dashboard", port, "--token", token],
      ],
      {
        ...process.env,
        LATENTWEAVE_SSH_COMMAND: shell,
        LATENTWEAVE_REMOTE_COMMAND: `${process.execPath} ${main}`,
      },
    );
    const commits = readLines(path.join(folder, "bench/metrics/steps.jsonl")).filter(
      ({ step }) => step >= warmup - 1,
    );
    const [first, last] = [commits[0], commits.at(-1)];
    const counted = last.step - first.step;
    const seconds = (last.atMs - first.atMs) / 1000;
    return {
      samplesPerSecond: (counted * workers * batch) / seconds,
      stepMs: (1000 * seconds) / counted,
      toWorkers: counterOf(cable.near, "tx_bytes"),
      fromWorkers: counterOf(cable.near, "rx_bytes"),
      hash: hash.trim(),
    };
  } finally {
    cable.down();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In place of ssh: the last of its words is what is to be run on the other host, which sees where it was called from. */
function shellOf({ near, far }) {
  const connection = `${near.address} 0 ${far.address} 22`;
  return `#!/bin/sh\nfor script in "$@"; do :; done\nexec ${far.prefix.join(" ")} env SSH_CONNECTION="${connection}" sh -c "$script"\n`;
}

function counterOf({ name, cable }, counter) {
  const file = `/sys/class/net/${cable}/statistics/${counter}`;
  return Number(execFileSync("ip", ["netns", "exec", name, "cat", file]).toString());
}

const megabytes = (bytes) => Math.round(bytes / 1e6);
/** Median [worst–best]; of bytes the fewest are the best. */
const spreadText = ({ median: middle, worst, best }, fewest = false) =>
  `**${middle.toFixed(2)}** [${(fewest ? [best, worst] : [worst, best]).map((value) => value.toFixed(2)).join("–")}]`;

export function judgedHostAggregation(_, { fromWorkers, toWorkers, speed }) {
  const bytes = (what, ratio) => ({
    ...{ what, figure: spreadText(ratio, true), bar: `≤ ${mostBytes}` },
    isMet: Math.max(ratio.worst, ratio.best) <= mostBytes,
  });
  return [
    bytes("bytes from the workers' host, of those of four senders", fromWorkers),
    bytes("bytes to the workers' host, of those to four receivers", toWorkers),
    { what: "samples/s, as a multiple", figure: spreadText(speed), bar: "", isMet: undefined },
  ];
}

export function hostAggregationText(one, result) {
  const lines = result.rows.map(({ name, perSecond, stepMs, fromWorkers, toWorkers }) => [
    name,
    Math.round(perSecond.median),
    stepMs.toPrecision(3),
    megabytes(fromWorkers),
    megabytes(toWorkers),
  ]);
  const head = [one.title, "samples/s, median", "ms a step", "MB from their host", "MB to it"];
  const judged = judgedHostAggregation(one, result).map(
    ({ what, figure, bar, isMet }) =>
      `${what}: ${figure}${bar === "" ? "" : `, bar ${bar}: ${isMet ? "met" : "**missed**"}`}`,
  );
  return `${table(head, lines)}\n\n${judged.join("; ")}.\n\nOne hash: \`${result.hash.slice(0, 12)}\`.`;
}
