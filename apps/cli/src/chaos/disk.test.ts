import { mkdtempSync, rmSync } from "node:fs";
import { open, readdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { faultFolder } from "@latentweave/faults";
import { expect, it, onTestFinished } from "vitest";
import { openDisk } from "./disk.ts";

it.each(["room", "writing"] as const)(
  "a disk that is closed while it is full, and while files are being written, is as it was when %s is given back first",
  async (first) => {
    const parent = mkdtempSync(path.join(os.tmpdir(), "latentweave-disk-"));
    onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
    const folder = faultFolder(path.join(parent, "faults"));
    folder.make();
    const directory = path.join(parent, "run");
    const disk = await openDisk(directory, folder);
    const stopWriting = keepWriting(path.join(directory, "others"));
    const giveRoom = await disk.fill();
    const giveWriting = await disk.close();
    const file = path.join(directory, "file");
    // Where nothing can be mounted, only the coordinator is refused.
    if (disk.isPretended) expect(folder.disk()).toBe("read-only");
    else await expect(writeFile(file, "text")).rejects.toThrow("EROFS");
    await (first === "room" ? giveRoom() : giveWriting());
    await (first === "room" ? giveWriting() : giveRoom());
    await writeFile(file, Buffer.alloc(2 ** 20));
    await stopWriting();
    await disk.remove();
    expect((await readdir(directory)).sort()).toEqual(["file", "others"]);
    expect((await readdir(parent)).sort()).toEqual(["faults", "run"]);
  },
);

/** Opens, writes and closes a file again and again, whatever comes of it. */
function keepWriting(file: string): () => Promise<void> {
  const stop = new AbortController();
  const writing = (async () => {
    while (!stop.signal.aborted) {
      const handle = await open(file, "w").catch(() => undefined);
      await handle?.writeFile("text").catch(() => undefined);
      await setTimeout(1);
      await handle?.close();
    }
  })();
  return () => {
    stop.abort();
    return writing;
  };
}
