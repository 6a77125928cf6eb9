import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { shortest } from "./command/search.ts";
import { plants } from "./planted/bugs.ts";
import { formerScheduleOf, scheduleOf } from "./schedule/generate.ts";
import { knownFailures } from "./schedule/known-failures.ts";
import { scheduleSchema } from "./schedule/schedule.ts";
import { simulate } from "./simulate.ts";

/** As many as take half a minute on two cores; `npm run simulate -- --seeds N` takes more. */
const seeds = 600;

/** `npm run simulate -- ...`: bundled, and on all cores, it is several times as fast as in here. */
async function command(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = (await once(child, "exit")) as [number | null];
  return { code: code ?? 1, output };
}

const script = fileURLToPath(new URL("../../../../tools/simulate/simulate.mjs", import.meta.url));

describe("a run under faults", () => {
  it(
    "keeps every invariant and ends as the undisturbed one, whatever happens",
    { timeout: 3_600_000 },
    async () => {
      const { code, output } = await command("--seeds", String(seeds));
      expect(output).toContain(`${seeds} seeds: ${seeds} passed, 0 failed`);
      expect(code).toBe(0);
      // Faults do strike.
      expect(Number(/(\d+) faults/.exec(output)?.[1])).toBeGreaterThan(5 * seeds);
    },
  );

  it("keeps them where it once did not", { timeout: 900_000 }, async () => {
    const { code, output } = await command("--known");
    expect(output).toContain(`${knownFailures().length} seeds: ${knownFailures().length} passed, 0 failed`);
    expect(code).toBe(0);
  });

  it("keeps them over hundreds of steps with dozens of faults", { timeout: 300_000 }, async () => {
    const long = { ...formerScheduleOf(10), steps: 300 };
    const faults = [20, 23, 25, 28, 30].flatMap((seed) => formerScheduleOf(seed).faults);
    const result = await simulate({ ...long, faults });
    expect(result.violations).toEqual([]);
    expect(result.commits).toBeGreaterThanOrEqual(300);
    expect(result.faults).toBeGreaterThanOrEqual(24);
  });
});

describe("a schedule", () => {
  it("gives the same run, event for event, every time", async () => {
    for (const seed of [10, 63, 97]) {
      const [first, second] = [await simulate(scheduleOf(seed)), await simulate(scheduleOf(seed))];
      expect(second).toEqual(first);
    }
    expect((await simulate(scheduleOf(10))).trace).not.toBe((await simulate(scheduleOf(63))).trace);
  });

  it("survives being printed and read", () => {
    for (let seed = 1; seed < 200; seed++) {
      const schedule = scheduleOf(seed);
      expect(scheduleSchema.parse(JSON.parse(JSON.stringify(schedule)))).toEqual(schedule);
    }
  });

  it(
    "that fails is shrunk to few faults that still break the same invariant",
    { timeout: 300_000 },
    async () => {
      const bug = plants.find(({ name }) => name.includes("counts twice"))?.plant();
      if (!bug) throw new Error("no such plant");
      const schedule = formerScheduleOf(97);
      const before = (await simulate(schedule, { bug })).violations[0]?.invariant;
      const short = await shortest(schedule, bug);
      expect(short.faults).toEqual([]);
      expect((await simulate(short, { bug })).violations[0]?.invariant).toBe(before);
      expect(schedule.faults.length).toBeGreaterThan(10);
    },
  );
});
