import type { Combiner, CombinerConfig, CombinerState, CombineInput } from "../combiner.ts";
import { type Answer, failed, orEven } from "../even.ts";

/** What a weighting makes of a step's losses; its state stays as it was where it has no answer. */
export interface Weighing<State> {
  readonly weights: Answer;
  readonly state: State;
}

/** A method that needs the losses alone. Its scale is that of the sum: equal tasks weigh about 1 each, or as it says. */
export function lossWeighting<State extends CombinerState, Options extends CombinerConfig = CombinerConfig>(
  name: string,
  init: (taskCount: number, options: Options) => State,
  weigh: (input: CombineInput<State, Options>) => Weighing<State>,
): Combiner<State, Options> {
  return {
    name,
    needsGram: false,
    init,
    solve(input) {
      const { weights, state } = weigh(input);
      return orEven(weights, { name, step: input.step, taskCount: input.taskCount, even: 1 }, state);
    },
  };
}

/** For methods with logarithms or quotients of losses; undefined where all of them have one. */
export function withoutLogarithm(losses: Float64Array): Answer | undefined {
  const task = losses.findIndex((loss) => !(loss > 0));
  return task < 0 ? undefined : failed(`the loss of task ${task + 1} is ${losses[task]}, not above 0`);
}
