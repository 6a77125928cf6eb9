/** Shows 8 and 9: what compression saves across a link of 100 Mbit/s, and in `diloco`, and what it does to the loss. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { runCommand } from "../run-command.mjs";

async function measure(parts, scratch, say) {
  const out = path.join(scratch, "compression.json");
  const { code, output } = await runCommand([
    ...["node", "tools/bench/compression.mjs", "--only", parts, "--out", out],
  ]);
  if (code !== 0) say(output.slice(-2000));
  return JSON.parse(readFileSync(out, "utf8"));
}

const percent = (ratio) => `${(100 * (ratio - 1)).toFixed(1)} %`;

export const compressionRows = [
  {
    number: "8",
    title:
      "26.8 M parameters over 100 Mbit/s: top-k beside no compression, and beside DDP with its fp16 hook",
    bar: "≥ 10 × our own, ≥ 3 × DDP; held-out loss within 1 %",
    async run({ scratch, say }) {
      const { topk, ddp, lossLarge } = await measure("uncompressed,topk,ddp,lossLarge", scratch, say);
      const besideDdp = ddp.timesSlowerThanTopK;
      const loss = lossLarge.ratio;
      return {
        figure: `${topk.timesFaster.toFixed(1)} × our own, ${besideDdp?.toFixed(2) ?? "no"} × DDP (${ddp.missing ?? "gloo"}), loss ${percent(loss)}`,
        met: topk.timesFaster >= 10 && besideDdp >= 3 && Math.abs(loss - 1) <= 0.01,
      };
    },
  },
  {
    number: "9",
    title: "diloco, 50 inner steps, int8 both ways: bytes for each sample beside sync",
    bar: "≤ 1/180, held-out loss within 2 %",
    async run({ scratch, say }) {
      const { diloco, dilocoLoss } = await measure("diloco,dilocoLoss", scratch, say);
      return {
        figure: `1/${(1 / diloco.share).toFixed(0)} of the bytes, loss ${percent(dilocoLoss.ratio)}`,
        met: diloco.share <= 1 / 180 && Math.abs(dilocoLoss.ratio - 1) <= 0.02,
      };
    },
  },
];
