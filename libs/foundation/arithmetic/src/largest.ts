/** Numbers that the largest are chosen from at once: a parameter block, so that no shard can change the choice. */
export const largestBlockNumbers = 16_384;
/** Numbers whose places within it are told apart by a byte. */
const groupNumbers = 256;
const scaleBytes = 4;

/** How many are kept of a whole block, where a share of all numbers is to be: `kept` of the kernels. */
export function keptOf(share: number): number {
  return Math.min(largestBlockNumbers, Math.max(1, Math.round(share * largestBlockNumbers)));
}

/** Bytes of the largest of n numbers: a scale, a count for each 256, and two for each that is kept. */
export function largestBytes(n: number, kept: number): number {
  const whole = Math.floor(n / largestBlockNumbers);
  const rest = n % largestBlockNumbers;
  return whole * blockBytes(largestBlockNumbers, kept) + (rest > 0 ? blockBytes(rest, kept) : 0);
}

function blockBytes(numbers: number, kept: number): number {
  return (
    scaleBytes + Math.ceil(numbers / groupNumbers) + 2 * Math.ceil((kept * numbers) / largestBlockNumbers)
  );
}
