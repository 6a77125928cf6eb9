import { isOwnKind } from "./autoencoder-schema.ts";
import type { ParsedJob } from "./job-schema.ts";
import type { Problem } from "./problem.ts";

type Task = ParsedJob["tasks"][string];
type Latent = NonNullable<Task["latent"]>;

/** What the parts of a task's autoencoder ask of each other. */
export function checkAutoencoder(job: ParsedJob, name: string, task: Task): Problem[] {
  const path = ["tasks", name];
  const problems: Problem[] = [];
  const { model } = job;
  const loss = task.reconstruction === false ? undefined : lossOf(task);
  if (task.latent && model.kind !== "private")
    problems.push({
      path: [...path, "latent"],
      what: `is a task's own, but in a model of the kind "${model.kind}" ${model.kind === "shared" ? "all tasks share one" : "autoencoders are plain ones"}`,
      expected: 'model: { kind: "private" }',
      mend: model.kind === "shared" ? "write it as model.latent" : "leave latent out, or change model",
    });
  if (loss === "user" && task.latent?.kind === "variational")
    problems.push({
      path: [...path, "reconstruction", "loss"],
      what: "got a loss of an extension, besides a variational latent, whose bound is one of a likelihood",
      expected: '"bce" or "mse"',
      mend: "change one of them",
    });
  if (task.binarise && loss !== undefined && loss !== "bce")
    problems.push({
      path: [...path, "binarise"],
      what: "samples of zeros and ones are compared by squared differences",
      expected: 'reconstruction: { loss: "bce" }, and a decoder that ends in a sigmoid',
      mend: "change reconstruction, or leave binarise out",
    });
  if (model.kind === "bank" && (loss === "gaussian" || loss === "categorical"))
    problems.push({
      path: [...path, "reconstruction", "loss"],
      what: `got "${loss}", but a bank feeds reconstructions into one more layer and compares what that yields`,
      expected: '"bce" or "mse"',
      mend: "change the loss, or take another model",
    });
  problems.push(...checkMasked(job, task, [...path, "noise", "compare"], loss));
  const seen = new Set<string>();
  for (const [index, { kind }] of (task.penalties ?? []).entries()) {
    if (seen.has(kind))
      problems.push({
        path: [...path, "penalties", index],
        what: `there is a penalty "${kind}" already`,
        expected: "each kind once",
        mend: "remove one of them",
      });
    seen.add(kind);
  }
  const latent = ownLatent(job, task);
  if (latent?.kind === "variational") problems.push(...checkVariational(latent, latentPath(job, path), task));
  if (latent?.kind === "adversarial") problems.push(...checkHeadNames(task, path));
  return problems;
}

/** What masked pixels can be compared by, number by number. */
function checkMasked(
  job: ParsedJob,
  task: Task,
  path: readonly PropertyKey[],
  loss: ReturnType<typeof lossOf> | undefined,
): Problem[] {
  if (task.noise?.kind !== "patches" || task.noise.compare === undefined) return [];
  if (loss !== "mse" && loss !== "bce")
    return [
      {
        path,
        what: `got "masked", but ${loss === undefined ? "the task reconstructs nothing" : `the loss "${loss}" is one of whole samples`}`,
        expected: 'reconstruction: { loss: "mse" } or "bce"',
        mend: "change reconstruction, or leave compare out",
      },
    ];
  if (ownLatent(job, task)?.kind !== "variational") return [];
  return [
    {
      path,
      what: 'got "masked" besides a variational latent, whose bound is one of the likelihood of whole samples',
      expected: "all pixels, or a latent of another kind",
      mend: "leave compare out, or change the latent",
    },
  ];
}

/** Not plain ones. */
function ownLatent(job: ParsedJob, task: Task): Latent | undefined {
  if (task.latent) return task.latent;
  const { model } = job;
  return model.kind === "shared" && isOwnKind(model.latent) ? model.latent : undefined;
}

function latentPath(job: ParsedJob, task: readonly PropertyKey[]): readonly PropertyKey[] {
  return job.model.kind === "shared" ? ["model", "latent"] : [...task, "latent"];
}

/** What an adversarial latent tells takes names of metrics that heads could have otherwise. */
function checkHeadNames({ heads }: Task, path: readonly PropertyKey[]): Problem[] {
  return ["generator", "discriminator"].flatMap((name) =>
    Object.hasOwn(heads, name)
      ? [
          {
            path: [...path, "heads", name],
            what: `a head cannot be called "${name}" beside an adversarial latent, which tells a loss of that name`,
            expected: "another name",
            mend: "rename it",
          },
        ]
      : [],
  );
}

/** The bound of several draws is one of the likelihood: nothing in it can be weighed. */
function checkVariational(
  { samples, beta, annealing, freeBits }: Latent & { kind: "variational" },
  path: readonly PropertyKey[],
  task: Task,
): Problem[] {
  if (samples === 1) return [];
  const found = [
    ["beta", beta !== 1, `${beta}`],
    ["annealing", annealing != null, "a rise of β"],
    ["freeBits", freeBits > 0, `${freeBits}`],
  ] as const;
  const problems: Problem[] = found.flatMap(([field, is, value]) =>
    is
      ? [
          {
            path: [...path, field],
            what: `got ${value}, besides samples: ${samples}; the importance-weighted bound has no KL term that could be weighed`,
            expected: "samples: 1, or no such field",
            mend: "change one of them",
          },
        ]
      : [],
  );
  if (task.reconstruction === false)
    problems.push({
      path: [...path, "samples"],
      what: `got ${samples}, but the task reconstructs nothing`,
      expected: "1",
      mend: "leave samples out",
    });
  return problems;
}

function lossOf({
  reconstruction,
  decoder,
}: Task): NonNullable<Exclude<Task["reconstruction"], false>>["loss"] {
  if (reconstruction) return reconstruction.loss;
  const last = decoder.findLast(({ kind }) => kind !== "reshape" && kind !== "flatten");
  return last !== undefined && "activation" in last && last.activation === "sigmoid" ? "bce" : "mse";
}
