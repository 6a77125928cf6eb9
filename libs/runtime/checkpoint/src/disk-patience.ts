import type { Clock } from "@latentweave/protocol";
import { diskError, errorCode } from "./disk-error.ts";

/** What passes by itself, or by somebody's hand, while a run waits: room is made, a mount comes back. */
const passing: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/** Between two attempts. */
const againMs = 250;

/** How long a disk that refuses is asked again before the refusal counts; training goes on meanwhile. */
export const diskPatienceMs = 30_000;

/**
 * Does `work` again and again while the disk refuses it for a reason that may pass; rejects with the last refusal.
 * @param where the file, for people
 */
export type DiskPatience = <Result>(where: string, work: () => Promise<Result>) => Promise<Result>;

export const noPatience: DiskPatience = (_, work) => work();

/** Says once that the disk refuses, whatever waits for it, and once that it takes all of that again. */
export function createDiskPatience(options: {
  readonly clock: Clock;
  readonly onRefused: (text: string) => void;
  readonly onTaken: (text: string) => void;
}): DiskPatience {
  const { clock } = options;
  const waiting = new Set<object>();
  /** One refusal has counted: what is kept after that, such as how the run ended, is not waited for as long again. */
  let spent = false;

  const refused = (self: object, error: unknown, where: string): void => {
    const isFirst = waiting.size === 0;
    waiting.add(self);
    const [what] = (diskError(error, where) as Error).message.split("\n");
    if (isFirst) options.onRefused(`${what}; it is asked again for ${diskPatienceMs / 1000} s`);
  };
  const taken = (self: object): void => {
    if (waiting.delete(self) && waiting.size === 0)
      options.onTaken("the disk takes what the run keeps again");
  };

  return async (where, work) => {
    const self = {};
    const endMs = clock.nowMs() + diskPatienceMs;
    for (;;) {
      try {
        const result = await work();
        spent = false;
        taken(self);
        return result;
      } catch (error) {
        if (!isPassing(error) || spent || clock.nowMs() >= endMs) {
          spent ||= isPassing(error);
          waiting.delete(self);
          throw error;
        }
        refused(self, error, where);
      }
      await new Promise<void>((resolve) => void clock.after(againMs, resolve));
    }
  };
}

function isPassing(error: unknown): boolean {
  const code = errorCode(error) ?? (error instanceof Error ? errorCode(error.cause) : undefined);
  return code !== undefined && passing.has(code);
}
