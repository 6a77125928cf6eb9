import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import { scheduleOf } from "../schedule/generate.ts";
import { knownFailures } from "../schedule/known-failures.ts";
import { type Schedule, scheduleSchema } from "../schedule/schedule.ts";
import { simulate } from "../simulate.ts";
import { explore } from "./explore.ts";
import { emptyTally, type Failure, runSchedule, shortest, type Tally } from "./search.ts";

const usage = `npm run simulate -- [--seeds N] [--from S] [--processes N]   as many seeds; the failing ones are printed
                    --seed S [--shrink]                      one seed, with its newest messages when it fails
                    --known                                  every schedule that broke an invariant once
                    --schedule FILE                          a schedule as printed
                    --exhaustive [--seconds N]               every order of events of small runs, with crashes`;

/** How many failing seeds are worth printing before it stops. */
const mostFailures = 10;
const progressMs = 5_000;

interface Report {
  readonly tally: Tally;
  /** Which of the source's schedules it was. */
  readonly place: number;
  readonly failure?: Failure | undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      known: { type: "boolean", default: false },
      schedule: { type: "string" },
      shrink: { type: "boolean", default: false },
      processes: { type: "string", default: String(os.availableParallelism()) },
      part: { type: "string" },
      exhaustive: { type: "boolean", default: false },
      seconds: { type: "string", default: "60" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.exhaustive) {
    const found = await explore(wholeNumber("seconds", values.seconds) * 1_000, console.log);
    return found === 0 ? 0 : 1;
  }
  if (values.schedule !== undefined) {
    const schedule = scheduleSchema.parse(JSON.parse(readFileSync(values.schedule, "utf8")));
    return runOne(schedule, values.shrink);
  }
  if (values.seed !== undefined) return runOne(scheduleOf(wholeNumber("seed", values.seed)), values.shrink);
  const source = values.known ? known() : { of: scheduleOf, flags: [] };
  const from = values.known ? 0 : wholeNumber("from", values.from);
  const seeds = source.count ?? wholeNumber("seeds", values.seeds);
  const processes = Math.max(1, wholeNumber("processes", values.processes));
  if (values.part !== undefined) {
    await runPart(source, from, seeds, processes, wholeNumber("part", values.part));
    return 0;
  }
  return runAll(source, from, seeds, processes);
}

/** Where schedules come from: seeds, or the list of those that are known. */
interface Source {
  readonly of: (place: number) => Schedule;
  readonly count?: number;
  /** For the processes that share the work. */
  readonly flags: readonly string[];
}

function known(): Source {
  const schedules = knownFailures();
  return { of: (place) => schedules[place] as Schedule, count: schedules.length, flags: ["--known"] };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name} takes a whole number from 0, not "${text}"\n${usage}`);
  return value;
}

async function runOne(schedule: Schedule, shrinks: boolean): Promise<number> {
  const result = await simulate(schedule, { keepLog: true });
  const [violation] = result.violations;
  if (!violation) {
    console.log(
      `seed ${schedule.seed}: all invariants held; ${result.commits} commits, ${result.faults} faults, ${result.events} events, trace ${result.trace}`,
    );
    return 0;
  }
  console.log(result.log.slice(-60).join("\n"));
  console.log(`seed ${schedule.seed}: ${violation.invariant}: ${violation.text}`);
  if (shrinks)
    console.log(`a short schedule that fails so:\n${JSON.stringify(await shortest(schedule), undefined, 1)}`);
  return 1;
}

/** Every `processes`th seed, told to the parent one by one. */
async function runPart(
  { of }: Source,
  from: number,
  seeds: number,
  processes: number,
  part: number,
): Promise<void> {
  let tally = emptyTally();
  let beforeMs = 0;
  for (let place = from + part; place < from + seeds; place += processes) {
    const failure = await runSchedule(of(place), tally);
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1000;
    tally.cpuMs = cpuMs - beforeMs;
    beforeMs = cpuMs;
    process.send?.({ tally, place, failure } satisfies Report);
    tally = emptyTally();
  }
}

async function runAll(source: Source, from: number, seeds: number, processes: number): Promise<number> {
  const startMs = performance.now();
  const total = emptyTally();
  const failures: (Failure & { readonly place: number })[] = [];
  const rate = (): string => (total.seeds / ((performance.now() - startMs) / 1000)).toFixed(1);
  const progress = setInterval(
    () => console.log(`${total.seeds} of ${seeds} seeds, ${failures.length} failed, ${rate()} seeds/s`),
    progressMs,
  );
  const children = Array.from({ length: Math.min(processes, seeds) }, (_, part) =>
    fork(process.argv[1] as string, [
      ...["--from", String(from), "--seeds", String(seeds)],
      ...source.flags,
      ...["--processes", String(Math.min(processes, seeds)), "--part", String(part)],
    ]),
  );
  const ends = children.map(
    (child) =>
      new Promise<number>((resolve) => {
        child.on("message", ({ tally, place, failure }: Report) => {
          for (const name of Object.keys(total) as (keyof Tally)[]) total[name] += tally[name];
          if (!failure) return;
          failures.push({ ...failure, place });
          console.log(`seed ${failure.seed}: ${failure.invariant}: ${failure.text.slice(0, 300)}`);
          if (failures.length >= mostFailures) for (const one of children) one.kill();
        });
        child.on("exit", (code) => resolve(code ?? 1));
      }),
  );
  const codes = await Promise.all(ends);
  clearInterval(progress);
  console.log(
    `${total.seeds} seeds: ${total.seeds - failures.length} passed, ${failures.length} failed; ${total.commits} commits, ${total.faults} faults, ${total.events} events, ${(total.virtualMs / 3_600_000).toFixed(1)} h of virtual time; ${rate()} seeds/s, ${(total.cpuMs / total.seeds).toFixed(1)} ms of CPU each`,
  );
  const [first] = failures.sort((a, b) => a.place - b.place);
  if (first) {
    console.log(`the first, as short as it became (npm run simulate -- --schedule FILE replays it):`);
    console.log(JSON.stringify(await shortest(source.of(first.place)), undefined, 1));
  }
  return failures.length === 0 && codes.every((code) => code === 0) ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  },
);
