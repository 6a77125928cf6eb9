import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

interface Recorded {
  readonly kind: string;
  readonly timeline: number;
  readonly step: number;
  readonly fromVersion: number;
  readonly reason: string;
  readonly version: number;
  readonly tasks: readonly { readonly task: string; readonly round: number; readonly samples: number }[];
}

function ledgerOf(directory: string): Recorded[] {
  const text = readFileSync(path.join(directory, "ledger", "commits.jsonl"), "utf8");
  const lines = text.trimEnd().split("\n");
  return lines.map((line) => (JSON.parse(line) as { record: Recorded }).record);
}

/** What the ledger of a run says was committed, in its order. */
export function recordedSteps(directory: string): [timeline: number, step: number][] {
  const commits = ledgerOf(directory).filter(({ kind }) => kind === "commit");
  return commits.map(({ timeline, step }) => [timeline, step]);
}

/** Where a run went back to, and why. */
export function recordedTimelines(
  directory: string,
): Pick<Recorded, "timeline" | "fromVersion" | "reason">[] {
  const timelines = ledgerOf(directory).filter(({ kind }) => kind === "timeline");
  return timelines.map(({ timeline, fromVersion, reason }) => ({ timeline, fromVersion, reason }));
}

/** Memory of a run's shards that lies on this host. */
export function vaultsOf(runId: string): string[] {
  return readdirSync("/dev/shm").filter((name) => name.startsWith(`latentweave-vault-${runId}-`));
}

/** What each task has trained on in each step, as the newest record of the step says. */
export function recordedSamples(directory: string): Record<string, number[]> {
  const samples: Record<string, number[]> = {};
  for (const { kind, step, version, tasks } of ledgerOf(directory)) {
    // An update is the last round of its step.
    if (kind !== "commit" || version === step) continue;
    const last = Math.max(...tasks.map(({ round }) => round));
    for (const { task, round, samples: count } of tasks)
      if (round === last) (samples[task] ??= [])[step] = count;
  }
  return samples;
}
