import type { ProposedTask } from "./propose-task.ts";

export interface JobText {
  readonly name: string;
  readonly tasks: readonly ProposedTask[];
  /** Numbers in the latent; undefined: by the data. */
  readonly latent: number | undefined;
  readonly steps: number;
  /** How the file is called; for the comment that says how to use it. */
  readonly file: string;
}

export type JobFormat = "ts" | "yaml" | "json";

/** A job file: commented TypeScript or YAML, or JSON, which has no comments. */
export function jobText(job: JobText, format: JobFormat): string {
  if (format === "json") return `${JSON.stringify(plainJob(job), undefined, 2)}\n`;
  return format === "ts" ? typescript(job) : yaml(job);
}

type Layer = { readonly kind: "dense"; readonly units: number; readonly activation?: string };

interface TaskSizes {
  readonly input: readonly number[] | undefined;
  readonly encoder: readonly Layer[];
  readonly decoder: readonly Layer[];
  readonly microBatch: number;
}

const slots = 4;

/** Layers by the width of a sample: wide enough to learn from, small enough to train in minutes. */
function sizes({ tasks, ...job }: JobText, { manifest }: ProposedTask): TaskSizes {
  const { width, shape, dtype } = manifest.x;
  const isShared = tasks.length > 1;
  const latent = latentUnits({ tasks, ...job });
  // What enters a shared latent has the same width for every task.
  const hidden = Math.max(
    ...(isShared ? tasks : [{ manifest }]).map((task) => hiddenUnits(task.manifest.x.width)),
  );
  const output: Layer = {
    kind: "dense",
    units: width,
    ...(dtype === "uint8" ? { activation: "sigmoid" } : {}),
  };
  const middle: Layer = { kind: "dense", units: hidden, activation: "relu" };
  return {
    input: shape.length > 1 ? [width] : undefined,
    encoder: isShared ? [middle] : [middle, { kind: "dense", units: latent }],
    decoder: [middle, output],
    microBatch: microBatchFor(manifest.splits.train.rows),
  };
}

function hiddenUnits(width: number): number {
  if (width <= 16) return 32;
  return width <= 64 ? 64 : width <= 256 ? 128 : 256;
}

/** Four micro-batches of this make a step of at most a quarter of the rows. */
function microBatchFor(rows: number): number {
  for (const size of [64, 32, 16, 8, 4, 2]) if (size * slots * 4 <= rows) return size;
  return 1;
}

function latentUnits({ latent, tasks }: JobText): number {
  const narrowest = Math.min(...tasks.map(({ manifest }) => manifest.x.width));
  return latent ?? Math.min(32, Math.max(2, Math.floor(narrowest / 4)));
}

function headOf({
  head,
  manifest,
}: ProposedTask): Readonly<Record<string, { readonly kind: string }>> | undefined {
  if (head === undefined || manifest.y === null) return undefined;
  const kinds = { class: "classification", labels: "multiLabel", number: "regression" } as const;
  return { [head]: { kind: kinds[manifest.y.kind] } };
}

function plainJob(job: JobText): unknown {
  const latent = latentUnits(job);
  const isShared = job.tasks.length > 1;
  const tasks = job.tasks.map((task): [string, unknown] => {
    const { input, encoder, decoder, microBatch } = sizes(job, task);
    const heads = headOf(task);
    return [
      task.name,
      {
        data: task.data,
        ...(input === undefined ? {} : { input }),
        ...{ encoder, decoder },
        ...(heads === undefined ? {} : { heads }),
        ...{ microBatch, slots },
      },
    ];
  });
  return {
    name: job.name,
    tasks: Object.fromEntries(tasks),
    ...(isShared ? { model: { kind: "shared", latent } } : {}),
    optimiser: { kind: "adam", learningRate: 0.001 },
    steps: job.steps,
    evaluate: { everySteps: Math.max(1, Math.floor(job.steps / 5)) },
  };
}

interface Dialect {
  readonly comment: string;
  value(value: unknown): string;
  layers(layers: readonly Layer[]): string;
  /** Ends a line that has a value. */
  readonly end: string;
  open(key: string): string;
  readonly close: string | undefined;
}

const typescriptDialect: Dialect = {
  comment: "//",
  value: literal,
  layers: (layers) =>
    `[${layers.map(({ units, activation }) => `dense(${units}${activation === undefined ? "" : `, "${activation}"`})`).join(", ")}]`,
  end: ",",
  open: (key) => `${propertyName(key)}: {`,
  close: "},",
};

