import { nodeName } from "@latentweave/aggregation";
import { type Codec, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { metricNames, type MicroBatchResult, type TaskGraph } from "@latentweave/model";
import { createLayout, ownership } from "@latentweave/parameters";
import { planStep, pushCodec, type RunSpec } from "@latentweave/plan";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTaskPartials, type TaskPartials } from "./partials.ts";
import { twoTasks } from "./relay/testing/two-tasks.ts";

const arithmetic = loadArithmetic();
type Gradients = MicroBatchResult["gradients"];

/** What a task's slots come to, and an empty sum of them. */
function scene(spec: RunSpec, seed: number) {
  const layout = createLayout(spec.groups);
  const plan = planStep(spec, 0);
  const [round] = plan.rounds;
  const task = round?.tasks[0];
  const graph = spec.phases[0]?.graphs[0] as TaskGraph;
  if (!round || !task) throw new Error("a step has a round, and a round has a task");
  const owned = ownership(layout, 1);
  const codec = pushCodec(spec, round);
  const open = (onUnneeded?: (gradients: Gradients) => void): TaskPartials =>
    createTaskPartials({ arithmetic, layout, graph, round, task, owned, codec, onUnneeded });
  /** A task's groups are views of one memory, as a device returns them. */
  const resultOf = (slot: number): MicroBatchResult => {
    const groups = graph.groups.map((name) => layout.groups.find((group) => group.name === name));
    const values = new Float32Array(groups.reduce((sum, group) => sum + (group?.numbers ?? 0), 0));
    const at = arithmetic.allocate(values.byteLength);
    arithmetic.fillNormal(at, values.length, randomKey(seed, "gradient", slot), 0, 0, 1);
    values.set(arithmetic.f32(at, values.length));
    arithmetic.free(at, values.byteLength);
    let from = 0;
    const gradients = groups.map((group) => values.subarray(from, (from += group?.numbers ?? 0)));
    return { gradients, metrics: Float64Array.from(metricNames(graph), () => slot) };
  };
  return { open, resultOf };
}

/** All that is held, as it would be sent. */
const heldBy = (partials: TaskPartials): [string, string[]][] =>
  [...partials.unsent(0, undefined)].map(({ node, bytes }) => [
    nodeName(node),
    bytes.map((each) => Buffer.from(each).toString("hex")),
  ]);

const cases = fc.record({
  slots: fc.integer({ min: 1, max: 13 }),
  order: fc.shuffledSubarray(Array.from({ length: 13 }, (_, slot) => slot)),
  codec: fc.constantFrom<Codec | undefined>(undefined, "bf16", "int8"),
  level: fc.constantFrom<0 | 1 | "every">(0, 1, "every"),
  seed: fc.nat(100),
});

describe("gradients that were added to a step's sums", () => {
  it("are given back once each, and never while a sum is made of them, whatever the order", () => {
    fc.assert(
      fc.property(cases, ({ slots, order, codec, level, seed }) => {
        const { open, resultOf } = scene(twoTasks(slots, codec && { push: { codec, level } }), seed);
        const returned: Gradients[] = [];
        const lent: Gradients[] = [];
        const partials = open((gradients) => {
          returned.push(gradients);
          // As the device will, with the next result.
          for (const gradient of gradients) gradient.fill(Number.NaN);
        });
        const keeping = open();
        for (const slot of order.filter((one) => one < slots)) {
          const result = resultOf(slot);
          lent.push(result.gradients);
          partials.add(slot, result);
          keeping.add(slot, resultOf(slot));
          partials.forgetSent();
          keeping.forgetSent();
          expect(heldBy(partials)).toEqual(heldBy(keeping));
        }
        partials.release();
        keeping.release();
        expect(new Set(returned)).toEqual(new Set(lent));
        expect(returned).toHaveLength(lent.length);
      }),
    );
  });

  it("are given back as soon as they have become part of a sum", () => {
    const { open, resultOf } = scene(twoTasks(2), 1);
    const returned: Gradients[] = [];
    const partials = open((gradients) => void returned.push(gradients));
    const [left, right] = [resultOf(0), resultOf(1)];
    partials.add(0, left);
    expect(returned).toEqual([]);
    partials.add(1, right);
    expect(returned).toEqual([left.gradients, right.gradients]);
  });
});
