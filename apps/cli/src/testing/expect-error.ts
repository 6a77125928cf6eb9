import { expect } from "vitest";
import type { CliResult } from "./run-cli.ts";

/** What a person is told who did something wrong: what it is, the way out, and nothing else; no traces of the program. */
export function expectError(
  { code, stdout, stderr }: CliResult,
  wanted: { readonly what: string; readonly mend: string; readonly code: number },
): void {
  expect(stderr).toMatch(/^error: /);
  expect(stderr).toContain(wanted.what);
  expect(stderr).toContain(wanted.mend);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe("");
  expect(code).toBe(wanted.code);
}
