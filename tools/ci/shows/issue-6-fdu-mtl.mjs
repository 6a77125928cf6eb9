/** Shows 5: FDU-MTL, shared and private latents of 16 text tasks beside logistic regressions of the same rows. */
import { findData, reproduce } from "./reproduction.mjs";

export const fduMtlRows = [
  {
    number: "5",
    title: "FDU-MTL: mean test error of 16 sentiment tasks, five seeds",
    bar: "≤ 10.8 %, below each task alone, pooled and EasyAdapt",
    async run({ say }) {
      const folder = findData("LATENTWEAVE_FDU_MTL", "fdu-mtl");
      if (!folder) return { figure: "fdu-mtl is not here: name it in LATENTWEAVE_FDU_MTL", met: false };
      const { code, output } = await reproduce("fdu-mtl", { say, args: [folder], hours: 4 });
      const [, figure] = /(?:met|MISSED): (.+)/.exec(output) ?? [];
      return { figure: figure ?? "no figure", met: code === 0 };
    },
  },
];
