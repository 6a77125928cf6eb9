import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { openStore, temporaryFolder, wideLayout, writeCheckpoint } from "../testing/small-run.ts";
import { plainDisk } from "./checkpoint-disk.ts";
import { createDiskThread } from "./disk-thread.ts";

it("a checkpoint that the thread wrote is that of the process, byte for byte", async () => {
  const written = [plainDisk, createDiskThread()].map(async (disk) => {
    const { store, directory } = openStore({ layout: wideLayout, disk });
    await writeCheckpoint(store, wideLayout, 3);
    await store.close();
    const [name = ""] = readdirSync(path.join(directory, "checkpoints"));
    const folder = path.join(directory, "checkpoints", name);
    return readdirSync(folder).map((file) => [file, readFileSync(path.join(folder, file), "hex")]);
  });
  const [plain, threaded] = await Promise.all(written);
  expect(plain?.map(([file]) => file)).toContain("optimizer.safetensors");
  expect(threaded).toEqual(plain);
});

it("what is not the whole of its buffer, and what lies in shared memory, is written as it is", async () => {
  const file = path.join(temporaryFolder(), "bytes");
  const descriptor = openSync(file, "w");
  const disk = createDiskThread();
  await disk.write(descriptor, Uint8Array.of(0, 1, 2, 3).subarray(1, 3), 0);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  shared.set([4, 5, 6, 7]);
  await disk.write(descriptor, shared.subarray(2), 2);
  closeSync(descriptor);
  expect([...readFileSync(file)]).toEqual([1, 2, 6, 7]);
});

it("an error is the system's, with its code, and the thread goes on", async () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, "bytes"), "");
  const readOnly = openSync(path.join(folder, "bytes"), "r");
  const disk = createDiskThread();
  await expect(disk.write(readOnly, Uint8Array.of(1), 0)).rejects.toMatchObject({ code: "EBADF" });
  closeSync(readOnly);
  const files = { folder, layout: wideLayout, sections: ["parameters"], metadata: {} };
  await expect(disk.digest(files)).rejects.toMatchObject({ code: "ENOENT" });
});

it.runIf(process.platform === "linux")(
  "the thread, and it alone, gives way to whoever computes",
  async () => {
    const nicenesses = (): number[] =>
      readdirSync("/proc/self/task").map((thread) => {
        const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
      });
    const usual = nicenesses()[0] ?? 0;
    const before = nicenesses().filter((niceness) => niceness > usual).length;
    const descriptor = openSync(path.join(temporaryFolder(), "bytes"), "w");
    await createDiskThread().write(descriptor, Uint8Array.of(1), 0);
    closeSync(descriptor);
    const after = nicenesses();
    expect(after.filter((niceness) => niceness > usual)).toHaveLength(before + 1);
    expect(Math.max(...after)).toBe(Math.max(10, usual));
  },
);
