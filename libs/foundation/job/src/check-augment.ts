import type { ParsedJob } from "./job-schema.ts";
import type { Problem } from "./problem.ts";

type Task = ParsedJob["tasks"][string];

/** What can be said of a task's augmentation before its data are known. */
export function checkAugment(name: string, task: Task): Problem[] {
  const path = ["tasks", name, "augment"];
  const changes = task.augment ?? [];
  if (changes.length > 0 && task.data.text !== undefined)
    return [
      {
        path,
        what: "is of images and of rows of measurements, and these rows count the words of a text",
        expected: "no such field",
        mend: 'leave it out; noise: { kind: "masking", rate: 0.2 } leaves out words',
      },
    ];
  return changes.flatMap((change, index) =>
    change.kind === "scale" && change.from > change.to
      ? [
          {
            path: [...path, index, "from"],
            what: `got ${change.from}, above to: ${change.to}`,
            expected: "from at most to",
            mend: "swap them",
          },
        ]
      : [],
  );
}
