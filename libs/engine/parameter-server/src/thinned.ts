/**
 * Passes on the 1st, 2nd, 4th, 8th, ... of what may come with every step, with how many there have been: a log that says
 * the same a million times is not read.
 */
export function createThinned(log: (text: string) => void): (warning: string) => void {
  let count = 0;
  return (warning) => {
    count += 1;
    const isPowerOfTwo = (count & (count - 1)) === 0;
    if (isPowerOfTwo) log(count === 1 ? `warning: ${warning}` : `warning (${count} so far): ${warning}`);
  };
}
