/** Which differences between methods are more than what seeds do. */
import { importSources } from "../../../tools/build/bundle-sources.mjs";
import { mean } from "../spread.mjs";

const { loadArithmetic, tQuantile } = await importSources(
  `export { tQuantile } from "@latentweave/relatedness";
   export { loadArithmetic } from "@latentweave/arithmetic";`,
);
const arithmetic = loadArithmetic();

/** Of all differences together: the chance that any interval leaves its true value out is at most this (Bonferroni). */
const errorRate = 0.05;

/**
 * Student's t intervals of the mean differences from one of the methods, seed by seed: the same seed draws the same
 * weights and order of data. Their spread is what methods and seeds leave unexplained of all values together (two-way
 * layout, (methods − 1)·(seeds − 1) degrees of freedom): a few seeds of one method may agree by chance.
 * @param {Record<string, number[]>} values of every method, of the same seeds, two or more
 * @param {number} comparisons how many differences are looked at, others than these included
 */
export function differences(values, baseline, comparisons) {
  const methods = Object.keys(values);
  const seeds = values[baseline].length;
  const ofSeed = values[baseline].map((_, seed) => mean(methods.map((method) => values[method][seed])));
  const all = mean(ofSeed);
  const squares = methods.flatMap((method) => {
    const own = mean(values[method]);
    return values[method].map((value, seed) => (value - own - ofSeed[seed] + all) ** 2);
  });
  const degrees = (methods.length - 1) * (seeds - 1);
  const error = Math.sqrt(((2 / seeds) * squares.reduce((sum, square) => sum + square, 0)) / degrees);
  const half = (rate) => error * tQuantile(1 - rate / 2, degrees, arithmetic);
  return methods
    .filter((method) => method !== baseline)
    .map((method) => {
      const gap = mean(values[method]) - mean(values[baseline]);
      const interval = [gap - half(errorRate), gap + half(errorRate)];
      return { method, mean: gap, interval, isReal: Math.abs(gap) > half(errorRate / comparisons) };
    });
}

/**
 * @param {{ method: string, task: string, mean: number, isReal: boolean }[]} found in percentage points
 * @param {string} baseline
 */
export function verdict(found, baseline) {
  const real = found.filter(({ isReal }) => isReal);
  const rest = found.length - real.length;
  const word = ({ method, task, mean }) =>
    `${method} ${task} ${mean > 0 ? "+" : "−"}${Math.abs(mean).toFixed(2)}`;
  if (real.length === 0)
    return `None of the ${found.length} differences from ${baseline} is more than what seeds do: no method is shown to be better or worse.`;
  const better = real.filter(({ mean }) => mean > 0).map(word);
  const worse = real.filter(({ mean }) => mean < 0).map(word);
  return [
    `Of ${found.length} differences from ${baseline}, ${real.length} ${real.length === 1 ? "is" : "are"} more than what seeds do (intervals that hold for all of them together with 95 %).`,
    `Better: ${better.length > 0 ? better.join(", ") : "none"}.`,
    `Worse: ${worse.length > 0 ? worse.join(", ") : "none"}.`,
    `The other ${rest} may be chance.`,
  ].join(" ");
}
