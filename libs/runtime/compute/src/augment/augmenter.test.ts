import { describe, expect, it } from "vitest";
import { augmented, digest, everything, pixels, place, planOf } from "../testing/augmenting.ts";
import { stretch } from "./change-levels.ts";

describe("changed levels", () => {
  it("keep the middle where it is, and stay in their range", () => {
    const values = Float32Array.of(0, 0.25, 0.5, 0.75, 1);
    stretch(values, 0.5, 2, null);
    expect([...values]).toEqual([-0.5, 0, 0.5, 1, 1.5]);
    stretch(values, 0.5, 1, [0, 1]);
    expect([...values]).toEqual([0, 0, 0.5, 1, 1]);
  });

  it("are brighter or darker from black on, and more or less apart about the mean", () => {
    const x = pixels(50 * 126, "levels");
    const brighter = augmented(
      planOf([{ kind: "brightness", amount: 0.5 }], { black: -1, range: null }),
      x,
      50,
    );
    const apart = augmented(planOf([{ kind: "contrast", amount: 0.5 }], { range: null }), x, 50);
    const factors: number[] = [];
    for (let at = 0; at < 50; at++) {
      const [own, bright, far] = [x, brighter, apart].map((all) => [
        ...all.subarray(at * 126, at * 126 + 126),
      ]);
      const ratios = (own ?? []).map((value, i) => ((bright?.[i] ?? NaN) + 1) / (value + 1));
      factors.push(ratios[0] ?? NaN);
      for (const ratio of ratios) expect(ratio).toBeCloseTo(ratios[0] ?? NaN, 4);
      const mean = (values: number[] = []): number => values.reduce((sum, value) => sum + value, 0) / 126;
      expect(mean(far)).toBeCloseTo(mean(own), 5);
      expect(Math.abs((far?.[0] ?? NaN) - (own?.[0] ?? NaN))).toBeGreaterThan(0);
    }
    expect(Math.min(...factors)).toBeGreaterThanOrEqual(0.5);
    expect(Math.min(...factors)).toBeLessThan(0.6);
    expect(Math.max(...factors)).toBeLessThanOrEqual(1.5);
    expect(Math.max(...factors)).toBeGreaterThan(1.4);
  });

  it("are moved apart by a normal number each, but for categories", () => {
    const plan = planOf([{ kind: "jitter", deviation: 0.5 }], {
      ...{ image: null, range: null, categories: [{ start: 1, width: 2 }] },
    });
    const x = new Float32Array(4 * 2_000).fill(1);
    const moved = augmented(plan, x, 2_000);
    const column = (at: number): number[] => [...moved].filter((_, index) => index % 4 === at);
    expect(new Set([...column(1), ...column(2)])).toEqual(new Set([1]));
    for (const at of [0, 3]) {
      const values = column(at);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      expect(mean).toBeCloseTo(1, 1);
      expect(Math.sqrt(variance)).toBeCloseTo(0.5, 1);
    }
  });
});

