/** Values of a column of categories, numbered as they come and put in order at the end. */
export class CategoryColumn {
  readonly #indexes = new Map<string, number>();

  indexOf(value: string): number {
    let index = this.#indexes.get(value);
    if (index === undefined) {
      index = this.#indexes.size;
      this.#indexes.set(value, index);
    }
    return index;
  }

  /** The values in order, and for each provisional number its place in that order. */
  sorted(): { values: readonly string[]; rank: readonly number[] } {
    const values = sortCategories([...this.#indexes.keys()]);
    const places = new Map(values.map((value, place) => [value, place]));
    return { values, rank: [...this.#indexes.keys()].map((value) => places.get(value) as number) };
  }
}

/** Whole numbers by value, everything else by UTF-16 code units: the same on every machine, whatever its locale. */
export function sortCategories(values: readonly string[]): string[] {
  const whole = values.every((value) => /^-?\d{1,15}$/.test(value));
  return [...values].sort((a, b) => (whole ? Number(a) - Number(b) : 0) || (a < b ? -1 : a > b ? 1 : 0));
}
