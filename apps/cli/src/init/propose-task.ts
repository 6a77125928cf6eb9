import path from "node:path";
import { describeCsv, type DescribedColumn, guessDataSource, prepare } from "@latentweave/datasets";
import { type DataSource, nearest } from "@latentweave/job";
import { cacheDirectory, type PreparedManifest, UserError } from "@latentweave/protocol";

/** What the person said about one file of data. */
export interface TaskWish {
  /** As typed; relative to the current folder. */
  readonly file: string;
  /** Column to be predicted, for tables. */
  readonly target?: string;
  readonly targetKind?: "class" | "number";
}

/** A task for a job file, with what was found in its data. */
export interface ProposedTask {
  readonly name: string;
  /** Paths relative to the job's folder. */
  readonly data: DataSource;
  readonly manifest: PreparedManifest;
  /** Name of the head, where there is something to predict. */
  readonly head: string | undefined;
  /** Things that a reader of the job should know, a sentence each. */
  readonly remarks: readonly string[];
}

/** Text columns with more values than this are names or remarks rather than categories. */
const mostCategories = 20;

/**
 * Looks at a file, decides how to prepare it and prepares it once, so that whatever is wrong with it is said now.
 * @param jobDirectory absolute; paths in the job start there
 * @param taken names of the tasks before
 */
export async function proposeTask(
  wish: TaskWish,
  jobDirectory: string,
  taken: readonly string[],
  log: (line: string) => void,
): Promise<ProposedTask> {
  const name = taskName(wish.file, taken);
  const guessed = guessDataSource(wish.file);
  const table = guessed.csv === undefined ? undefined : await describeTable(guessed.csv, wish);
  if (!table && wish.target !== undefined)
    throw new UserError({
      where: `--target ${wish.target}`,
      what: `${wish.file} has no columns`,
      expected: "a CSV file",
      mend: "leave --target out",
      exitCode: 2,
    });
  const data = relocate({ ...guessed, ...table?.data }, jobDirectory);
  const prepareIt = (source: DataSource, tell: (line: string) => void): Promise<PreparedManifest> =>
    prepare(source, {
      taskName: name,
      baseDirectory: jobDirectory,
      cacheDirectory: cacheDirectory(process.env),
      log: tell,
    });
  // How it is to be scaled shows only once it has been read.
  const manifest = await prepareIt(data, () => undefined);
  const remarks = table?.remarks ?? [];
  if (manifest.x.dtype === "uint8" || manifest.x.sparse)
    return {
      name,
      data,
      manifest,
      head: headName(manifest, wish),
      remarks: [
        ...remarks,
        manifest.x.sparse
          ? "A row has a number for each word: how often it is there, and how rare it is."
          : "Bytes are read as numbers from 0 to 1.",
      ],
    };
  const scaled: DataSource = { ...data, scale: "standard" };
  return {
    name,
    data: scaled,
    manifest: await prepareIt(scaled, log),
    head: headName(manifest, wish),
    remarks: [...remarks, "Scaled to mean 0 and standard deviation 1, as fitted on the training rows."],
  };
}

function headName({ y }: PreparedManifest, { target }: TaskWish): string | undefined {
  if (y === null) return undefined;
  const base = (target ?? "label").replace(/[^A-Za-z0-9_-]+/g, "_");
  const name = /^[A-Za-z]/.test(base) ? base : `target_${base}`;
  return ["samples", "loss", "latent", "reconstruction"].includes(name)
    ? `${name}_target`
    : name.slice(0, 64);
}

async function describeTable(
  file: string,
  { target, targetKind }: TaskWish,
): Promise<{ readonly data: Partial<DataSource>; readonly remarks: readonly string[] }> {
  const { columns } = await describeCsv(file);
  requireColumn(columns, target, file);
  const inputs = columns.filter(({ name }) => name !== target);
  const isNoise = (column: DescribedColumn): boolean =>
    column.kind === "category" && column.distinct > mostCategories;
  const left = inputs.filter(isNoise);
  const features = inputs.filter((column) => !isNoise(column));
  if (features.length === 0)
    throw new UserError({
      what: "no column is left to learn from",
      where: file,
      expected: `numbers, or text with at most ${mostCategories} different values`,
      mend: "choose another target, or write the job by hand (docs/job.md)",
    });
  const oneHot = features.filter(({ kind }) => kind === "category").map(({ name }) => name);
  const empty = columns.filter((column) => column.empty > 0 && !left.includes(column));
  const remarks: string[] = [];
  if (left.length > 0)
    remarks.push(
      `Left out, as text with more than ${mostCategories} values: ${left.map(({ name }) => name).join(", ")}.`,
    );
  if (empty.length > 0)
    remarks.push(`Rows with empty cells are dropped (in ${empty.map(({ name }) => name).join(", ")}).`);
  return {
    data: {
      ...(left.length > 0 ? { features: features.map(({ name }) => name) } : {}),
      ...(oneHot.length > 0 ? { oneHot } : {}),
      ...(target === undefined ? {} : { target }),
      ...(target === undefined || targetKind === undefined ? {} : { targetKind }),
      ...(empty.length > 0 ? { missing: "drop" as const } : {}),
    },
    remarks,
  };
}

function requireColumn(columns: readonly DescribedColumn[], target: string | undefined, file: string): void {
  const names = columns.map(({ name }) => name);
  if (target === undefined || names.includes(target)) return;
  const close = nearest(target, names);
  throw new UserError({
    what: `there is no column "${target}"`,
    where: file,
    expected: `one of ${names.join(", ")}`,
    mend: close === undefined ? "choose one of these" : `did you mean "${close}"?`,
    exitCode: 2,
  });
}

function relocate(source: DataSource, jobDirectory: string): DataSource {
  const relative = (file: string): string =>
    path.relative(jobDirectory, path.resolve(file)).split(path.sep).join("/");
  return {
    ...source,
    ...(source.csv === undefined ? {} : { csv: relative(source.csv) }),
    ...(source.npy === undefined ? {} : { npy: { ...source.npy, x: relative(source.npy.x) } }),
    ...(source.npz === undefined ? {} : { npz: { ...source.npz, file: relative(source.npz.file) } }),
    ...(source.idx === undefined ? {} : { idx: { ...source.idx, images: relative(source.idx.images) } }),
    ...(typeof source.text?.unlabelled === "string" && {
      text: { ...source.text, unlabelled: relative(source.text.unlabelled) },
    }),
  };
}

/** From the file's name, made fit for a task and unlike the others. */
export function taskName(file: string, taken: readonly string[]): string {
  const stem = path.basename(file).replace(/\.(csv|tsv|npy|npz|idx|txt)?(\.gz)?$/i, "");
  const plain = stem.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 60);
  const base = /^[A-Za-z]/.test(plain) && !["shared", "bank"].includes(plain) ? plain : `task_${plain}`;
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}_${number}`;
    if (!taken.includes(name)) return name;
  }
}
