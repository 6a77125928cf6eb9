/** Ranges of numbers that have arrived, merged as they touch, so that a missing or repeated one is noticed. */
export class Coverage {
  /** Sorted, disjoint, never touching. */
  readonly #ranges: { start: number; end: number }[] = [];

  /** @returns false when part of the range was there already; then nothing changes. */
  add(start: number, numbers: number): boolean {
    const end = start + numbers;
    let index = this.#ranges.findIndex((range) => range.end >= start);
    if (index < 0) index = this.#ranges.length;
    const before = this.#ranges[index];
    const touches = before?.end === start;
    const next = touches ? this.#ranges[index + 1] : before;
    if (next && next.start < end) return false;
    const joins = next?.start === end;
    const merged = { start: touches ? before.start : start, end: joins ? next.end : end };
    this.#ranges.splice(index, (touches ? 1 : 0) + (joins ? 1 : 0), merged);
    return true;
  }

  /** The first number of 0..numbers−1 that has not arrived, or undefined. */
  firstMissing(numbers: number): number | undefined {
    const first = this.#ranges[0];
    if (!first || first.start > 0) return numbers > 0 ? 0 : undefined;
    return first.end < numbers ? first.end : undefined;
  }
}