const yamlDialect: Dialect = {
  comment: "#",
  // JSON is YAML.
  value: (value) =>
    typeof value === "string" || typeof value === "number"
      ? JSON.stringify(value)
      : spaced(JSON.stringify(value)),
  layers: (layers) =>
    `[${layers.map(({ units, activation }) => `{ kind: dense, units: ${units}${activation === undefined ? "" : `, activation: ${activation}`} }`).join(", ")}]`,
  end: "",
  open: (key) =>
    `${JSON.stringify(key).slice(1, -1) === key && /^[\w-]+$/.test(key) ? key : JSON.stringify(key)}:`,
  close: undefined,
};

function typescript(job: JobText): string {
  const lines = body(job, typescriptDialect).map((line) => (line === "" ? "" : `  ${line}`));
  return `import { defineJob, dense } from "latentweave";

// Made by \`latentweave init\`. Train it with: latentweave train ${job.file}
// Every field is explained in docs/job.md; an editor shows them too.
export default defineJob({
${lines.join("\n")}
});
`;
}

function yaml(job: JobText): string {
  return `# Made by \`latentweave init\`. Train it with: latentweave train ${job.file}
# Every field is explained in docs/job.md.
${body(job, yamlDialect).join("\n")}
`;
}

function body(job: JobText, dialect: Dialect): string[] {
  const { comment, end } = dialect;
  const isShared = job.tasks.length > 1;
  const latent = latentUnits(job);
  const lines = [`name: ${dialect.value(job.name)}${end}`, dialect.open("tasks")];
  for (const task of job.tasks) lines.push(...taskLines(job, task, dialect).map((line) => `  ${line}`));
  if (dialect.close !== undefined) lines.push(dialect.close);
  if (isShared)
    lines.push(
      `${comment} All tasks meet in one latent of ${latent} numbers.`,
      `model: ${dialect.value({ kind: "shared", latent })}${end}`,
    );
  lines.push(
    `optimiser: ${dialect.value({ kind: "adam", learningRate: 0.001 })}${end}`,
    `steps: ${job.steps}${end}`,
    `${comment} Measured on the test rows as often as this, and at the end.`,
    `evaluate: ${dialect.value({ everySteps: Math.max(1, Math.floor(job.steps / 5)) })}${end}`,
  );
  return lines;
}

function taskLines(job: JobText, task: ProposedTask, dialect: Dialect): string[] {
  const { comment, end } = dialect;
  const latent = latentUnits(job);
  const isShared = job.tasks.length > 1;
  const { input, encoder, decoder, microBatch } = sizes(job, task);
  const { train, test } = task.manifest.splits;
  const heads = headOf(task);
  const inner = [
    ...task.remarks.map((remark) => `${comment} ${remark}`),
    `data: ${dialect.value(task.data)}${end}`,
    ...(input === undefined
      ? []
      : [
          `${comment} Samples of shape ${task.manifest.x.shape.join(" × ")} as rows of numbers.`,
          `input: ${dialect.value(input)}${end}`,
        ]),
    `${comment} From the sample to ${isShared ? "the shared latent" : `${latent} numbers`} ...`,
    `encoder: ${dialect.layers(encoder)}${end}`,
    `${comment} ... and back.`,
    `decoder: ${dialect.layers(decoder)}${end}`,
    ...(heads === undefined
      ? []
      : [`${comment} What is predicted from the latent.`, `heads: ${dialect.value(heads)}${end}`]),
    `${comment} A step is ${slots} micro-batches of ${microBatch}; at most ${slots} workers share them.`,
    `microBatch: ${microBatch}${end}`,
    `slots: ${slots}${end}`,
  ];
  return [
    `${comment} ${train.rows} training and ${test.rows} test rows, ${task.manifest.x.width} numbers each.`,
    dialect.open(task.name),
    ...inner.map((line) => `  ${line}`),
    ...(dialect.close === undefined ? [] : [dialect.close]),
  ];
}

/** A JavaScript literal, with names of fields unquoted where they may be. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, field]) => `${propertyName(key)}: ${literal(field)}`)
    .join(", ")} }`;
}

function propertyName(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}

/** Flow mappings of YAML need a space behind the colon and the comma only where text is not quoted; readers like it. */
function spaced(json: string): string {
  return json.replace(
    /("(?:[^"\\]|\\.)*")|([:,])/g,
    (_, text: string | undefined, sign: string) => text ?? `${sign} `,
  );
}
