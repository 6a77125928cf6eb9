/*
 * A CRC-32 is the remainder of a polynomial over GF(2), so the checksum of two pieces in a row follows from those of
 * the pieces: the first one's is multiplied by x to the bits of the second, and the second one's is added (Mark Adler's
 * crc32_combine of zlib). Multiplying by a fixed power is linear, so it is a table of what becomes of each byte.
 */

/** What becomes of each value of each of the four bytes of a checksum, when that many bytes follow. */
type Shift = readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array];

const polynomial = 0xedb88320;
/** Of the reflected representation: bit 31 is x to the 0. */
const one = 0x8000_0000;
/** Lengths of slices repeat from step to step; a run has few of them. */
const mostShifts = 64;
const shifts = new Map<number, Shift>();

/**
 * @param first of the bytes before
 * @param second of the bytes after, on their own
 * @param secondBytes how many those are
 * @returns the checksum of both in a row
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  const [low, next, third, high] = shiftFor(secondBytes);
  const shifted =
    (low[first & 0xff] as number) ^
    (next[(first >>> 8) & 0xff] as number) ^
    (third[(first >>> 16) & 0xff] as number) ^
    (high[first >>> 24] as number);
  return (shifted ^ second) >>> 0;
}

function shiftFor(bytes: number): Shift {
  const known = shifts.get(bytes);
  if (known) return known;
  if (shifts.size >= mostShifts) shifts.clear();
  const power = powerOfX(8 * bytes);
  const tableOf = (place: number): Uint32Array =>
    Uint32Array.from({ length: 256 }, (_, byte) => multiply(power, (byte << (8 * place)) >>> 0));
  const shift: Shift = [tableOf(0), tableOf(1), tableOf(2), tableOf(3)];
  shifts.set(bytes, shift);
  return shift;
}

/** x to the `exponent`, modulo the polynomial. */
function powerOfX(exponent: number): number {
  let power = one;
  // Numbers beyond 32 bits are divided, not shifted.
  for (let rest = exponent, square = one >>> 1; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}

/** The product of two polynomials, modulo the polynomial. */
function multiply(a: number, b: number): number {
  let product = 0;
  let term = b;
  for (let bit = one; bit > 0; bit >>>= 1) {
    if (a & bit) product ^= term;
    term = term & 1 ? (term >>> 1) ^ polynomial : term >>> 1;
  }
  return product >>> 0;
}
