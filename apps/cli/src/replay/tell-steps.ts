/** Told of every step that is about to be computed again. */
export type OnStep = (step: number, done: number, all: number) => void;

/** Lines that are enough to see that it goes on, and how far it is. */
const mostLines = 10;

/** Passes on about ten of the steps, evenly spaced. */
export function tellSteps(print: (line: string) => void): OnStep {
  return (step, done, all) => {
    if (done % Math.ceil(all / mostLines) === 0) print(`step ${step} (${done} of ${all} done)`);
  };
}
