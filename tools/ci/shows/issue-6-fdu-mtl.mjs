/** Shows 5: FDU-MTL, shared and private latents of 16 text tasks beside logistic regressions of the same rows. */
import { existsSync } from "node:fs";
import path from "node:path";
import { root, runCommand } from "../run-command.mjs";

/** The files are no part of the project: LATENTWEAVE_FDU_MTL names their folder, or it lies beside the checkout. */
const places = [process.env.LATENTWEAVE_FDU_MTL, path.join(root, "../shared/data/fdu-mtl")];

export const fduMtlRows = [
  {
    number: "5",
    title: "FDU-MTL: mean test error of 16 sentiment tasks, five seeds",
    bar: "≤ 10.8 %, below each task alone, pooled and EasyAdapt",
    async run({ say }) {
      const folder = places.find((place) => place && existsSync(place));
      if (!folder) return { figure: "fdu-mtl is not here: name it in LATENTWEAVE_FDU_MTL", met: false };
      const { code, output } = await runCommand(
        ["node", path.join(root, "examples/reproduce/fdu-mtl/run.mjs"), folder],
        { timeoutMs: 4 * 3_600_000 },
      );
      for (const line of output.trimEnd().split("\n")) say(line);
      const [, figure] = /(?:met|MISSED): (.+)/.exec(output) ?? [];
      return { figure: figure ?? "no figure", met: code === 0 };
    },
  },
];
