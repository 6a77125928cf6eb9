import { JobError } from "../problem.ts";
import { resolveJob } from "../resolve-job.ts";

/** For tests: what is said of a job that is refused, and "none" of one that is not. */
export function complaint(job: unknown): string {
  try {
    resolveJob(job);
  } catch (error) {
    if (error instanceof JobError) return error.message;
    throw error;
  }
  return "none";
}
