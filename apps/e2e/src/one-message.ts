import { expect } from "vitest";
import type { Finished } from "./command.ts";
import { leftBehind } from "./left-behind.ts";

/** What every failure keeps to, whatever it is about: one message that says how to mend it, and nothing left running. */
export async function expectOneMessage(
  end: Finished & { readonly mark: string },
  code: number,
  says: readonly RegExp[],
): Promise<void> {
  expect(end.code, `${end.stdout}${end.stderr}`).toBe(code);
  for (const pattern of says) expect(end.stderr).toMatch(pattern);
  expect(end.stderr.match(/^error:/gm), end.stderr).toHaveLength(1);
  expect(end.stderr, "a stack trace").not.toMatch(/^\s+at .*:\d+/m);
  expect(end.stderr, "a way to mend it").toMatch(/to mend:/);
  expect(await leftBehind(end.mark)).toEqual([]);
}
