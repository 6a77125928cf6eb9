/**
 * The number of an IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Every one is a float32 too. Products
 * with powers of two, and quotients by them, are exact.
 */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0
    ? (sign * fraction) / 0x1000000
    : (sign * (1024 + fraction) * (1 << exponent)) / 0x2000000;
}
