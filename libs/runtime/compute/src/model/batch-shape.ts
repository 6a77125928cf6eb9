import type { TaskGraph } from "@latentweave/model";

/**
 * Shape of the input tensor of so many samples, [samples, ...input shape].
 * @throws RangeError when `x` does not hold as many numbers
 */
export function batchShape({ task, nodes }: TaskGraph, samples: number, x: Float32Array): number[] {
  const input = nodes.find((node) => node.op === "input");
  if (!input) throw new Error(`the graph of task "${task}" has no input`);
  const shape = [samples, ...input.shape];
  const numbers = shape.reduce((product, size) => product * size, 1);
  if (samples < 1 || x.length !== numbers)
    throw new RangeError(
      `task "${task}": an input of shape [${shape.join(", ")}] has ${numbers} numbers, not ${x.length}`,
    );
  return shape;
}
