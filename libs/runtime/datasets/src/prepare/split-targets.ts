import type { PreparedManifest, PreparedTarget, SplitName } from "@latentweave/protocol";
import type { LoadedRows, LoadedSource } from "./loaded-source.ts";
import type { SplitRows } from "./split-rows.ts";
import { takeRows } from "./take-rows.ts";

/** Labels, -1 where there is none, or numbers, NaN where there is none, row after row. */
export type Targets = Int32Array | Float32Array;

type BySplit = Readonly<Record<SplitName, Targets | undefined>>;

/**
 * The targets of each split's rows, in their order.
 * @param labelledRows the training rows behind the first so many of those dealt lose their targets; undefined: none does
 */
export function splitTargets(
  { train, test, y }: Pick<LoadedSource, "train" | "test" | "y">,
  rows: SplitRows,
  labelledRows: number | undefined,
): BySplit {
  const of = ({ y: all, rows: count }: LoadedRows, places: Uint32Array): Targets | undefined =>
    all && takeRows(all, all.length / count, places);
  const ofTrain = of(train, rows.train);
  if (ofTrain && labelledRows !== undefined && labelledRows < rows.train.length)
    ofTrain.fill(y?.kind === "class" ? -1 : Number.NaN, (ofTrain.length / rows.train.length) * labelledRows);
  return {
    train: ofTrain,
    validation: of(train, rows.validation),
    test: test ? test.y : of(train, rows.test),
  };
}

/** The target with what its rows are found to be: classes that no training row has, and how many targets are missing. */
export function describeTargets(target: PreparedTarget, targets: BySplit): PreparedTarget {
  const missing = {
    train: countMissing(targets.train),
    validation: countMissing(targets.validation),
    test: countMissing(targets.test),
  };
  const unlabelled = Object.values(missing).some((count) => count > 0) ? { unlabelled: missing } : {};
  if (target.kind === "number") return { ...target, ...unlabelled };
  const absent = absentFrom(target, targets.train);
  return { ...target, ...(absent.length > 0 && { absent: [...absent] }), ...unlabelled };
}

const mostNamed = 10;

/** What is wrong with the labels of prepared data, though not so wrong that nothing could be learned. */
export function labelWarnings({ y, splits }: PreparedManifest): readonly string[] {
  if (!y || y.kind === "number" || !y.absent || y.unlabelled?.train === splits.train.rows) return [];
  const { absent } = y;
  const named = absent.slice(0, mostNamed).map((name) => `"${name}"`);
  const others = absent.length > mostNamed ? ` and ${absent.length - mostNamed} more` : "";
  const thing = y.kind === "class" ? "class" : "label";
  const several = absent.length > 1;
  return [
    `no training row has the ${several ? (y.kind === "class" ? "classes" : "labels") : thing} ${named.join(", ")}${others}, which cannot be learned so; give the task rows of ${several ? "them" : "it"}, or another split.seed`,
  ];
}

function countMissing(targets: Targets | undefined): number {
  if (!targets) return 0;
  let missing = 0;
  if (targets instanceof Int32Array) for (const label of targets) missing += label < 0 ? 1 : 0;
  else for (const value of targets) missing += Number.isNaN(value) ? 1 : 0;
  return missing;
}

function absentFrom(
  target: Exclude<PreparedTarget, { kind: "number" }>,
  targets: Targets | undefined,
): readonly string[] {
  const seen = new Set<number>();
  targets?.forEach((value: number, at: number) => {
    if (target.kind === "class") seen.add(value);
    else if (value === 1) seen.add(at % target.width);
  });
  return target.names.filter((_, index) => !seen.has(index));
}
