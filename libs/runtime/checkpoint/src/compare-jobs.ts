/** One field that two jobs do not have in common; a value is undefined where the job has no such field. */
export interface JobChange {
  /** Such as `tasks.digits.encoder[0].units`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Every field in which two resolved jobs differ, in the order of the first, then what only the second has. Absent and
 * undefined are the same, as in JSON; the order of keys plays no part.
 */
export function compareJobs(before: unknown, after: unknown): readonly JobChange[] {
  const changes: JobChange[] = [];
  collect(before, after, "", changes);
  return changes;
}

function collect(before: unknown, after: unknown, path: string, changes: JobChange[]): void {
  if (Object.is(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++)
      collect(before[index], after[index], `${path}[${index}]`, changes);
  } else if (isTable(before) && isTable(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      collect(before[key], after[key], path === "" ? key : `${path}.${key}`, changes);
  } else changes.push({ path, before, after });
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