describe("a cut-out", () => {
  it("is one square of black, cut off at the edge, about a pixel of the image", () => {
    const [samples, side, size] = [400, 8, 3];
    const x = new Float32Array(samples * side * side).fill(1);
    const cut = augmented(
      planOf([{ kind: "cutout", size, rate: 1 }], { image: [side, side, 1], black: 0.5 }),
      x,
      samples,
    );
    const areas = new Set<number>();
    for (let at = 0; at < samples; at++) {
      const own = cut.subarray(at * side * side, (at + 1) * side * side);
      const black = [...own].flatMap((value, index) => (value === 0.5 ? [index] : []));
      const rows = black.map((index) => Math.floor(index / side));
      const columns = black.map((index) => index % side);
      const [tall, wide] = [rows, columns].map((all) => Math.max(...all) - Math.min(...all) + 1);
      expect(black).toHaveLength((tall ?? 0) * (wide ?? 0));
      areas.add(black.length);
    }
    expect([...areas].sort((a, b) => a - b)).toEqual([4, 6, 9]);
  });

  it("and a mirror happen to the share of the samples that was asked for", () => {
    const x = new Float32Array(2_000 * 126).fill(1);
    const cut = augmented(planOf([{ kind: "cutout", size: 3, rate: 0.25 }]), x, 2_000);
    const halves = x.map((_, at) => (at % 18 < 9 ? 0 : 1));
    const flipped = augmented(planOf([{ kind: "flip", axis: "horizontal", rate: 0.25 }]), halves, 2_000);
    const share = (changed: Float32Array, before: Float32Array): number =>
      Array.from({ length: 2_000 }, (_, at) => at * 126).filter(
        (from) => digest(changed.slice(from, from + 126)) !== digest(before.slice(from, from + 126)),
      ).length / 2_000;
    // Four standard deviations of 0.0097.
    expect(Math.abs(share(cut, x) - 0.25)).toBeLessThan(0.04);
    expect(Math.abs(share(flipped, halves) - 0.25)).toBeLessThan(0.04);
    const always = augmented(planOf([{ kind: "flip", axis: "horizontal", rate: 1 }]), halves, 2_000);
    expect(share(always, halves)).toBe(1);
  });
});

describe("what is drawn for a sample", () => {
  const x = pixels(8 * 126, "drawn");

  it.each(everything.map((change) => [change.kind, change] as const))(
    "%s: is the same bits for the same key, and others for another seed, step, round, task or slot",
    (_kind, change) => {
      const plan = planOf([change]);
      const first = digest(augmented(plan, x, 8));
      expect(digest(augmented(plan, x, 8))).toBe(first);
      const elsewhere = [{ seed: 4 }, { step: 6 }, { round: 1 }, { task: "letters" }, { slot: 3 }].map(
        (other) => digest(augmented(plan, x, 8, { ...place, ...other })),
      );
      expect(new Set([first, ...elsewhere]).size).toBe(6);
    },
  );

  it("is another thing for every sample, whichever else are in the micro-batch", () => {
    const one = x.subarray(0, 126);
    const same = new Float32Array(8 * 126);
    for (let at = 0; at < 8; at++) same.set(one, at * 126);
    const changed = augmented(planOf(everything), same, 8);
    const all = Array.from({ length: 8 }, (_, at) => digest(changed.slice(at * 126, at * 126 + 126)));
    expect(new Set(all).size).toBe(8);
    const fewer = augmented(planOf(everything), same.slice(0, 3 * 126), 3);
    expect(digest(fewer)).toBe(digest(changed.slice(0, 3 * 126)));
  });

  it("is drawn apart for two changes of one kind", () => {
    const shift = { kind: "shift", pixels: 3 } as const;
    const black = new Float32Array(8 * 126);
    for (let at = 0; at < 8; at++) black[at * 126 + 62] = 1;
    const twice = augmented(planOf([shift, shift]), black, 8);
    const places = (all: Float32Array): number[] =>
      [...all].flatMap((value, at) => (value ? [at % 126] : []));
    // Drawn alike, every way would be of an even number of pixels.
    const ways = places(twice).map((at) => Math.floor(at / 18) - 3);
    expect(ways.some((way) => way % 2 !== 0)).toBe(true);
  });

  it("leaves the given rows as they are", () => {
    const before = digest(x);
    augmented(planOf(everything), x, 8);
    expect(digest(x)).toBe(before);
  });

  it("is these very bits on every machine and version of Node.js", () => {
    const rows = new Float32Array(8 * 126).map((_, at) => Math.fround(((at * 37) % 256) / 255));
    expect(digest(augmented(planOf(everything), rows, 8))).toBe(
      "72ba6d11aae9c60211202b52605ac804e91bc33ae020c9c89b75b17f2463a6c7",
    );
  });
});
