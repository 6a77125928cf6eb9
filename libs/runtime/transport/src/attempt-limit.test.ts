import { describe, expect, it } from "vitest";
import { AttemptLimit, maxWrongTokens, windowMs } from "./attempt-limit.ts";

describe("guessing tokens", () => {
  it("ends after a number of wrong ones, for that address and for a while", () => {
    const limit = new AttemptLimit();
    for (let i = 0; i < maxWrongTokens; i++) {
      expect(limit.mayTry("10.0.0.1", i)).toBe(true);
      limit.wrongToken("10.0.0.1", i);
    }
    expect(limit.mayTry("10.0.0.1", maxWrongTokens)).toBe(false);
    expect(limit.mayTry("10.0.0.2", maxWrongTokens)).toBe(true);
    expect(limit.mayTry("10.0.0.1", windowMs)).toBe(true);
  });

  it("starts a new count when the window is over", () => {
    const limit = new AttemptLimit();
    for (let i = 0; i < maxWrongTokens; i++) limit.wrongToken("a", 0);
    limit.wrongToken("a", windowMs);
    expect(limit.mayTry("a", windowMs + 1)).toBe(true);
  });
});
