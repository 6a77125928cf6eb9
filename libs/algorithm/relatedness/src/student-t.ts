import type { Arithmetic } from "@latentweave/arithmetic";

/** What is inexact in JavaScript, from the arithmetic whose bits are the same everywhere. */
export type Inexact = Pick<Arithmetic, "exp" | "log">;

/**
 * The value that Student's t stays below with this probability.
 * @param probability above 0 and below 1
 * @param degrees of freedom, above 0; need not be whole (Welch)
 * @throws RangeError for anything else
 */
export function tQuantile(probability: number, degrees: number, arithmetic: Inexact): number {
  if (!(probability > 0 && probability < 1) || !(degrees > 0))
    throw new RangeError(`no t quantile of ${probability} with ${degrees} degrees of freedom`);
  if (probability < 0.5) return -tQuantile(1 - probability, degrees, arithmetic);
  if (probability === 0.5) return 0;
  let low = 0;
  let high = 1;
  while (tBelow(high, degrees, arithmetic) < probability && high < 1e300) high *= 2;
  // Halves until the two are neighbours: at most some 60 times between powers of two.
  for (let middle = high / 2; middle > low && middle < high; middle = low + (high - low) / 2)
    if (tBelow(middle, degrees, arithmetic) < probability) low = middle;
    else high = middle;
  return high;
}

/** Probability that Student's t is below `t`, for t ≥ 0: 1 − I_{ν/(ν+t²)}(ν/2, 1/2) / 2. */
export function tBelow(t: number, degrees: number, arithmetic: Inexact): number {
  return 1 - incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5, arithmetic) / 2;
}

/** The regularised incomplete beta function I_x(a, b). */
function incompleteBeta(x: number, a: number, b: number, arithmetic: Inexact): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const { exp, log } = arithmetic;
  const front = exp(
    logGamma(a + b, arithmetic) -
      logGamma(a, arithmetic) -
      logGamma(b, arithmetic) +
      a * log(x) +
      b * log(1 - x),
  );
  // The fraction converges fast below the mean of the distribution; above it, its mirror does.
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** Smaller than any factor that counts, larger than what division by it could overflow. */
const tiny = 1e-300;

/** The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22). */
function betaFraction(x: number, a: number, b: number): number {
  const awayFromZero = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return result;
}

/** Lanczos' coefficients for g = 7 and nine terms (Godfrey): fifteen digits. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** Natural logarithm of the gamma function for x ≥ 0.5. */
function logGamma(x: number, { log }: Inexact): number {
  const base = x + 6.5;
  let sum = lanczos[0] as number;
  for (let term = 1; term < lanczos.length; term++) sum += (lanczos[term] as number) / (x + term - 1);
  return 0.5 * log(2 * Math.PI) + (x - 0.5) * log(base) - base + log(sum);
}
