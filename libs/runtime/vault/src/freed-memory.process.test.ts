import { execFileSync } from "node:child_process";
import { addons, ensureAddon } from "@latentweave/native";
import { describe, expect, it } from "vitest";
import { keepFreedMemory } from "./freed-memory.ts";

const addon = await ensureAddon(addons.pageMap);
const isGlibc =
  (process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } }).header
    .glibcVersionRuntime !== undefined;

/** Takes 40 MiB (more than glibc ever keeps by itself), writes to all of it and frees it, over and over. Prints how many pages it got meanwhile. */
const program = `
if (process.argv[1] !== "") require(process.argv[1]).keepFreed();
const once = () => { Buffer.allocUnsafeSlow(40 << 20).fill(1); gc(); };
for (let i = 0; i < 5; i++) once();
const before = process.resourceUsage().minorPageFault;
for (let i = 0; i < 20; i++) once();
process.stdout.write(String(process.resourceUsage().minorPageFault - before));
`;
const pagesGot = (file: string): number =>
  Number(execFileSync(process.execPath, ["--expose-gc", "-e", program, file], { encoding: "utf8" }));

describe("memory that is freed", () => {
  it.runIf(isGlibc)("is used again, not fetched from the system once more", () => {
    if (addon.kind !== "ready") throw new Error(`the addon cannot be made: ${addon.reason}`);
    const pagesOfAll = (20 * (40 << 20)) / 4096;
    expect(pagesGot("")).toBeGreaterThan(pagesOfAll / 2);
    expect(pagesGot(addon.file)).toBeLessThan(pagesOfAll / 10);
  });

  it("is the allocator's affair where there is no addon", () => {
    expect(keepFreedMemory({ ...process.env, LATENTWEAVE_CACHE: "/nowhere" })).toBe(false);
  });
});
