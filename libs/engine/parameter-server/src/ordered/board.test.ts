import type { RunSpec } from "@latentweave/plan";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isApplied, noSteps, readRemembered, encodeRemembered, withApplied } from "./applied-steps.ts";
import { type Board, createBoard } from "./board.ts";

const specOf = (mode: RunSpec["mode"], steps = 40, change: Partial<RunSpec> = {}): RunSpec =>
  ({
    tasks: [{ name: "a", slots: 2, microBatch: 1 }],
    phases: [{ steps, graphs: [{ task: "a" }] }],
    evaluation: null,
    checkpointEverySteps: 0,
    mode,
    ...change,
  }) as unknown as RunSpec;
const stale = (bound: number): RunSpec["mode"] => ({ kind: "stale", bound });
const teamsOf = (count: number): string[][] => Array.from({ length: count }, (_, team) => [`w${team}`]);
const inHand = (board: Board): string[] =>
  board.inHand.map(({ planned, basis, workers }) => `${workers.join("+")}: ${planned} on ${basis}`);

/** Makes `board` have measured how long steps take: ten milliseconds each. @returns the version it has come to */
function warmUp(board: Board, steps = 6): number {
  for (let version = 0; version < steps; version += 1) {
    board.deal(version, 0);
    for (const work of board.inHand.filter(({ planned }) => planned === version)) board.whole(work, 10);
    const choice = board.choose(version, 10);
    if (choice.kind !== "apply") throw new Error(choice.kind);
    board.applied(choice.work);
  }
  return steps;
}

