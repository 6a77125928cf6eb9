import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireSetupLock } from "./setup-lock.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lock-"));
  file = path.join(folder, "native.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the setup lock", () => {
  it("lets one in at a time, and tells who is waited for", async () => {
    let inside = 0;
    let most = 0;
    const waits: string[] = [];
    const enter = async () => {
      const release = await acquireSetupLock(file, (holder) => waits.push(holder));
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside -= 1;
      release();
    };
    await Promise.all([enter(), enter(), enter()]);
    expect(most).toBe(1);
    expect(waits).toContain(`process ${process.pid} on ${os.hostname()}`);
    expect(existsSync(file)).toBe(false);
  });

  it("takes over from a process that is gone", async () => {
    // The largest pid that Linux gives is far below this one.
    writeFileSync(file, JSON.stringify({ pid: 2 ** 30, host: os.hostname(), token: "old" }));
    const release = await acquireSetupLock(file, () => {});
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ pid: process.pid });
    release();
  });

  it("takes over from another host that has fallen silent, though its process cannot be asked", async () => {
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: "elsewhere", token: "old" }));
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(file, longAgo, longAgo);
    const release = await acquireSetupLock(file, () => {});
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ host: os.hostname() });
    release();
  });

  it("does not remove a lock that has become someone else's", async () => {
    const release = await acquireSetupLock(file, () => {});
    writeFileSync(file, JSON.stringify({ pid: process.pid, host: os.hostname(), token: "theirs" }));
    release();
    expect(existsSync(file)).toBe(true);
  });
});
