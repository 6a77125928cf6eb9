/** Rows of ours beside stock and tuned DDP with the same model, batch and cores. */
import { warmupSteps } from "../warm-up.mjs";

/** The case that others are compared with. */
export const twoWorkers = "0.84m";

/** 837,424 parameters. */
export const standard = [784, 512, 32, 512, 784];

/** 3,347,248 parameters. */
export const medium = { widths: [784, 2048, 32, 2048, 784], warmup: 400, steps: 60 };

/** 26,815,688 parameters. */
export const large = { widths: [784, 4096, 2488, 4096, 784], warmup: 20, steps: 12 };

/** Widths of an autoencoder as settings of autoencoder.yaml. */
export function widthSettings([, hidden, latent, back]) {
  const units = { "encoder[0]": hidden, "encoder[1]": latent, "decoder[0]": back };
  return Object.entries(units).flatMap(([layer, number]) => [
    "--set",
    `tasks.digits.${layer}.units=${number}`,
  ]);
}

const allReduceNote =
  "_all-reduce_: PyTorch without DDP and its buckets, as Horovod's optimiser works: each gradient is all-reduced over gloo as soon as the backward pass has it, and waited for before the update. It is not Horovod itself, whose extension is built for one version of PyTorch and fuses small tensors in a background thread.";

/** `beside`: with a shard in each worker's process; `dedicated`: with one in a process of its own. */
export const placements = { beside: ["--placement", "beside"], dedicated: ["--placement", "dedicated"] };
export const otherPlacement = { beside: "dedicated", dedicated: "beside" };

const placementsOf = (judged, others) => (others ? Object.keys(placements) : [judged]);

/**
 * The bar is on the ratio to tuned DDP.
 * @param judged the row that has the bar: the placement that `--placement auto` takes
 * @param others with the other placement and stock DDP
 * @param allReduce with a row that reduces gradient by gradient, without DDP's buckets
 */
export function besideDdp({
  name,
  title,
  bar,
  workers,
  widths = standard,
  warmup = warmupSteps,
  steps = 150,
  ours = {},
  judged = "dedicated",
  others = true,
  allReduce = false,
  ...more
}) {
  const shared = { workers, warmup, steps, ...more };
  const options = { ...shared, settings: widthSettings(widths), ...ours };
  const placed = (placement) => ({ ...options, settings: [...options.settings, ...placements[placement]] });
  const theirs = (variant) => ({
    ...{ name: variant, side: "pytorch", options: { ...shared, widths, variant } },
  });
  return {
    name,
    title,
    rows: [
      ...placementsOf(judged, others).map((placement) => ({
        ...{ name: placement, side: "ours", options: placed(placement) },
      })),
      ...(others ? [theirs("stock")] : []),
      theirs("tuned"),
      ...(allReduce ? [theirs("all-reduce")] : []),
    ],
    ratios: [
      { of: judged, to: "tuned", bar },
      ...(others
        ? [
            { of: otherPlacement[judged], to: "tuned" },
            { of: judged, to: "stock" },
          ]
        : []),
      ...(allReduce ? [{ of: judged, to: "all-reduce" }] : []),
    ],
    sameHash: true,
    ...(allReduce ? { note: allReduceNote } : {}),
  };
}
