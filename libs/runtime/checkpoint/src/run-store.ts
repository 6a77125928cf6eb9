import fs from "node:fs";
import path from "node:path";
import { type ParameterLayout } from "@latentweave/parameters";
import { makesVoid, type RunStore } from "@latentweave/protocol";
import { openBestMarks } from "./best-marks.ts";
import { sweep } from "./checkpoint-directory.ts";
import { checkpointSource, newestCheckpoint } from "./checkpoint-reader.ts";
import { beginCheckpoint } from "./checkpoint-writer.ts";
import type { CheckpointDisk } from "./disk/checkpoint-disk.ts";
import { diskError, errorCode } from "./disk-error.ts";
import { type DiskPatience, noPatience } from "./disk-patience.ts";
import { writeTextAtomically } from "./durable-file.ts";
import { openInitialWeights } from "./initial-weights.ts";
import { Ledger } from "./ledger.ts";
import { sha256, type StartRecord } from "./ledger-line.ts";
import { MetricSeries, type SeriesName } from "./metric-series.ts";
import { withOwnChecksum } from "./own-checksum.ts";
import { ledgerFile } from "./read-ledger.ts";
import { type LedgerFacts, readOrRepair, refusalOf } from "./repair-ledger.ts";
import { lockRun } from "./run-lock.ts";

export interface RunStoreOptions {
  /** The run's own folder, `runs/<runId>`; made when it is not there. */
  readonly directory: string;
  readonly runId: string;
  readonly layout: ParameterLayout;
  /** How many checkpoints to keep, newest first; at least 1. */
  readonly keep: number;
  /** Lines for the person who reads the run's log: damage that was found and passed over. */
  readonly log: (line: string) => void;
  /** For all but checkpoints, of which another one follows; default: the first refusal of the disk counts. */
  readonly patience?: DiskPatience;
  /** By which checkpoints are written and digested; default: the process's own means. */
  readonly disk?: CheckpointDisk;
}

/**
 * Everything a coordinator keeps, as files: `run.json`, `ledger/commits.jsonl`, `metrics/*.jsonl`, `checkpoints/`.
 * Before a run goes on, `latestCheckpoint` reads the whole ledger, and puts aside what is damaged in it.
 * Opening cuts off lines that a crash left unfinished and locks the run against a second writer until `close`.
 * @throws UserError when the folder cannot be written or is in use.
 */
export function createRunStore(options: RunStoreOptions): RunStore {
  const { directory, runId, layout, keep, log, patience = noPatience } = options;
  const checkpoints = path.join(directory, "checkpoints");
  makeFolders(directory, ["checkpoints", "ledger", "metrics", "logs"]);
  const unlock = lockRun(directory);
  const { ledger, series } = openLines(options, patience, unlock);
  const marks = openBestMarks(checkpoints);
  const lineFiles = [ledger, ...Object.values(series)];
  const swept = sweep(checkpoints);
  swept.catch(() => undefined); // told to whoever first needs the folder
  let state: Promise<void> = Promise.resolve();
  const syncLines = async (): Promise<void> => {
    for (const file of lineFiles) await file.sync();
  };

  let facts: Promise<LedgerFacts> | undefined;

  return {
    get ledgerEnd() {
      return ledger.end;
    },
    appendCommit: (record) => ledger.appendCommit(record),
    appendVersion: (record) => ledger.appendVersion(record),
    async appendTimeline(record) {
      ledger.appendTimeline(record);
      if (makesVoid(record)) marks.takeBack(record.fromVersion);
      facts = undefined;
      await ledger.sync();
    },
    async recorded() {
      await Promise.all([ledger.written(), series.steps.written()]);
    },
    appendMetric: (name, row) => series[name].append(row),
    writeState(next) {
      const text = withOwnChecksum(next);
      const file = path.join(directory, "run.json");
      const write = (): Promise<void> => patience(file, () => writeTextAtomically(file, text));
      const written = state.then(write, write);
      written.catch(() => undefined); // the caller gets it; the chain only keeps the order
      state = written;
      return written;
    },
    hasPlaces: true,
    async beginCheckpoint(version, sections) {
      await swept;
      return beginCheckpoint({
        checkpoints,
        runId,
        layout,
        version,
        sections,
        keep,
        disk: options.disk,
        pinned: (there) => marks.pinned(there),
        async beforePublishing(seal) {
          ledger.appendSeal(seal);
          await syncLines();
        },
      });
    },
    async latestCheckpoint(notAbove = Number.MAX_SAFE_INTEGER) {
      await swept;
      facts ??= readOrRepair(ledger, runId, log);
      const known = await facts;
      const newest = await newestCheckpoint(checkpoints, log, {
        refuse: (version) =>
          version > notAbove
            ? `nothing above version ${notAbove} may stay`
            : refusalOf(known, ledger.end.nextStep, version),
      });
      return newest ? checkpointSource(newest, layout) : openInitialWeights(directory, layout);
    },
    get best() {
      return marks.best;
    },
    markBest: (best) => marks.mark(best),
    async rewindMetrics(step) {
      for (const one of Object.values(series)) await patience(directory, () => one.rewindTo(step));
    },
    async close() {
      const outcomes = await Promise.allSettled([
        state,
        swept,
        marks.written(),
        ...lineFiles.map((file) => file.close()),
      ]);
      unlock();
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
}

function openLines(
  { directory, runId, log }: RunStoreOptions,
  patience: DiskPatience,
  unlock: () => void,
): { readonly ledger: Ledger; readonly series: Readonly<Record<SeriesName, MetricSeries>> } {
  try {
    const open = (name: SeriesName): MetricSeries =>
      new MetricSeries(path.join(directory, "metrics"), name, patience);
    const ledger = new Ledger(ledgerFile(directory), runId, startOf(directory), log, patience);
    const steps = open("steps");
    // A coordinator that was killed may have written a step's row, and not its commit, which its successor is told again.
    steps.cutFrom(ledger.end.nextStep);
    return {
      ledger,
      series: {
        steps,
        tasks: open("tasks"),
        workers: open("workers"),
        events: open("events"),
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** What a run's folder said when this process took it; undefined where there is no spec (a test's folder). */
function startOf(directory: string): StartRecord | undefined {
  const digestOf = (name: string): string | null => {
    const file = path.join(directory, name);
    return fs.existsSync(file) ? sha256(fs.readFileSync(file)) : null;
  };
  const spec = digestOf("spec.json");
  if (spec === null) return undefined;
  return { spec, job: digestOf("job.json"), ...(givesBitsUp(directory) && { sameBits: false }) };
}

/** What is no spec is found out by whoever reads it as one. */
function givesBitsUp(directory: string): boolean {
  try {
    const spec = JSON.parse(fs.readFileSync(path.join(directory, "spec.json"), "utf8")) as {
      readonly compression?: { readonly sameBits?: unknown };
    } | null;
    return spec?.compression?.sameBits === false;
  } catch {
    return false;
  }
}

function makeFolders(directory: string, names: readonly string[]): void {
  try {
    for (const name of names) makeFolder(path.join(directory, name));
  } catch (error) {
    throw diskError(error, directory);
  }
}

/** As `mkdir -p`; Node's own `recursive` hides the cause (read-only, no permission) behind ENOENT. */
function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    if (errorCode(error) === "EEXIST" && fs.statSync(folder).isDirectory()) return;
    if (errorCode(error) !== "ENOENT") throw error;
    makeFolder(path.dirname(folder));
    fs.mkdirSync(folder);
  }
}
