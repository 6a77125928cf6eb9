import { describe, expect, it } from "vitest";
import { emptyTally, type Failure, runSeed } from "../command/search.ts";
import { plants } from "./bugs.ts";

/** The simulator can fail: each of these mistakes is found within the stated number of seeds. */
describe("a planted bug is found", () => {
  for (const { name, from = 1, within, plant } of plants)
    it(`within ${within} seeds from ${from} on: ${name}`, { timeout: 600_000 }, async () => {
      let found: Failure | undefined;
      for (let seed = from; seed < from + within && !found; seed++)
        found = await runSeed(seed, emptyTally(), plant());
      expect(found).toBeDefined();
    });
});
