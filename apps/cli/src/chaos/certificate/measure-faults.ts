import { type ComputedLine, describeAction, type Fault, type JournalLine } from "@latentweave/faults";
import type { Certificate, FaultReport } from "./certificate.ts";

type LineOf<Kind extends JournalLine["kind"]> = Extract<JournalLine, { kind: Kind }>;

export interface Measured {
  readonly faults: readonly FaultReport[];
  readonly totals: Certificate["totals"];
  readonly commits: Certificate["commits"];
}

/**
 * What each fault of a plan did, from what was noted meanwhile. What follows a fault is put down to it until the next
 * one strikes.
 * @param duplicates by the step whose record counts them
 * @param startMs when the run began, by the journal's clock
 */
export function measureFaults(
  plan: readonly Fault[],
  journal: readonly JournalLine[],
  computed: readonly ComputedLine[],
  duplicates: ReadonlyMap<number, number>,
  startMs: number,
): Measured {
  const lines = <Kind extends JournalLine["kind"]>(kind: Kind): LineOf<Kind>[] =>
    journal.filter((line): line is LineOf<Kind> => line.kind === kind).sort((a, b) => a.atMs - b.atMs);
  const struck = lines("struck");
  const commits = lines("commit");
  const lastCommit = new Map(commits.map(({ step, atMs }) => [step, atMs]));
  const repeated = repeatedMicroBatches(computed);
  const undone = undoneCommits(journal);
  const takenUp = lines("taken-up");
  const counted = [...duplicates].map(([step, count]) => ({ atMs: lastCommit.get(step) ?? 0, count }));

  const faults = plan.map((fault, index): FaultReport => {
    const number = index + 1;
    const common = {
      ...{ number, do: fault.do, to: fault.to, what: describeAction(fault), plannedStep: fault.at.step },
    };
    const strike = struck.find((line) => line.fault === number);
    if (!strike) {
      const skipped = lines("skipped").find((line) => line.fault === number);
      return {
        ...common,
        ...nothing(fault),
        ...(skipped ? { outcome: "skipped", reason: skipped.reason } : {}),
      };
    }
    const { atMs } = strike;
    const endMs = Math.min(...struck.filter((line) => line.atMs > atMs).map((line) => line.atMs), Infinity);
    const isWithin = (line: { readonly atMs: number }): boolean => line.atMs >= atMs && line.atMs < endMs;
    const next = commits.find((line) => line.atMs > atMs && line.step >= firstAfter(strike));
    const noticed = detection(fault, strike, journal, endMs);
    return {
      ...common,
      outcome: "struck",
      reason: null,
      process: strike.process,
      step: strike.step,
      moment: strike.moment,
      atMs: atMs - startMs,
      detectMs: noticed ? noticed.atMs - atMs : null,
      detected: noticed?.text ?? null,
      nextCommitMs: next ? next.atMs - atMs : null,
      recomputed: repeated.filter(isWithin).length,
      undoneSteps: undone.filter(isWithin).length,
      duplicates: counted.filter(isWithin).reduce((sum, { count }) => sum + count, 0),
      takenUp: takenUp.some(isWithin),
    };
  });
  return {
    faults,
    totals: {
      recomputed: repeated.length,
      undoneSteps: undone.length,
      duplicates: [...duplicates.values()].reduce((sum, count) => sum + count, 0),
      takenUp: takenUp.length,
    },
    commits: commits.map(({ step, atMs }) => ({ step, atMs: atMs - startMs })),
  };
}

function nothing(fault: Fault): Omit<FaultReport, "number" | "do" | "to" | "what" | "plannedStep"> {
  return {
    outcome: "not reached",
    reason: null,
    process: fault.to,
    step: null,
    moment: fault.at.moment ?? null,
    atMs: null,
    detectMs: null,
    detected: null,
    nextCommitMs: null,
    recomputed: 0,
    undoneSteps: 0,
    duplicates: 0,
    takenUp: false,
  };
}

/** At these moments the step in progress is decided: that it is recorded says nothing about recovery. */
const decided: readonly (string | null)[] = [
  "after-commit",
  "before-publish",
  "before-record",
  "after-record",
];

/** The step whose commit shows that the run is past the fault, work that was undone included. */
function firstAfter({ step, moment }: LineOf<"struck">): number {
  return decided.includes(moment) ? step + 1 : step;
}

/** Every computation of a micro-batch but its first. */
function repeatedMicroBatches(computed: readonly ComputedLine[]): readonly ComputedLine[] {
  const seen = new Set<string>();
  return [...computed]
    .sort((a, b) => a.atMs - b.atMs)
    .filter(({ step, round, task, slot }) => {
      const name = `${step} ${round} ${task} ${slot}`;
      if (seen.has(name)) return true;
      seen.add(name);
      return false;
    });
}

/**
 * Commits of steps that had been committed before. What a successor of the coordinator says of steps that were
 * committed while nobody could be asked is no repetition, unless the run went back meanwhile.
 */
function undoneCommits(journal: readonly JournalLine[]): readonly LineOf<"commit">[] {
  const seen = new Map<number, "supposed" | "committed">();
  const undone: LineOf<"commit">[] = [];
  for (const line of [...journal].sort((a, b) => a.atMs - b.atMs)) {
    if (line.kind === "event" && line.text.startsWith("back to "))
      for (const step of seen.keys()) seen.set(step, "committed");
    if (line.kind !== "commit") continue;
    if (seen.get(line.step) === "committed") undone.push(line);
    seen.set(line.step, line.isGap ? "supposed" : "committed");
  }
  return undone;
}

/** The first word of it: an event that names the process, the launcher that saw it end, or the run's own end. */
function detection(
  fault: Fault,
  strike: LineOf<"struck">,
  journal: readonly JournalLine[],
  endMs: number,
): { readonly atMs: number; readonly text: string } | undefined {
  const found = journal.flatMap((line) => {
    // The launcher sees a process end however soon the next fault follows.
    if (line.atMs < strike.atMs || line.atMs >= endMs + (line.kind === "ended" ? sameInstantMs : 0))
      return [];
    const text = says(line, fault, strike.process);
    return text === undefined ? [] : [{ atMs: line.atMs, text }];
  });
  return found.sort((a, b) => a.atMs - b.atMs)[0];
}

/** Two faults of one step strike within this time of each other. */
const sameInstantMs = 1_000;

function says(line: JournalLine, fault: Fault, process: string): string | undefined {
  const isAnybody = fault.to === "everything" || fault.to.startsWith("host-");
  switch (line.kind) {
    case "event":
      return namesOf(process).some((name) => line.text.includes(name)) || (isAnybody && line.level !== "info")
        ? line.text
        : undefined;
    case "ended":
      return line.process === process || isAnybody ? `${line.process} ended: ${line.how}` : undefined;
    case "taken-up":
      return `the run ended: ${line.reason.split("\n")[0]}`;
    default:
      return undefined;
  }
}

/** As events name processes. */
function namesOf(process: string): readonly string[] {
  const shard = /^shard-(\d+)$/.exec(process)?.[1];
  return shard === undefined ? [process] : [process, `shard ${shard}`];
}
