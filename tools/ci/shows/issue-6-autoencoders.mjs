/** Shows 3 and 7: a linear autoencoder beside PCA, and the likelihood of a variational one. */
import { reproduce } from "./reproduction.mjs";

function example(name) {
  return async ({ say }) => {
    const { code, output } = await reproduce(name, { say });
    const figures = output.split("\n").filter((line) => /^\| (\d|−log)/.test(line));
    return { figure: figures.map((line) => line.replace(/^\| | \|$/g, "")).join("; "), met: code === 0 };
  };
}

export const autoencoderRows = [
  {
    number: "3",
    title: "Linear autoencoder on Fashion-MNIST beside PCA, for k = 2, 8, 16, 32, 64; and a deep one",
    bar: "test error within 2 % of PCA's; the deep one below PCA's for all",
    run: example("linear-autoencoder"),
  },
  {
    number: "7",
    title: "Variational autoencoder of binarised MNIST: test −log p(x), importance-weighted estimate",
    bar: "≤ 90 nats",
    run: example("variational-mnist"),
  },
];
