/** What an iterative solver came to; `residual` is relative, and says how far it is from the conditions of its problem. */
export interface Solution {
  readonly x: Float64Array;
  readonly residual: number;
  readonly iterations: number;
}
