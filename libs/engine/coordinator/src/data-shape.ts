import type { DataColumn, DataShape, SampleLevels } from "@latentweave/model";
import type { PreparedManifest, SplitName } from "@latentweave/protocol";

/**
 * What a model has to know of a task's prepared data.
 * @param evaluated the split that the job evaluates on
 */
export function shapeOf(manifest: PreparedManifest, evaluated: SplitName): DataShape {
  const categories = categoriesOf(manifest);
  const levels = levelsOf(manifest);
  return {
    inputShape: manifest.x.shape,
    columns: columnsOf(manifest, evaluated),
    ...(categories.length > 0 && { categories }),
    ...(levels && { levels }),
  };
}

function columnsOf({ y, splits }: PreparedManifest, evaluated: SplitName): readonly DataColumn[] {
  if (!y) return [];
  const { unlabelled } = y;
  const width = y.kind === "class" ? 1 : y.width;
  const share = (split: SplitName): number => {
    const targets = splits[split].rows * width;
    return targets === 0 ? 0 : (targets - (unlabelled?.[split] ?? 0)) / targets;
  };
  const labelled = unlabelled && { labelled: { train: share("train"), evaluate: share(evaluated) } };
  return y.kind === "class"
    ? [{ name: "y", kind: "class", classes: y.classes, ...labelled }]
    : [{ name: "y", kind: y.kind, numbers: y.width, ...labelled }];
}

/** By the reader's own arithmetic: float32((stored - offset) / divisor). */
function levelsOf({ x, preprocessing }: PreparedManifest): SampleLevels | undefined {
  const { offset, divisor } = preprocessing.scale;
  if (offset.length !== 1 || divisor.length !== 1) return undefined;
  const scaled = (stored: number): number =>
    Math.fround((stored - (offset[0] as number)) / (divisor[0] as number));
  return { black: scaled(0), range: x.dtype === "uint8" ? [scaled(0), scaled(255)] : null };
}

/** Columns of categories lie spread over neighbouring numbers, called COLUMN=VALUE. */
function categoriesOf({ x, preprocessing }: PreparedManifest): NonNullable<DataShape["categories"]> {
  return preprocessing.oneHot.flatMap(({ column, values }) => {
    const start = x.names?.indexOf(`${column}=${values[0] ?? ""}`) ?? -1;
    return start < 0 ? [] : [{ start, width: values.length }];
  });
}
