/** FDU-MTL's files as tasks of a job. */
import { readdirSync } from "node:fs";
import path from "node:path";

/** Names of the 16 tasks, in the order of their files. */
export function taskNames(folder) {
  return readdirSync(folder)
    .flatMap((file) => /^(.+)\.task\.train$/.exec(file)?.[1] ?? [])
    .sort();
}

/** A task's lines, with one vocabulary for all tasks, which is counted in all training and unlabelled lines. */
export function dataOf(folder, names, task, { vocabulary, validation, seed }) {
  const file = (name, part) => path.resolve(folder, `${name}.task.${part}`);
  return {
    text: {
      train: file(task, "train"),
      test: file(task, "test"),
      vocabulary: {
        from: names.flatMap((name) => [file(name, "train"), file(name, "unlabel")]),
        ...vocabulary,
      },
    },
    split: { validation, seed },
  };
}

/** What is shared, and behind it what is the task's own, from a part of the words to a sentiment. */
export function jobOf(folder, names, { seed, settings, epochs = settings.epochs }) {
  const { noise, dropout, latent, privateLatent, microBatch, learningRate, weightDecay, vocabulary } =
    settings;
  const task = (name) => ({
    data: dataOf(folder, names, name, { vocabulary, validation: 0, seed: 0 }),
    reconstruction: false,
    noise: { kind: "masking", rate: noise },
    heads: { sentiment: { kind: "classification", layers: [{ kind: "dropout", rate: dropout }] } },
    ...{ microBatch, slots: 1 },
  });
  return {
    name: "fdu-mtl",
    seed,
    tasks: Object.fromEntries(names.map((name) => [name, task(name)])),
    model: { kind: "private-shared", latent: { units: latent, activation: "relu" }, privateLatent },
    optimiser: { kind: "adamw", learningRate, weightDecay },
    schedule: { kind: "cosine" },
    epochs,
    cosines: { everySteps: 0 },
    evaluate: { everySteps: 100_000, split: "test" },
    checkpoints: { everySteps: 0 },
    recovery: { everySteps: 0 },
    launcher: { kind: "local", workers: 2 },
  };
}
