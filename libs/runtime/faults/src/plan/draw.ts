import { philox4x32, randomKey } from "@latentweave/arithmetic";

/** A number in [0, 1) that depends on the seed and on what it is for, and on nothing else. */
export function drawNumber(seed: number, ...purpose: readonly (string | number)[]): number {
  const [word] = philox4x32([0, 0, 0, 0], randomKey(seed, "fault", ...purpose));
  return word / 2 ** 32;
}

/** @throws RangeError when there is nothing to choose from */
export function pick<Item>(
  items: readonly Item[],
  seed: number,
  ...purpose: readonly (string | number)[]
): Item {
  if (items.length === 0) throw new RangeError("nothing to choose from");
  return items[Math.floor(drawNumber(seed, ...purpose) * items.length)] as Item;
}
