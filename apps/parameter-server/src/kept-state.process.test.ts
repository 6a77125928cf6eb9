import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { addons, ensureAddon } from "@latentweave/native";
import type { StoredDecision } from "@latentweave/parameter-server-engine";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const addon = await ensureAddon(addons.pageMap);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kept-state-"));
const script = path.join(folder, "kept-state.mjs");

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL("testing/kept-state.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["latentweave-source"],
    logLevel: "silent",
  }),
);
afterAll(() => fs.rmSync(folder, { recursive: true }));

interface Found {
  readonly kept: boolean;
  readonly version: number;
  readonly values: readonly number[];
  readonly decision?: StoredDecision;
}

/** Starts a shard's state; a working one is killed when it has announced `announcements` versions. */
async function live(then: "work" | "look", announcements = 0): Promise<{ found: Found; announced: number }> {
  const child = spawn(process.execPath, [script, folder, then], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (then === "work" && lines.length > announcements) child.kill("SIGKILL");
  }
  await ended;
  return { found: JSON.parse(lines[0] ?? "") as Found, announced: Number(lines.at(-1)?.split(" ")[1] ?? 0) };
}

describe.skipIf(addon.kind === "unavailable")("a shard's state whose process is killed with SIGKILL", () => {
  it("is found by the next process as one whole version, none lost, with the decision that made it", async () => {
    let reached = 0;
    for (let life = 0; life < 10; life++) {
      const { found, announced } = await live("work", 1 + (life % 4));
      expect(found.kept).toBe(life > 0);
      expect(found.version).toBeGreaterThanOrEqual(reached);
      expect(found.values).toEqual([found.version % 10_000]);
      if (life > 0) {
        expect([found.version - 1, found.version]).toContain(found.decision?.step);
        expect(JSON.parse(found.decision?.text ?? "")).toMatchObject({ step: found.decision?.step });
      }
      reached = announced;
    }
    const { found } = await live("look");
    expect(found.version).toBeGreaterThanOrEqual(reached);
    expect((await live("look")).found).toMatchObject({ kept: false, version: 0 });
  });
});
