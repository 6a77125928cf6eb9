import { fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { addons, ensureAddon } from "@latentweave/native";
import type { SharedMemory, SharedRange } from "@latentweave/protocol";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSharedMemory } from "./shared-memory.ts";
import { vaultDirectories } from "./vault-directories.ts";

const addon = await ensureAddon(addons.pageMap);
const tools = fs.mkdtempSync(path.join(os.tmpdir(), "shared-memory-tools-"));
const script = path.join(tools, "opener.mjs");
const memory = createSharedMemory({ ...process.env, LATENTWEAVE_SHARED_MEMORY: undefined }) as SharedMemory;
const [directory = ""] = vaultDirectories();

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL("testing/opener.ts", import.meta.url))],
    outfile: script,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["latentweave-source"],
    logLevel: "silent",
  }),
);
afterAll(() => fs.rmSync(tools, { recursive: true }));

function made(bytes: number): SharedRange {
  const range = memory.create(bytes);
  if (typeof range === "string") throw new Error(range);
  return range;
}

describe.skipIf(addon.kind === "unavailable")("memory that two processes share", () => {
  it("shows each what the other writes, and outlives its name and either of them", async () => {
    const range = made(1 << 20);
    const bytes = new Uint8Array(range.buffer);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes[1000] = 7;
    const child = fork(script, [range.name]);
    expect((await once(child, "message"))[0]).toEqual({ opened: true, found: 7 });
    range.forgetName();
    expect(fs.existsSync(path.join(directory, range.name))).toBe(false);
    bytes[1000] = 8;
    child.send({ write: 9, at: 2000 });
    expect((await once(child, "message"))[0]).toEqual({ found: 8 });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(bytes[2000]).toBe(9);
    range.close();
    expect(range.buffer.byteLength).toBe(0);
  });

  it("belongs to this user alone, and no other file is opened by its name", () => {
    const range = made(4096);
    expect(fs.statSync(path.join(directory, range.name)).mode & 0o777).toBe(0o600);
    const link = path.join(directory, "latentweave-vault-channel-link");
    fs.symlinkSync("/etc/hostname", link);
    try {
      expect(memory.open("../../etc/hostname")).toBe("not the name of a range");
      expect(memory.open("latentweave-vault-channel-../../etc/hostname")).toBe("not the name of a range");
      expect(memory.open("latentweave-vault-channel-link")).toBe("ELOOP");
      expect(memory.open("latentweave-vault-channel-0")).toBe("ENOENT");
    } finally {
      fs.rmSync(link);
      range.close();
    }
    expect(memory.open(range.name)).toBe("ENOENT");
  });

  it("is refused where it would take the room of others", () => {
    const { blocks, bsize } = fs.statfsSync(directory);
    expect(memory.create(blocks * bsize)).toMatch(/bytes are needed, \d+ are free/);
  });

  it("can be switched off", () => {
    expect(createSharedMemory({ ...process.env, LATENTWEAVE_SHARED_MEMORY: "off" })).toMatch(/switched off/);
  });
});
