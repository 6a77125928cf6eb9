import { readFile } from "node:fs/promises";
import path from "node:path";
import { readTable } from "@latentweave/checkpoint";
import type { CommitPoint, RunState } from "@latentweave/telemetry";
import { awaitsCoordinator, runHolder } from "./run-holder.ts";

/** A run on disk at a glance. */
export interface RunDescription {
  readonly runId: string;
  readonly directory: string;
  readonly name: string;
  /** `lost`: run.json says that it goes on, but nobody writes it. */
  readonly state: RunState | "lost";
  readonly reason: string | null;
  readonly step: number;
  readonly totalSteps: number | null;
  /** Mean training loss of the newest committed step, by task. */
  readonly loss: Readonly<Record<string, number>>;
  readonly hash: string | null;
  /** Of the live page, while the run goes on. */
  readonly url: string | null;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number | null;
}

const endStates: readonly unknown[] = ["finished", "interrupted", "failed"];

/** Reads run.json, job.json and the end of the metrics. @throws UserError when a file is damaged */
export async function describeRun(directory: string): Promise<RunDescription> {
  const run = (await readTable(path.join(directory, "run.json"))) ?? {};
  const job = (await readTable(path.join(directory, "job.json"))) ?? {};
  const last = await lastCommit(directory);
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  const number = (value: unknown): number | null => (typeof value === "number" ? value : null);
  const holder = runHolder(directory);
  const state = (text(run.state) ?? "starting") as RunState;
  return {
    runId: text(run.runId) ?? path.basename(directory),
    directory,
    name: text(run.name) ?? text(job.name) ?? path.basename(directory),
    state: holder || endStates.includes(state) || awaitsCoordinator(directory) ? state : "lost",
    reason: text(run.reason),
    step: Math.max(number(run.version) ?? 0, last === undefined ? 0 : last.step + 1),
    totalSteps: number(run.totalSteps) ?? number(job.steps),
    loss: last?.loss ?? {},
    hash: text(run.hash),
    url: holder?.url ?? null,
    startedAtMs: number(run.startedAtMs),
  };
}

async function lastCommit(directory: string): Promise<CommitPoint | undefined> {
  const text = await readFile(path.join(directory, "metrics", "steps.jsonl"), "utf8").catch(() => "");
  const lines = text.trimEnd().split("\n");
  for (const line of lines.reverse()) {
    const point = parse(line);
    // The closing evaluation trains nothing, so it has no loss to show.
    if (point && Object.keys(point.loss).length > 0) return point;
  }
  return undefined;
}

function parse(line: string): CommitPoint | undefined {
  try {
    return JSON.parse(line) as CommitPoint;
  } catch {
    return undefined;
  }
}
