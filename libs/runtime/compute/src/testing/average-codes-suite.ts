import type { ComputeModel, MicroBatch } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { someBatch, uniform } from "./keyed.ts";
import { inputNumbers, privateModel } from "./models.ts";

const [codes, width, commitment, decay] = [5, 2, 0.3, 0.8];
const samples = 9;

/** What is quantised is the input itself, so that the reference needs nothing but it. */
const model: ComputeModel = privateModel({
  encoder: [{ kind: "flatten" }],
  latent: { kind: "vectorQuantised", codes, width, commitment, movingAverage: { decay } },
});

interface Averages {
  readonly sums: number[];
  readonly counts: number[];
}

/** Of van den Oord et al. (2017), appendix A.1, in float64: codes, choices, and what a micro-batch adds up to. */
function statistics(
  { sums, counts }: Averages,
  x: ArrayLike<number>,
): Averages & { readonly distance: number } {
  const total = counts.reduce((sum, n) => sum + n, 0);
  const code = (k: number, i: number): number =>
    (sums[k * width + i] as number) / ((((counts[k] as number) + 1e-5) * total) / (total + codes * 1e-5));
  const own = { sums: sums.map(() => 0), counts: counts.map(() => 0) };
  let distance = 0;
  for (let at = 0; at < x.length; at += width) {
    const distances = counts.map((_, k) =>
      Array.from({ length: width }, (__, i) => ((x[at + i] as number) - code(k, i)) ** 2).reduce(
        (a, b) => a + b,
      ),
    );
    const chosen = distances.indexOf(Math.min(...distances));
    distance += distances[chosen] as number;
    own.counts[chosen] = (own.counts[chosen] as number) + 1;
    for (let i = 0; i < width; i += 1) {
      const place = chosen * width + i;
      own.sums[place] = (own.sums[place] as number) + (x[at + i] as number);
    }
  }
  return { ...own, distance };
}

/** What workers send in place of the gradients of averages, against a float64 reference, while the averages move. */
export function averageCodesSuite(backend: () => LoadedBackend): void {
  describe("codes that are moving averages", () => {
    it("are sums through counts; a micro-batch's own sums and counts come where gradients would", async () => {
      const compute = createInlineCompute(backend());
      await compute.load(model);
      const group = model.layout.groups.find(({ name }) => name === "one/codebook");
      const places = (group?.tensors ?? []).map(({ name, offset, numbers }) => ({ name, offset, numbers }));
      expect(places.map(({ name }) => name)).toEqual(["one/codebook/sums", "one/codebook/counts"]);
      const at = model.phases[0]?.tasks[0]?.groups.indexOf("one/codebook") ?? -1;
      let now: Averages = {
        sums: [...uniform(codes * width, 0, 1, "sums")],
        counts: [...uniform(codes, 0.5, 1.5, "counts")],
      };
      for (let step = 0; step < 6; step += 1) {
        await compute.setParameters([
          ...model.layout.groups.flatMap(({ index, name, tensors }) =>
            name === "one/codebook"
              ? []
              : tensors.map((tensor) => ({
                  ...{ group: index, start: tensor.offset },
                  values: uniform(tensor.numbers, -0.5, 0.5, tensor.name),
                })),
          ),
          ...[now.sums, now.counts].map((values, i) => ({
            ...{ group: group?.index ?? -1, start: places[i]?.offset ?? -1 },
            values: Float32Array.from(values),
          })),
        ]);
        const batch: MicroBatch = someBatch({ task: "one", samples, step }, inputNumbers);
        const x = batch.x.map((value) => value * (1 - step / 16));
        const { gradients, metrics } = await compute.run({ ...batch, x });
        const expected = statistics(now, x);
        const given = gradients[at] as Float32Array;
        const part = (i: number): number[] => [
          ...given.slice(places[i]?.offset, (places[i]?.offset ?? 0) + (places[i]?.numbers ?? 0)),
        ];
        expect(part(1)).toEqual(expected.counts);
        for (const [i, sum] of part(0).entries())
          expect(Math.abs(sum - (expected.sums[i] as number))).toBeLessThan(1e-4);
        // Metrics are samples, loss, then terms in their order.
        const term = (commitment * expected.distance) / inputNumbers;
        expect([...metrics].some((value) => Math.abs(value - term) < 1e-4 * term)).toBe(true);
        const moved = (old: readonly number[], own: readonly number[]): number[] =>
          old.map((value, i) => decay * value + (1 - decay) * (own[i] as number));
        now = { sums: moved(now.sums, expected.sums), counts: moved(now.counts, expected.counts) };
      }
      await compute.close();
    });
  });
}
