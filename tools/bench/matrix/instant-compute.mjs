/**
 * In place of `createThreadedCompute` in the program that exchange-program.mjs builds: what a worker computes with that is
 * asked to compute nothing, so that a step is nothing but the exchange.
 */
import { computeNothing } from "@latentweave/worker-app";

export class ComputeThreadError extends Error {}

export async function createThreadedCompute() {
  return { ...computeNothing(), backend: "cpu", notes: ["it computes nothing"] };
}
