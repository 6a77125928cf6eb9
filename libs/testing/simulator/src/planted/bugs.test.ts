import { describe, expect, it } from "vitest";
import { emptyTally, type Failure, runSeed } from "../command/search.ts";
import { plants } from "./bugs.ts";

/** The simulator can fail: each of these mistakes is found within the stated number of seeds. */
describe("a planted bug is found", () => {
  for (const { name, within, plant } of plants)
    it(`within ${within} seeds: ${name}`, { timeout: 600_000 }, async () => {
      let found: Failure | undefined;
      for (let seed = 1; seed <= within && !found; seed++) found = await runSeed(seed, emptyTally(), plant());
      expect(found).toBeDefined();
    });
});
