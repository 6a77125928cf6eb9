import { isHeadTerm, type TaskGraph } from "@latentweave/model";
import { metricInput } from "./losses.ts";

/**
 * Node that holds a named output: `latent`, `reconstruction`, or a head's name.
 * @throws Error when the graph has no such output
 */
export function outputNode({ task, latent, reconstruction, losses }: TaskGraph, output: string): number {
  const named: Record<string, number | undefined> = { latent, reconstruction };
  for (const term of losses.filter(isHeadTerm)) named[term.name] = metricInput(term);
  const node = named[output];
  if (node !== undefined) return node;
  const known = Object.keys(named).filter((name) => named[name] !== undefined);
  throw new Error(`task "${task}" has no output "${output}"; it has: ${known.join(", ")}`);
}
