import type { Option } from "./run.ts";

/** What happened as one, and what it follows. */
export interface Happening {
  /** The step that began it. */
  readonly first: number;
  readonly option: Option;
  /** What it comes of: it cannot be without these. */
  readonly causes: readonly number[];
  /** All that it follows, as bits of their numbers. */
  readonly before: Uint32Array;
  /** Those of them that it follows directly. */
  readonly directly: readonly number[];
}

/**
 * Which of the happenings of a run follow which: everything that reaches a process follows what reached it before, and
 * everything follows what it comes of. Two that do not follow each other can happen in either order, and no process can
 * tell which it was. What the disk does belongs to what asked for it: nothing else comes between.
 */
export interface HappenedBefore {
  readonly happenings: readonly Happening[];
  push(step: number, option: Option): void;
  /** As if this happened now, during the call. */
  lookAt(option: Option, look: (number: number) => void): void;
  /** Forgets this step and all later ones. */
  cutAt(step: number): void;
  follows(later: number, earlier: number): boolean;
}

/** Whether the order of the two matters to anybody. */
export function depends(a: Option, b: Option): boolean {
  const shared = a.reaches & b.reaches & (a.late && b.late ? ~1 : ~0);
  return shared !== 0 || takesFrom(a, b) || takesFrom(b, a);
}

/**
 * Whether a loss comes to something else after a step than before it: not where the step does not concern the process,
 * nor where the process did nothing in it that outlives it.
 */
export function changesLoss(loss: Option, step: Option, silent: number): boolean {
  return takesFrom(loss, step) || ((loss.reaches & step.reaches) !== 0 && (loss.reaches & ~silent) !== 0);
}

/** A loss takes along what else would arrive. */
function takesFrom(loss: Option, other: Option): boolean {
  return loss.takesAlong && other.from >= 0 && (loss.reaches & (1 << other.from)) !== 0;
}

export function createHappenedBefore(): HappenedBefore {
  const happenings: Happening[] = [];
  /** The happening that each step is a part of. */
  const of: number[] = [];
  /** After each step, how many there are. */
  const made: number[] = [];

  const lastOf = ({ reaches }: Option): number =>
    happenings.findLastIndex(({ option }) => (option.reaches & reaches) !== 0);

  const follows = (later: number, earlier: number): boolean =>
    (((happenings[later]?.before[earlier >> 5] ?? 0) >>> (earlier & 31)) & 1) === 1;

  const history: HappenedBefore = {
    happenings,
    follows,
    push(step, option) {
      const asked = option.kind === "disk" ? lastOf(option) : -1;
      if (asked >= 0) {
        of.push(asked);
        made.push(happenings.length);
        return;
      }
      const number = happenings.length;
      const before = new Uint32Array((number >> 5) + 1);
      const directly: number[] = [];
      const follow = (earlier: number): void => {
        if (((before[earlier >> 5] ?? 0) >>> (earlier & 31)) & 1) return;
        directly.push(earlier);
        before[earlier >> 5] = (before[earlier >> 5] ?? 0) | (1 << (earlier & 31));
        const words = happenings[earlier]?.before ?? before;
        for (let word = 0; word < words.length; word++)
          before[word] = (before[word] ?? 0) | (words[word] ?? 0);
      };
      const causes = option.causes.flatMap((cause) => (cause < 0 ? [] : [of[cause] ?? 0]));
      // From the newest on: whatever those follow is followed, but not directly.
      for (let earlier = number - 1; earlier >= 0; earlier--)
        if (causes.includes(earlier) || depends((happenings[earlier] as Happening).option, option))
          follow(earlier);
      happenings.push({ first: step, option, causes, before, directly });
      of.push(number);
      made.push(happenings.length);
    },
    lookAt(option, look) {
      const step = of.length;
      history.push(step, option);
      look(happenings.length - 1);
      history.cutAt(step);
    },
    cutAt(step) {
      if (of.length <= step) return;
      of.length = made.length = step;
      happenings.length = made.at(-1) ?? 0;
    },
  };
  return history;
}
