import { loadArithmetic } from "@latentweave/arithmetic";
import {
  type Compute,
  type ComputeModel,
  type InferenceRequest,
  isHeadTerm,
  type MicroBatch,
} from "@latentweave/model";
import {
  type PlainBatch,
  plainEvaluate,
  plainForward,
  plainGradient,
  plainGraph,
} from "./plain-compute-program.ts";
import { plainMetricNode, plainTerms } from "./plain-compute-losses.ts";

/**
 * A device in plain JavaScript: float32 parameters and results, float64 in between, inexact functions from the one
 * arithmetic, so its bits are the same everywhere. Dense layers, activations, reshapes and concatenations only. Each
 * call is carried out at once and yields a settled promise, so a simulator needs no timers for it.
 */
export function createPlainCompute(): Compute {
  const arithmetic = loadArithmetic();
  let model: ComputeModel | undefined;
  let parameters: readonly Float64Array[] = [];
  let closed = false;

  const loaded = (): ComputeModel => {
    if (closed) throw new Error("the compute is closed");
    if (!model) throw new Error("no model is loaded yet");
    return model;
  };
  const batchOf = (batch: Omit<PlainBatch, "parameters">): PlainBatch => ({ ...batch, parameters });

  return {
    determinismClass: { backend: "plain", arithmetic: "float64" },
    async load(next) {
      model = next;
      parameters = next.layout.groups.map((group) => new Float64Array(group.numbers));
    },
    async setParameters(slices) {
      loaded();
      for (const { group, start, values } of slices) {
        const target = parameters[group];
        if (!target || start < 0 || start + values.length > target.length)
          throw new RangeError(
            `numbers ${start} to ${start + values.length} do not lie in parameter group ${group}`,
          );
        target.set(values, start);
      }
    },
    async run(batch: MicroBatch) {
      if (batch.program === "evaluate")
        return { gradients: [], metrics: plainEvaluate(loaded(), batchOf(batch), arithmetic) };
      const { gradients, metrics } = plainGradient(loaded(), batchOf(batch), arithmetic);
      return { gradients: gradients.map((gradient) => Float32Array.from(gradient)), metrics };
    },
    async infer({ phase, task, output, samples, x }: InferenceRequest) {
      const graph = plainGraph(loaded(), phase, task);
      const head = plainTerms(graph).find((term) => isHeadTerm(term) && term.name === output);
      const node =
        output === "latent"
          ? graph.latent
          : output === "reconstruction"
            ? graph.reconstruction
            : head && plainMetricNode(head);
      if (node === undefined) throw new Error(`task "${task}" has no output "${output}"`);
      const batch = batchOf({ phase, task, samples, x, columns: {} });
      return Float32Array.from(plainForward(loaded(), batch, arithmetic, [node])(node));
    },
    async close() {
      closed = true;
    },
  };
}
