import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { inspectRun } from "./inspect-run.ts";
import { parameterHash } from "./hash-of-path.ts";
import { temporaryFolder } from "./testing/small-run.ts";

const source = fileURLToPath(new URL("testing/crashing-writer.ts", import.meta.url));

describe("a writer that is killed with SIGKILL", () => {
  it("leaves, wherever it was, a run from which the next one goes on", async () => {
    const folder = temporaryFolder();
    const script = path.join(folder, "writer.mjs");
    await build({
      entryPoints: [source],
      outfile: script,
      bundle: true,
      platform: "node",
      format: "esm",
      conditions: ["latentweave-source"],
      logLevel: "silent",
    });
    const directory = path.join(folder, "crashing");
    let reached = 0;
    // Different moments of the cycle of writing, syncing, renaming and removing, which takes a few milliseconds.
    for (let round = 0; round < 12; round++) {
      const writer = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] });
      const announced: string[] = [];
      writer.stdout
        .setEncoding("utf8")
        .on("data", (text: string) => announced.push(...text.trim().split("\n")));
      while (announced.length < 2) await once(writer.stdout, "data");
      await new Promise((resolve) => setTimeout(resolve, 20 + 7 * round));
      writer.kill("SIGKILL");
      await once(writer, "close");
      expect(Number(announced[0]?.split(" ")[1])).toBeGreaterThanOrEqual(reached);
      reached = Number(announced.at(-1)?.split(" ")[1]);

      const found = await inspectRun(directory);
      expect(found.checkpoints.every(({ whole }) => whole)).toBe(true);
      expect(found.checkpoints[0]?.version ?? 0).toBeGreaterThanOrEqual(reached);
      expect(found.ledger.damage).toBeNull();
      expect(found.ledger.lastStep ?? -1).toBeGreaterThanOrEqual((found.checkpoints[0]?.version ?? 0) - 1);
      expect(found.ledger.commits).toBe((found.ledger.lastStep ?? -1) + 1);
      const version = found.checkpoints[0]?.version;
      expect(found.tensors[0]).toMatchObject({ min: version, max: version });
      expect(await parameterHash(directory)).toBe(found.checkpoints[0]?.hash);
    }
    expect(reached).toBeGreaterThanOrEqual(12);
  });
});
