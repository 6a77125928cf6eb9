import type { DataColumn, DataShape } from "@latentweave/model";
import type { PreparedManifest, SplitName } from "@latentweave/protocol";

/**
 * What a model has to know of a task's prepared data.
 * @param evaluated the split that the job evaluates on
 */
export function shapeOf(manifest: PreparedManifest, evaluated: SplitName): DataShape {
  const categories = categoriesOf(manifest);
  return {
    inputShape: manifest.x.shape,
    columns: columnsOf(manifest, evaluated),
    ...(categories.length > 0 && { categories }),
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

/** Columns of categories lie spread over neighbouring numbers, called COLUMN=VALUE. */
function categoriesOf({ x, preprocessing }: PreparedManifest): NonNullable<DataShape["categories"]> {
  return preprocessing.oneHot.flatMap(({ column, values }) => {
    const start = x.names?.indexOf(`${column}=${values[0] ?? ""}`) ?? -1;
    return start < 0 ? [] : [{ start, width: values.length }];
  });
}
