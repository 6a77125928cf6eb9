/** Steps that are made and not counted, so that what is measured is what a long run is like. */

/**
 * Steps before those that count, of every row of ours: JavaScript is compiled where it turns out to be run often, so by
 * steps and not by time. With fewer, a part of what is measured is V8's compiler at work, and code that it has yet to
 * compile: 22.7 ms a step up to the 400th, 20.5 at the 1,000th, 19.3 from the 1,600th on (0.84 M parameters).
 */
export const warmupSteps = 1600;
/**
 * The same where there is little but JavaScript in a step. An exchange of 4 KB: 2.2 ms in the first thousand steps, 1.4 in
 * the second, 0.95 in the fourth, 0.75 from the sixth on. The smallest model: 6.5 ms, 5.5, 3.5, 2.9.
 */
export const smallWarmupSteps = 5000;

/** PyTorch compiles nothing while it runs: as many steps as ours would make it no quicker. */
const mostPyTorchWarmup = 300;
export const pyTorchWarmup = (warmup) => Math.min(warmup, mostPyTorchWarmup);