describe("the board of planned steps", () => {
  it("gives each team one, the lowest first, and none beyond the next fence", () => {
    const board = createBoard(specOf({ kind: "async" }, 40, { checkpointEverySteps: 2 }));
    board.setTeams(teamsOf(3));
    board.deal(0, 0);
    expect(inHand(board)).toEqual(["w0: 0 on 0", "w1: 1 on 0"]);
    board.whole({ planned: 1, basis: 0 }, 1);
    expect(board.choose(0, 1)).toEqual({ kind: "apply", work: { planned: 1, basis: 0 } });
    board.applied({ planned: 1, basis: 0 });
    expect(board.appliedSteps).toEqual({ next: 2, missing: [0] });
    expect(board.deal(1, 1)).toBe(false);
    board.whole({ planned: 0, basis: 0 }, 2);
    board.applied({ planned: 0, basis: 0 });
    board.deal(2, 2);
    expect(inHand(board)).toEqual(["w0: 2 on 2", "w1: 3 on 2"]);
  });

  it("applies nothing that would make something else too old, and waits for that", () => {
    const board = createBoard(specOf(stale(1)));
    board.setTeams(teamsOf(2));
    board.deal(0, 0);
    board.whole({ planned: 1, basis: 0 }, 1);
    expect(board.choose(0, 1)).toMatchObject({ kind: "apply", work: { planned: 1 } });
    board.applied({ planned: 1, basis: 0 });
    board.deal(1, 1);
    board.whole({ planned: 2, basis: 1 }, 2);
    // Step 0, of version 0, could not be applied as step 2 any more.
    expect(board.choose(1, 2)).toEqual({ kind: "wait", untilMs: undefined });
    board.whole({ planned: 0, basis: 0 }, 3);
    expect(board.choose(1, 3)).toMatchObject({ kind: "apply", work: { planned: 0, basis: 0 } });
  });

  it("gives up what others have waited for long enough, and hands it to somebody else on the newest version", () => {
    const board = createBoard(specOf(stale(1)));
    board.setTeams(teamsOf(1));
    const version = warmUp(board);
    board.setTeams(teamsOf(2));
    board.deal(version, 100);
    const [slow, quick] = board.inHand as [(typeof board.inHand)[number], (typeof board.inHand)[number]];
    board.whole(quick, 110);
    board.applied(quick);
    board.deal(version + 1, 110);
    const next = board.inHand.find(({ planned }) => planned !== slow.planned) as typeof quick;
    board.whole(next, 120);
    const wait = board.choose(version + 1, 120);
    expect(wait.kind).toBe("wait");
    const untilMs = wait.kind === "wait" ? (wait.untilMs as number) : 0;
    expect(board.choose(version + 1, untilMs)).toMatchObject({
      kind: "give-up",
      work: { planned: slow.planned },
    });
    board.giveUp(slow, "stale");
    expect(board.takeGivenUp()).toEqual([{ planned: slow.planned, basis: slow.basis, why: "stale" }]);
    expect(board.choose(version + 1, untilMs)).toMatchObject({
      kind: "apply",
      work: { planned: next.planned },
    });
    board.applied(next);
    board.deal(version + 2, untilMs);
    const again = board.inHand.find(({ planned }) => planned === slow.planned);
    expect(again).toMatchObject({ basis: version + 2, workers: next.workers });
    expect(again?.workers).not.toEqual(slow.workers);
  });

  it("keeps what is whole of a team that is gone, and hands out again what is not", () => {
    const board = createBoard(specOf({ kind: "async" }));
    board.setTeams(teamsOf(3));
    board.deal(0, 0);
    board.whole({ planned: 0, basis: 0 }, 1);
    board.setTeams([["w2"]]);
    expect(inHand(board)).toEqual([": 0 on 0", "w2: 2 on 0"]);
    expect(board.takeGivenUp()).toEqual([{ planned: 1, basis: 0, why: "lost" }]);
    board.applied({ planned: 0, basis: 0 });
    board.whole({ planned: 2, basis: 0 }, 2);
    board.applied({ planned: 2, basis: 0 });
    board.deal(2, 3);
    expect(inHand(board)).toEqual(["w2: 1 on 2"]);
  });

  it("applies every planned step once and within the bound, whoever is slow, comes or goes", () => {
    const happening = fc.record({
      team: fc.nat(5),
      whole: fc.boolean(),
      waitMs: fc.nat(400),
      teams: fc.nat(40),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(stale(0), stale(1), stale(3), { kind: "async" } as const),
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(happening),
        (mode, most, happenings) => {
          const spec = specOf(mode, 30, { checkpointEverySteps: 7 });
          const limit = mode?.kind === "stale" ? mode.bound : Number.POSITIVE_INFINITY;
          const board = createBoard(spec);
          const countOf = (wanted: number): number => Math.max(1, Math.min(wanted, most, limit + 1));
          board.setTeams(teamsOf(countOf(most)));
          const done: number[] = [];
          let nowMs = 0;
          for (let turn = 0; done.length < 30; turn += 1) {
            // In the end whoever has something in hand gets it done.
            const { value } = happenings.next() as {
              value: { team: number; whole: boolean; waitMs: number; teams: number };
            };
            if (value.teams < 5) board.setTeams(teamsOf(countOf(value.teams)));
            nowMs += value.waitMs;
            board.deal(done.length, nowMs);
            const work = board.inHand[value.team % Math.max(1, board.inHand.length)];
            if (work && (value.whole || turn > 300)) board.whole(work, nowMs);
            for (let choice = board.choose(done.length, nowMs); choice.kind !== "wait";) {
              if (choice.kind === "give-up") board.giveUp(choice.work, "stale");
              else {
                expect(done.length - choice.work.basis).toBeLessThanOrEqual(limit);
                expect(choice.work.basis).toBeLessThanOrEqual(done.length);
                expect(done).not.toContain(choice.work.planned);
                board.applied(choice.work);
                done.push(choice.work.planned);
              }
              choice = board.choose(done.length, nowMs);
            }
            expect(turn).toBeLessThan(3_000);
          }
          expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, step) => step));
          // What lies between two fences stays there.
          for (const [step, planned] of done.entries())
            expect(Math.floor(planned / 7)).toBe(Math.floor(step / 7));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("what is applied", () => {
  it("is no second time, and survives being written", () => {
    let applied = noSteps;
    for (const planned of [2, 0, 4]) applied = withApplied(applied, planned);
    expect(applied).toEqual({ next: 5, missing: [1, 3] });
    expect([0, 1, 2, 3, 4, 5].filter((planned) => isApplied(applied, planned))).toEqual([0, 2, 4]);
    expect(() => withApplied(applied, 2)).toThrow(/planned step 2 is applied already/);
    const text = encodeRemembered({ applied, combiner: '{"calls":3}' });
    expect(readRemembered(text)).toEqual({ applied, combiner: '{"calls":3}' });
    expect(readRemembered(undefined)).toEqual({ applied: noSteps, combiner: undefined });
  });
});
