import { showValue } from "./explain-issue.ts";
import { showPath } from "./problem.ts";
import type { ResolvedJob } from "./resolved-job.ts";
import { property } from "./schema-at.ts";

export interface JobChange {
  /** E.g. `tasks.digits.encoder[0].units`. */
  readonly field: string;
  /** As the job would write them; `nothing` where a field is not there. */
  readonly before: string;
  readonly after: string;
}

/** Change where a run's processes are, what it is called or what is kept of it, but nothing that it computes. */
const harmless = new Set<string>(["name", "launcher", "checkpoints", "recovery", "audit"]);

/** The fields in which two jobs differ so that one cannot go on where the other stopped. */
export function jobChanges(before: ResolvedJob, after: ResolvedJob): readonly JobChange[] {
  const keys = keysOf(before, after).filter((key) => !harmless.has(String(key)));
  return keys.flatMap((key) => compare([key], property(before, key), property(after, key)));
}

function compare(path: readonly PropertyKey[], before: unknown, after: unknown): JobChange[] {
  if (isObject(before) && isObject(after) && Array.isArray(before) === Array.isArray(after)) {
    const inner = keysOf(before, after).flatMap((key) =>
      compare([...path, key], property(before, key), property(after, key)),
    );
    // The order of tasks is part of the job: it numbers them.
    const [was, is] = [Object.keys(before).join(", "), Object.keys(after).join(", ")];
    const moved = path.length === 1 && path[0] === "tasks" && inner.length === 0 && was !== is;
    return moved ? [{ field: "tasks", before: was, after: is }] : inner;
  }
  if (Object.is(before, after)) return [];
  return [{ field: showPath(path), before: showPart(before), after: showPart(after) }];
}

function keysOf(a: object, b: object): (string | number)[] {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Array.isArray(a) ? names.map(Number) : names;
}

function showPart(value: unknown): string {
  return value === undefined ? "nothing" : showValue(value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
