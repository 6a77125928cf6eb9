/** What a sentiment classifier can do without any latent, its λ chosen on validation rows. */
import { mean } from "../spread.mjs";
import { errorOf, fitLogistic } from "./logistic.mjs";
import { joined } from "./rows.mjs";

export const baselineKinds = ["alone", "pooled", "easyAdapt"];

const parts = {
  alone: { shared: false, own: true },
  pooled: { shared: true, own: false },
  easyAdapt: { shared: true, own: true },
};

export class Baselines {
  #whole;
  /** The test errors do not depend on the seed, but by the λ that it has chosen. */
  #fitted = new Map();

  /** @param whole rows of every task, none set aside */
  constructor(whole) {
    this.#whole = whole;
  }

  /** @returns {{ lambda: number, errors: number[] }} of λ that is best on the validation rows, test errors in % */
  chosen(kind, rows, lambdas) {
    const tried = lambdas.map((lambda) => ({
      lambda,
      error: mean(errorsOf(kind, rows, lambda, "validation")),
    }));
    const { lambda } = tried.reduce((a, b) => (b.error < a.error ? b : a));
    const key = `${kind} ${lambda}`;
    if (!this.#fitted.has(key)) this.#fitted.set(key, errorsOf(kind, this.#whole, lambda, "test"));
    return { lambda, errors: this.#fitted.get(key) };
  }
}

function errorsOf(kind, tasks, lambda, part) {
  const training =
    kind === "pooled" ? [joined(tasks.map(({ train }) => train))] : tasks.map(({ train }) => train);
  const { width } = tasks[0];
  const fitted =
    kind === "alone"
      ? training.map((one) => fitLogistic([one], { width, lambda, ...parts.alone })[0])
      : fitLogistic(training, { width, lambda, ...parts[kind] });
  return tasks.map((task, index) => 100 * errorOf(fitted[kind === "pooled" ? 0 : index], task[part]));
}
