import type { Initialiser } from "@latentweave/parameters";
import type { InitialiserName } from "./layers.ts";

/**
 * First values of a tensor, with the fans folded in. `glorotUniform` (Glorot & Bengio 2010): uniform within
 * ±√(6 / (fanIn + fanOut)); `heNormal` (He et al. 2015): normal with variance 2 / fanIn, not truncated.
 * Fans come from the shape as Keras takes them: the last two axes are inputs and outputs, those before them a receptive
 * field; a transposed kernel [k, k, out, in] has them the other way round.
 */
export function initialise(
  name: InitialiserName,
  shape: readonly number[],
  order: "in-out" | "out-in" = "in-out",
): Initialiser {
  if (name === "zeros") return { kind: "constant", value: 0 };
  const { fanIn, fanOut } = fans(shape, order);
  if (name === "heNormal") return { kind: "normal", mean: 0, standardDeviation: Math.sqrt(2 / fanIn) };
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  return { kind: "uniform", low: -limit, high: limit };
}

function fans(shape: readonly number[], order: "in-out" | "out-in"): { fanIn: number; fanOut: number } {
  const last = shape.at(-1) ?? 1;
  const beforeLast = shape.at(-2) ?? last;
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const [inputs, outputs] = order === "in-out" ? [beforeLast, last] : [last, beforeLast];
  return { fanIn: field * inputs, fanOut: field * outputs };
}
