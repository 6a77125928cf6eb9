/** Something that does not match. */
export interface Problem {
  /** File and line, step, or checkpoint. */
  readonly where: string;
  /** What is there, and what should be. */
  readonly what: string;
}

/** Enough to see the pattern; a record of another job would have one for every step. */
const most = 50;

/** Collects what does not match; from some number on it only counts. */
export interface Problems {
  readonly list: readonly Problem[];
  readonly count: number;
  add(where: string, what: string): void;
}

export function createProblems(): Problems {
  const list: Problem[] = [];
  let count = 0;
  return {
    list,
    get count() {
      return count;
    },
    add(where, what) {
      count += 1;
      if (list.length < most) list.push({ where, what });
    },
  };
}
